"""The lock on a real file system, with real processes: races, takeover, fencing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.process_name import machine_id, process_id
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import lock as locks
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal import Journal
from ansible_collections.kong_masking.recovery.tests.unit import samples

ELSEWHERE = {"user": "ann", "host": "laptop", "machine": "another", "process": "1:1"}
RUN = {"run": "rollback-1", "kind": "rollback"}
LATER = {"run": "rollback-2", "kind": "rollback"}
RACES = 50
RACER = """
import json, sys
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import lock as locks
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.process_name import machine_id, process_id
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
import os
me = {"user": "u", "host": "h", "machine": machine_id(), "process": process_id(os.getpid())}
for number in range(int(sys.argv[3])):
    sys.stdin.readline()
    lock = locks.StackLock(samples.stack(os.path.join(sys.argv[1], str(number))), Runner())
    try:
        fence = lock.acquire({"run": f"rollback-{sys.argv[2]}", "kind": "rollback"}, me, "now")
        print("won", fence, flush=True)
    except locks.LockHeld as exc:
        print("lost", exc.details["holder"], flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lock(tmp_path):
    return locks.StackLock(samples.stack(tmp_path), Runner())


def python(code, *args, **options):
    """Start a Python that sees the collection."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {"PYTHONPATH": path, "PATH": os.environ["PATH"]}
    return subprocess.Popen([sys.executable, "-c", code, *args], env=environment, text=True, **options)


def here(process):
    """An owner on this machine."""
    return {"user": "ann", "host": "gw1", "machine": machine_id(), "process": process_id(process)}


def test_fifty_races_have_exactly_one_winner_and_the_loser_is_told_who(tmp_path):
    for number in range(RACES):
        (tmp_path / str(number)).mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    racers = [python(RACER, str(tmp_path), name, str(RACES), **pipes) for name in ("a", "b")]
    try:
        for _number in range(RACES):
            for racer in racers:
                racer.stdin.write("\n")
            for racer in racers:
                racer.stdin.flush()
            said = sorted(racer.stdout.readline().split() for racer in racers)
            assert [words[0] for words in said] == ["lost", "won"]
            assert said[1][1] == "1"
            assert said[0][1] in ("rollback-a", "rollback-b")
    finally:
        for racer in racers:
            racer.communicate("\n")


def test_it_is_private_and_stays_after_its_release(lock):
    fence = lock.acquire(RUN, here(os.getpid()), "now")
    assert lock.holder().startswith("rollback-1 of ann on gw1")
    assert lock.release("rollback-1", fence)
    assert lock.holder() == ""
    assert os.stat(lock.path).st_mode & 0o777 == 0o600
    assert lock.acquire(LATER, here(os.getpid()), "now") == fence + 1


def test_where_the_lease_is_lost_its_numbers_go_on_above_those_of_the_journals(lock):
    """An interrupted run is found by them: begun anew they would hide the newest one, or revive an old one."""
    book = Journal(lock.stack, "rollback-20260729-120000")
    book.prepare()
    book.append("begin", kind="rollback", project="p", environment="e", by={"user": "u", "host": "h"}, fence=7)
    assert lock.acquire(RUN, here(os.getpid()), "now") == 8
    os.unlink(lock.path)
    assert lock.acquire(RUN, here(os.getpid()), "now") == 8, "its own journal is not written yet"


def test_the_lock_of_a_killed_owner_is_taken_over_at_once(lock):
    process = python("import sys; sys.stdin.read()", stdin=subprocess.PIPE)
    fence = lock.acquire(RUN, here(process.pid), "now")
    with pytest.raises(locks.LockHeld, match="its ansible-playbook still runs"):
        lock.acquire(LATER, here(os.getpid()), "now")
    process.kill()
    process.communicate()
    told = []
    lock.told = told.append
    assert lock.acquire(LATER, here(os.getpid()), "now") == fence + 1
    assert told == ["Took the lock over from rollback-1: its ansible-playbook is gone."]


def test_the_module_of_a_lost_run_ends_before_the_takeover(lock):
    """A module that was paused beyond its lease must not wake up and write."""
    module = python(
        "import sys; print('up', flush=True); sys.stdin.read()", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    module.stdout.readline()
    fence = lock.acquire(RUN, ELSEWHERE, "now")
    lock.renew("rollback-1", fence, -locks.leases.GRACE, process_id(module.pid), "apply")
    module.send_signal(signal.SIGSTOP)
    assert lock.acquire(LATER, ELSEWHERE, "now") == fence + 1
    assert module.wait(5) in (-signal.SIGTERM, -signal.SIGKILL)
    module.communicate()


def test_the_last_module_of_a_killed_owner_is_waited_for_although_it_renews(lock):
    owner = python("import sys; sys.stdin.read()", stdin=subprocess.PIPE)
    module = python("import time; time.sleep(1)")
    fence = lock.acquire(RUN, here(owner.pid), "now")
    lock.renew("rollback-1", fence, 60, process_id(module.pid), "apply")
    owner.kill()
    owner.communicate()
    renewing = threading.Timer(0.3, lambda: lock.renew("rollback-1", fence, 90, process_id(module.pid), "apply"))
    renewing.start()
    assert (
        locks.StackLock(samples.stack(os.path.dirname(lock.folder)), Runner()).acquire(LATER, ELSEWHERE, "then")
        == fence + 1
    )
    renewing.join()
    assert module.wait() == 0, "it was ended although its lease was not over"


def test_a_holder_that_wakes_after_a_takeover_is_fenced(lock):
    fence = lock.acquire(RUN, ELSEWHERE, "now")
    lock.renew("rollback-1", fence, -locks.leases.GRACE, "", "plan")
    lock.acquire(LATER, here(os.getpid()), "then")
    with pytest.raises(locks.Fenced, match="Nothing more is written"):
        lock.renew("rollback-1", fence, 60, "", "apply")
    assert lock.release("rollback-1", fence) is False
    assert lock.read()["run"] == "rollback-2"


def test_a_silent_holder_is_waited_for_until_its_lease_is_over(lock):
    fence = lock.acquire(RUN, ELSEWHERE, "now")
    lock.renew("rollback-1", fence, 0.3 - locks.leases.GRACE, "", "plan")
    told = []
    lock.told = told.append
    assert lock.acquire(LATER, ELSEWHERE, "then") == fence + 1
    assert told[0].startswith("Waiting up to 0 s for rollback-1: its controller is silent")


def test_a_silent_holder_that_renews_keeps_the_lock(lock):
    fence = lock.acquire(RUN, ELSEWHERE, "now")
    renewing = threading.Timer(0.2, lambda: lock.renew("rollback-1", fence, 60, "", "apply"))
    renewing.start()
    with pytest.raises(locks.LockHeld, match="it renewed its lease while we waited") as caught:
        locks.StackLock(samples.stack(os.path.dirname(lock.folder)), Runner()).acquire(LATER, ELSEWHERE, "then")
    renewing.join()
    assert caught.value.details["phase"] == "apply"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_lease_that_cannot_be_read_is_none(lock, content):
    os.makedirs(lock.folder)
    with open(lock.path, "wb") as handle:
        handle.write(content)
    assert lock.acquire(RUN, ELSEWHERE, "now") == 1
    with open(lock.path, encoding="utf-8") as handle:
        assert json.load(handle)["run"] == "rollback-1"

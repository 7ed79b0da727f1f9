"""A rehearsal beside the live stack: a good backup passes, a damaged one does not, and nothing live is touched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab, user_environment
from outside import run
from reference_stack import ROOT

SCRATCH = "kong_masking.recovery.scratch"


def left_over(lab: Lab) -> dict[str, list[str]]:
    """Everything on the engine that a rehearsal of this stack made."""
    label = ("--filter", f"label={SCRATCH}={lab.project}")
    return {
        "containers": run(["docker", "ps", "-aq", *label]).stdout.split(),
        "networks": run(["docker", "network", "ls", "-q", *label]).stdout.split(),
        "volumes": run(["docker", "volume", "ls", "-q", *label]).stdout.split(),
    }


NOTHING = {"containers": [], "networks": [], "volumes": []}


def proof_of(lab: Lab, backup_id: str) -> dict[str, object]:
    """The proof in a backup's marks; empty without one."""
    marks = json.loads((lab.backup_path(backup_id) / "marks.json").read_text(encoding="utf-8"))
    return marks.get("drill", {})


def test_a_good_backup_passes_and_the_live_stack_is_unchanged(lab: Lab) -> None:
    golden = lab.golden()
    # What runs now is another release with other data: the rehearsal is of the backup and not of this.
    releases.good_but_different(lab)
    with lab.redis() as client:
        client.set("live:only", "1")
    before, networks, volumes = (
        lab.state(),
        stack_state.names_of("network", lab.project),
        stack_state.names_of("volume", lab.project),
    )
    seen = lab.ask(f"{lab.stack.upstream}/__last")

    done = lab.play("drill", "-e", f"deployment={golden}")

    after = lab.state()
    assert done.rc == 0, done.output
    assert f"REHEARSAL PASSED: {golden}" in done.flat
    assert stack_state.differences(before, after) == []
    assert after.identities() == before.identities()
    assert lab.ask(f"{lab.stack.upstream}/__last") == seen, "a request of the rehearsal reached the live upstream"
    assert left_over(lab) == NOTHING
    assert (stack_state.names_of("network", lab.project), stack_state.names_of("volume", lab.project)) == (
        networks,
        volumes,
    )
    proof = proof_of(lab, golden)
    assert proof["passed"] is True
    assert {
        proof["checks"][name] for name in ("redis_keys", "redis_counters", "kong_configuration_hash", "masking")
    } == {"passed"}
    print(f"rehearsal: {proof['seconds']} s, playbook {done.seconds:.1f} s")
    assert re.search(rf"{golden} .* proven \d+ s ago", lab.play("list_backups").flat)

    # One byte of it changes and its time is set back: the proof is void, and the next rehearsal fails before it starts.
    dump = lab.backup_path(golden) / "redis-backup.rdb"
    about, content = dump.stat(), bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    os.utime(dump, ns=(about.st_atime_ns, about.st_mtime_ns))

    assert "proof void: changed since" in lab.play("list_backups").flat
    damaged = lab.play("drill", "-e", f"deployment={golden}")

    assert damaged.rc != 0
    assert "redis-backup.rdb: expected SHA-256" in damaged.flat
    assert stack_state.differences(before, lab.state()) == []
    assert left_over(lab) == NOTHING


@pytest.mark.slow
def test_a_backup_whose_kong_file_does_not_start_fails_and_says_so(lab: Lab) -> None:
    golden = lab.golden()
    path = lab.backup_path(golden)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    # Whole to the last byte, and yet of no use: only a rehearsal can tell.
    (entry,) = [item for item in manifest["files"] if item.get("target") == "kong/kong.yml"]
    (path / entry["path"]).write_bytes(releases.BROKEN_KONG_FILE)
    digest = run(["sha256sum", str(path / entry["path"])]).stdout.split()[0]
    entry.update(sha256=digest, size=len(releases.BROKEN_KONG_FILE))
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    before = lab.state()

    done = lab.play("drill", "-e", f"deployment={golden}", "-e", "drill_timeout=40")

    assert done.rc != 0
    assert f"REHEARSAL FAILED: {golden}" in done.flat
    assert proof_of(lab, golden)["passed"] is False
    assert "REHEARSAL FAILED" in lab.play("list_backups").flat
    assert stack_state.differences(before, lab.state()) == []
    assert left_over(lab) == NOTHING


@pytest.mark.slow
def test_what_a_killed_rehearsal_leaves_is_gone_after_the_next_one(lab: Lab) -> None:
    golden = lab.golden()
    before = lab.state()
    command = lab.command("drill", "-e", f"deployment={golden}")
    with subprocess.Popen(
        command, cwd=ROOT, env=user_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as playbook:
        end = time.monotonic() + 60
        while len(left_over(lab)["containers"]) < 2 and time.monotonic() < end:
            time.sleep(0.1)
        (owner,) = {
            one.rpartition(" ")[2].split(":")[0]
            for one in run(
                ["docker", "ps", "-a", "--filter", f"label={SCRATCH}={lab.project}", "--format",
                 'x {{.Label "kong_masking.recovery.owner"}}']
            ).stdout.splitlines()
        }  # fmt: skip
        os.kill(int(owner), signal.SIGKILL)
        playbook.wait(60)
    assert left_over(lab)["containers"], "it was killed too late to leave anything"
    folders = list(Path("/tmp").glob(f"kong-masking-recovery-{owner}-*"))
    assert folders

    done = lab.play("drill", "-e", f"deployment={golden}")

    assert done.rc == 0, done.output
    assert left_over(lab) == NOTHING
    assert not any(folder.exists() for folder in folders)
    assert stack_state.differences(before, lab.state()) == []


@pytest.mark.slow
def test_a_data_backup_is_rehearsed_by_loading_it(lab: Lab) -> None:
    data = lab.backup("-e", "kind=data")
    before = lab.state()

    done = lab.play("drill", "-e", f"deployment={data}")

    assert done.rc == 0, done.output
    assert proof_of(lab, data)["checks"] == {"redis_keys": "passed", "redis_counters": "passed"}
    assert stack_state.differences(before, lab.state()) == []

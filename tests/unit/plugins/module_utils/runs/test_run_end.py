"""The end of a run: how it is called, whether the service is back, and what the next run finds."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import run_begin, run_end
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal import Journal
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.lock import StackLock
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.journal_samples import BROKEN, GOOD, OPEN

RUN = "rollback-20260729-120000"
ADVISORY = {**BROKEN, "level": "advisory"}
MINOR = {**OPEN, "level": "advisory"}
WORK = {"actions": [{"action": "restart"}]}
REFUSED = {"actions": [], "refusals": [{"name": "port_taken"}]}


def result(**other):
    values = {
        "failure": "",
        "plan": WORK,
        "applied": True,
        "decided": False,
        "undone": False,
        "checks": [GOOD],
        "backup_id": "deploy-1",
        "snapshot_id": RUN,
    }
    return {**values, **other}


@pytest.mark.parametrize(
    ("about", "called"),
    [
        ({}, "completed"),
        ({"plan": {"actions": []}}, "nothing to do"),
        ({"plan": {}}, "nothing to do"),
        ({"failure": "plan: port_taken", "plan": REFUSED, "applied": False}, "refused"),
        ({"failure": "plan: port_taken", "plan": REFUSED, "applied": True}, "failed"),
        ({"failure": "plan: port_taken", "plan": REFUSED, "applied": True, "undone": True}, "undone"),
        ({"failure": "verify: masking", "undone": True}, "undone"),
        ({"failure": "apply: step 3"}, "failed"),
        ({"failure": "before: no engine", "plan": {}}, "failed"),
    ],
    ids=[
        "done",
        "no-actions",
        "no-plan",
        "refused",
        "refused-half-way",
        "refused-and-undone",
        "undone",
        "failed",
        "failed-before-a-plan",
    ],
)
def test_outcome(about, called):
    assert run_end.outcome(result(**about)) == called


@pytest.mark.parametrize(
    ("about", "called"),
    [
        ({}, "back"),
        ({"checks": [GOOD, OPEN]}, "back"),
        ({"checks": [GOOD, ADVISORY]}, "back"),
        ({"checks": [GOOD, BROKEN]}, "not back"),
        ({"checks": []}, "not back"),
        ({"checks": [], "applied": False}, "not measured"),
        ({"failure": "apply: step 3"}, "not back"),
        ({"failure": "verify: masking", "undone": True}, "back"),
        ({"failure": "verify: masking", "undone": True, "checks": [BROKEN]}, "not back"),
        ({"failure": "verify: masking", "undone": True, "checks": []}, "not back"),
    ],
    ids=[
        "measured", "not-all-measured", "advisory", "critical", "touched-and-nobody-looked", "untouched",
        "failed-with-old-checks", "undone", "undone-and-broken", "undone-and-nobody-looked",
    ],
)  # fmt: skip
def test_nothing_but_checks_says_that_the_service_is_back(about, called):
    assert run_end.service(result(**about)) == called


@pytest.fixture
def stack(tmp_path):
    return samples.stack(tmp_path)


@pytest.fixture
def run(stack):
    """A run that has begun: it holds the lock, and its journal has the first line."""
    _lock, fence = samples.held_lock(stack, RUN)
    book = Journal(stack, RUN)
    book.prepare()
    about = {"kind": "rollback", "project": "gateway", "environment": "production", "by": {"user": "u", "host": "h"}}
    book.append("begin", **about)
    return {"id": RUN, "fence": fence}


def end(stack, run, dry=False, **about):
    return run_end.end(stack, Runner(), {"run": run, "result": result(**about)}, dry)


def test_the_last_line_says_what_the_run_came_to(stack, run, monkeypatch):
    began = Journal(stack, RUN).events()[0]["mono"]
    monkeypatch.setattr(run_end, "uptime", lambda: began + 41.5)
    found = end(stack, run, checks=[GOOD, ADVISORY, OPEN, OPEN, MINOR], failure="verify: x", undone=True)
    assert found == {
        "changed": False,
        "run": run,
        "log": f"{os.uname().nodename}:{stack.path(f'logs/rollbacks/{RUN}.log')}",
        "outcome": "undone",
        "service": "back",
    }
    last = Journal(stack, RUN).events()[-1]
    assert {name: last[name] for name in last if name not in ("mono", "wall", "seq")} == {
        "event": "end",
        "outcome": "undone",
        "service": "back",
        "not_measured": 2,
        "seconds": 41.5,
        "failure": "verify: x",
        "backup_id": "deploy-1",
        "snapshot_id": RUN,
        "checks": [GOOD, ADVISORY, OPEN, OPEN, MINOR],
        "half_way": True,
    }
    with open(found["log"].partition(":")[2], encoding="utf-8") as handle:
        assert handle.read().splitlines()[-1].endswith("ended: undone, service back, after 41.5 s")


@pytest.mark.parametrize(
    ("about", "left"),
    [
        ({}, ""),
        ({"failure": "plan: port_taken", "applied": False}, ""),
        ({"failure": "apply: step 3"}, RUN),
        ({"failure": "apply: step 3", "decided": True}, ""),
        ({"failure": "verify: masking", "decided": True, "undone": True}, ""),
    ],
    ids=["good", "nothing-was-done", "undecided", "decided-to-leave-it", "undone"],
)
def test_what_was_left_half_way_is_what_the_next_run_goes_on_with(stack, run, about, left):
    end(stack, run, **about)
    assert run_begin.unfinished(stack)[0] == left


def test_the_lock_is_given_back(stack, run):
    end(stack, run)
    assert StackLock(stack, Runner()).holder() == ""


def test_the_lock_is_given_back_although_the_journal_cannot_be_written(stack, run):
    os.rename(stack.path(".recovery/journal"), stack.path("elsewhere"))
    with pytest.raises(FileNotFoundError):
        end(stack, run)
    assert StackLock(stack, Runner()).holder() == ""


def test_the_lock_of_a_successor_stays(stack, run):
    samples.held_lock(stack, "rollback-later", force=True)
    end(stack, run)
    assert StackLock(stack, Runner()).holder().startswith("rollback-later of ann")


def test_a_journal_that_lost_its_first_line_tells_no_duration(stack, run):
    with open(Journal(stack, RUN).path, "w", encoding="utf-8"):
        pass
    end(stack, run)
    assert Journal(stack, RUN).events()[-1]["seconds"] == 0.0


@pytest.mark.parametrize(("dry", "with_run"), [(True, True), (False, False), (True, False)])
def test_in_check_mode_and_without_a_run_it_is_only_said(stack, run, dry, with_run):
    found = end(stack, run if with_run else {}, dry, failure="x", checks=[])
    assert found == {"run": {}, "log": "", "outcome": "failed", "service": "not back"}
    assert [item["event"] for item in Journal(stack, RUN).events()] == ["begin"]
    assert StackLock(stack, Runner()).holder().startswith(RUN)

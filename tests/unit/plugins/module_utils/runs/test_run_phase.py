"""One phase of a run: nothing is written without the lease, and the journal keeps what a later run needs."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.process_name import process_id, uptime
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import lock as locks
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import run_phase
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal import Journal
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.journal_samples import BROKEN, GOOD

RUN = "rollback-20260729-120000"
STEP = {"step": 3, "action": "recreate", "service": "kong", "why": "differs", "beside": False}
BACKUP = {"id": "deploy-1", "path": "/b/deploy-1", "files": [{"path": "config.env"}]}


@pytest.fixture
def stack(tmp_path):
    return samples.stack(tmp_path)


@pytest.fixture
def book(stack):
    """The journal of a run that has begun and holds the lock."""
    samples.held_lock(stack, RUN)
    made = Journal(stack, RUN)
    made.prepare()
    about = {"kind": "rollback", "project": "gateway", "environment": "production", "by": {"user": "u", "host": "h"}}
    made.append("begin", timeout=120, **about)
    return made


def phase(stack, name="apply", fence=1, run=RUN):
    return run_phase.RunPhase(stack, {"id": run, "fence": fence, "phase": name}, Runner())


def lease(stack):
    return locks.StackLock(stack, Runner()).read()


def left(stack):
    """How long the lease goes on, to the second, its grace aside."""
    return round(lease(stack)["expires"] - uptime() - locks.leases.GRACE)


def said(book):
    """Return the events after the first, without what any event has."""
    every = ("mono", "wall", "seq")
    return [{name: item[name] for name in item if name not in every} for item in book.events()[1:]]


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("apply", 180), ("snapshot", 300), ("before", 120), ("verify", 360), ("undo", 180), ("anything", 60)],
)
def test_it_begins_with_the_lease_renewed_for_its_own_budget(stack, book, name, seconds):
    phase(stack, name).begin()
    found = lease(stack)
    assert (found["phase"], found["module"]) == (name, process_id(os.getpid()))
    assert left(stack) == seconds
    assert said(book) == [{"event": "phase", "phase": name, "state": "begin"}]


def test_whoever_lost_the_lock_writes_nothing_more(stack, book):
    samples.held_lock(stack, "rollback-later", force=True)
    lost = phase(stack)
    for work in (lost.begin, lambda: lost.hold(60), lambda: lost.end(1.0, {}), lambda: lost.failed(1.0, FAILURE)):
        with pytest.raises(locks.Fenced, match=f"The lock of {RUN} was taken over meanwhile"):
            work()
    assert said(book) == []
    assert lease(stack)["run"] == "rollback-later"


def test_a_long_step_holds_the_lease_longer(stack, book):
    phase(stack).hold(900)
    assert left(stack) == 900
    assert said(book) == []


def test_steps_are_noted_by_what_they_are_about(stack, book):
    made = phase(stack)
    made.step(STEP, "begin")
    made.step({**STEP, "service": None, "path": "a/b", "reference": "kong:1", "sha256": "ab"}, "end", ms=812)
    event = {"event": "step", "step": 3, "action": "recreate"}
    assert said(book) == [
        {**event, "state": "begin", "service": "kong"},
        {**event, "state": "end", "service": None, "path": "a/b", "reference": "kong:1", "ms": 812},
    ]


RESULT = {
    "checks": [GOOD, BROKEN],
    "backup": BACKUP,
    "why": "newest",
    "older": ["deploy-0"],
    "plan": {"actions": [STEP], "estimate_seconds": 7.4},
    "executed": [{**STEP, "ms": 812}],
    "changed": True,
    "table": ["a", "b"],
}
SHORT = {"id": "deploy-1", "path": "/b/deploy-1"}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("before", {"checks": RESULT["checks"]}),
        ("discover", {"backup": SHORT, "why": "newest", "older": ["deploy-0"]}),
        ("plan", {"plan": RESULT["plan"]}),
        ("snapshot", {"backup": SHORT}),
        ("apply", {"executed": RESULT["executed"]}),
        ("verify", {"checks": RESULT["checks"]}),
        ("undo", {"plan": RESULT["plan"], "executed": RESULT["executed"], "checks": RESULT["checks"]}),
        ("report", {}),
    ],
)
def test_the_journal_keeps_what_a_later_run_needs_and_no_list_of_files(stack, book, name, kept):
    phase(stack, name).end(1.23456, RESULT)
    event = {"event": "phase", "phase": name, "state": "end", "ok": True, "seconds": 1.235, "result": kept}
    assert said(book) == [event]


def test_what_a_module_does_not_return_is_not_kept_as_nothing(stack, book):
    phase(stack, "undo").end(1.0, {"executed": []})
    assert said(book)[0]["result"] == {"executed": []}


@pytest.mark.parametrize("end", [lambda made: made.end(1.0, {}), lambda made: made.failed(1.0, FAILURE)])
def test_between_two_modules_the_lease_has_its_grace_alone_and_no_process(stack, book, end):
    made = phase(stack)
    made.begin()
    end(made)
    assert (left(stack), lease(stack)["module"], lease(stack)["phase"]) == (0, "", "apply")


FAILURE = RecoveryError("Kong does not come up.", "docker logs kong", executed=[{**STEP, "ms": 812}])


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (FAILURE, {"executed": [{**STEP, "ms": 812}]}),
        (RecoveryError("Kong does not come up.", "docker logs kong", executed=[]), {"executed": []}),
        (RecoveryError("Kong does not come up.", "docker logs kong", other="x"), {}),
    ],
    ids=["some-steps", "no-step", "no-plan"],
)
def test_a_failure_keeps_what_was_done_until_then(stack, book, error, kept):
    phase(stack).failed(2.0, error)
    assert said(book) == [
        {
            "event": "phase",
            "phase": "apply",
            "state": "end",
            "ok": False,
            "seconds": 2.0,
            "result": kept,
            "msg": "Kong does not come up.",
            "hint": "docker logs kong",
        }
    ]


@pytest.mark.parametrize(
    ("spent", "lines", "in_time"),
    [
        (20.04, ["[ 20.0 s of 120] apply: 1 actions done"], True),
        (119.99, ["[120.0 s of 120] apply: 1 actions done"], True),
        (
            133.5,
            [
                "[133.5 s of 120] apply: 1 actions done",
                "[133.5 s of 120] apply: WARNING: past the budget by 13.5 s; goes on",
            ],
            False,
        ),
    ],
    ids=["early", "just", "late"],
)
def test_time_is_counted_from_the_beginning_of_the_run(stack, book, monkeypatch, spent, lines, in_time):
    began = book.events()[0]["mono"]
    monkeypatch.setattr(run_phase, "uptime", lambda: began + spent)
    made = phase(stack)
    assert made.in_time() is in_time
    assert made.end(1.0, {"executed": [STEP]}) == lines


def test_without_a_run_nothing_is_written_at_all(stack):
    alone = run_phase.RunPhase(stack, {"id": None, "fence": None, "phase": None}, Runner())
    alone.begin()
    alone.hold(60)
    alone.step(STEP, "begin")
    assert alone.end(1.0, {"executed": []}) == []
    alone.failed(1.0, FAILURE)
    assert alone.in_time()
    assert os.listdir(stack.dir) == []

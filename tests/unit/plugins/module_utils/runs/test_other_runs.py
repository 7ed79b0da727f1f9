"""Who holds the lock, which runs never ended, and what those need."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import other_runs
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal import FOLDER
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.lock import StackLock
from ansible_collections.kong_masking.recovery.tests.unit import samples

RUN = "rollback-20260729-115900"


@pytest.fixture
def stack(tmp_path):
    (tmp_path / ".recovery" / "journal").mkdir(parents=True)
    return samples.stack(tmp_path)


def journal(stack, run, *events, torn=""):
    with open(stack.path(f"{FOLDER}/{run}.jsonl"), "w", encoding="utf-8") as handle:
        handle.write("".join(json.dumps(event) + "\n" for event in events) + torn)


BEGIN = {
    "event": "begin",
    "kind": "rollback",
    "wall": "2026-07-29T11:59:00.123Z",
    "arguments": {"deployment": "latest"},
}
FOUND = {"event": "phase", "phase": "discover", "state": "end", "result": {"backup": {"id": "deploy-20260729-100000"}}}
SAVED = {
    "event": "phase",
    "phase": "snapshot",
    "state": "end",
    "result": {"backup": {"id": "rollback-20260729-115905"}},
}
END = {"event": "end", "outcome": "completed"}


OWNER = {"user": "ann", "host": "laptop", "machine": "elsewhere", "process": "1:1"}


@pytest.mark.parametrize(
    ("kind", "released", "busy"),
    [
        (None, False, False),
        ("rollback", False, True),
        ("recover_data", False, True),
        ("rollback", True, False),
    ],
    ids=["free", "held", "data-recovery", "given-back"],
)
def test_who_changes_the_stack(stack, kind, released, busy):
    if kind is not None:
        lock = StackLock(stack, Runner())
        fence = lock.acquire({"run": RUN, "kind": kind}, OWNER, "now")
        if released:
            lock.release(RUN, fence)
    assert other_runs.rolling_back(stack, Runner()) == (RUN if busy else "")


def test_what_a_run_carries_from_an_interrupted_one_is_in_use(stack):
    carries = {"deployment": "deploy-20260729-100000", "snapshot": {"id": "rollback-20260729-115905"}}
    journal(stack, RUN, {**BEGIN, "carries": carries})
    (found,) = other_runs.unfinished(stack, Runner())
    assert found.backups == {"deploy-20260729-100000", "rollback-20260729-115905"}


def test_a_run_that_failed_half_way_is_unfinished(stack):
    journal(stack, RUN, BEGIN, FOUND, {**END, "outcome": "failed", "half_way": True})
    assert [item.run for item in other_runs.unfinished(stack, Runner())] == [RUN]


def test_a_run_without_an_end_needs_its_target_and_its_snapshot(stack):
    journal(stack, RUN, BEGIN, FOUND, SAVED)
    journal(stack, "rollback-20260728-115900", BEGIN, FOUND, END)
    (found,) = other_runs.unfinished(stack, Runner())
    assert (found.run, found.phase, found.began) == (RUN, "snapshot", "2026-07-29T11:59:00.123Z")
    assert other_runs.in_use([found]) == {
        RUN: RUN,
        "deploy-20260729-100000": RUN,
        "rollback-20260729-115905": RUN,
    }


def test_what_a_torn_line_names_is_in_use(stack):
    journal(stack, RUN, BEGIN, torn='{"event": "phase", "result": {"backup": {"id": "deploy-20260729-100000", "pa')
    assert "deploy-20260729-100000" in other_runs.in_use(other_runs.unfinished(stack, Runner()))


def test_a_named_target_is_in_use_from_the_first_line_on(stack):
    journal(stack, RUN, {**BEGIN, "arguments": {"deployment": "data-20260729-100000"}})
    assert "data-20260729-100000" in other_runs.in_use(other_runs.unfinished(stack, Runner()))


def test_a_run_that_another_took_up_is_over_when_that_one_is(stack):
    journal(stack, "rollback-20260729-115000", BEGIN, FOUND)
    journal(stack, RUN, {**BEGIN, "resumes": "rollback-20260729-115000"}, FOUND)
    assert [item.run for item in other_runs.unfinished(stack, Runner())] == [RUN]
    journal(stack, RUN, {**BEGIN, "resumes": "rollback-20260729-115000"}, FOUND, END)
    assert other_runs.unfinished(stack, Runner()) == []


def test_without_a_journal_nothing_is_unfinished(tmp_path):
    assert other_runs.unfinished(samples.stack(tmp_path), Runner()) == []


def test_a_journal_that_cannot_be_read_is_an_error_and_not_an_empty_one(stack, tmp_path):
    (tmp_path / ".recovery" / "journal" / f"{RUN}.jsonl").symlink_to("/dev/null")
    with pytest.raises(RecoveryError, match="cannot be read"):
        other_runs.unfinished(stack, Runner())

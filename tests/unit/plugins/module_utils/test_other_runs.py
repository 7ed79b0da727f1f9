"""Who holds the lock, which runs never ended, and what those need."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import other_runs
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

NOW = datetime.fromisoformat("2026-07-29T12:00:00+00:00")
RUN = "rollback-20260729-115900"


@pytest.fixture
def stack(tmp_path):
    (tmp_path / ".recovery" / "journal").mkdir(parents=True)
    return samples.stack(tmp_path)


def lock(stack, content):
    with open(stack.path(other_runs.LOCK), "w", encoding="utf-8") as handle:
        handle.write(content if isinstance(content, str) else json.dumps(content))


def journal(stack, run, *events, torn=""):
    with open(stack.path(f"{other_runs.JOURNALS}/{run}.jsonl"), "w", encoding="utf-8") as handle:
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


@pytest.mark.parametrize(
    ("content", "busy"),
    [
        (None, ""),
        ({"run": RUN, "kind": "rollback", "expires": "2026-07-29T12:00:10Z"}, RUN),
        ({"run": RUN, "kind": "recover_data", "expires": "2026-07-29T12:00:10Z"}, RUN),
        ({"run": RUN, "kind": "rollback", "expires": "2026-07-29T11:59:50Z"}, ""),
        ({"run": RUN, "kind": "rollback", "expires": "no time"}, RUN),
        ({"run": "drill-20260729-115900", "kind": "drill", "expires": "2026-07-29T12:00:10Z"}, ""),
        ({}, ""),
        ("torn {", "a run whose lock cannot be read"),
    ],
    ids=["free", "held", "data-recovery", "lease-over", "end-unknown", "a-rehearsal", "empty", "unreadable"],
)
def test_who_changes_the_stack(stack, content, busy):
    if content is not None:
        lock(stack, content)
    assert other_runs.rolling_back(stack, Runner(), NOW) == busy


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

"""Journals are read back as records, also those that a kill cut short."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import (
    back_after,
    brief,
    history,
    read_events,
    run_record,
    seconds_between,
)
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples as samples


def records():
    return history(samples.ten_runs())


def test_ten_runs_of_ten_kinds():
    assert [(item["kind"], item["outcome"], item["service"]) for item in records()] == [
        ("rollback", "completed", "back"),
        ("rollback", "completed", "back"),
        ("force_rollback", "completed", "back"),
        ("rollback", "failed", "not back"),
        ("rollback", "undone", "back"),
        ("rollback", "refused", "not measured"),
        ("rollback", "nothing to do", "back"),
        ("rollback", "unfinished", "not measured"),
        ("rollback", "completed", "back"),
        ("force_rollback", "failed", "not back"),
    ]


def test_a_whole_run():
    found = records()[0]
    assert [(item["phase"], item["start"], item["seconds"], item["ok"]) for item in found["phases"]] == [
        ("before", 0.0, 0.5, True),
        ("discover", 0.5, 0.5, True),
        ("plan", 1.0, 0.5, True),
        ("snapshot", 1.5, 1.5, True),
        ("apply", 3.0, 6.0, True),
        ("verify", 9.0, 3.0, True),
    ]
    assert [(item["action"], item["start"], item["ms"]) for item in found["steps"]] == [
        ("write_file", 3.0, 2),
        ("recreate", 3.002, 4100),
        ("ready", 7.102, 900),
    ]
    assert found["seconds"] == 12.0
    assert back_after(found) == 9.0
    assert found["snapshot_id"] == "rollback-20260701-030000"


def test_a_run_that_was_killed_in_the_middle_of_a_line():
    found = records()[7]
    assert found["finished"] is False
    assert found["ended"] == ""
    assert found["phases"][-1] == {"phase": "apply", "start": 3.0, "seconds": 0.0, "ok": None}
    assert found["steps"] == []
    assert found["seconds"] == 3.0
    assert back_after(found) is None


@pytest.mark.parametrize("cut", range(0, 600, 37))
def test_wherever_a_journal_is_cut(cut):
    """No cut makes a run finish that did not."""
    text = samples.ten_runs()[0][1]
    found = run_record("rollback-20260701-030000", read_events(text[: len(text) - 2 - cut]))
    assert found["finished"] is False
    assert found["outcome"] == "unfinished"
    assert found["service"] == "not measured"


@pytest.mark.parametrize("text", ["", "\n\n", "nonsense", "[1, 2]", '{"no": "event"}', '{"event": 7}', "\x00\xff"])
def test_what_is_no_event_is_left_out(text):
    assert read_events(text) == []
    found = run_record("rollback-20260701-030000", read_events(text))
    assert (found["kind"], found["outcome"], found["seconds"], found["phases"]) == ("rollback", "unfinished", 0.0, [])


def test_a_reboot_in_the_middle_gives_no_negative_time():
    lines = [
        {"event": "begin", "mono": 9000.0, "wall": "2026-07-01T03:00:00.000Z"},
        {"event": "phase", "phase": "apply", "state": "begin", "mono": 40.0, "wall": "2026-07-01T03:04:00.000Z"},
        {"event": "phase", "phase": "apply", "state": "end", "ok": True, "seconds": 2.0, "mono": 42.0},
    ]
    found = run_record("rollback-20260701-030000", read_events("\n".join(json.dumps(line) for line in lines)))
    assert found["seconds"] == 0.0
    assert found["phases"][0]["start"] == 0.0


@pytest.mark.parametrize(
    ("earlier", "later", "seconds"),
    [
        ("2026-07-01T03:00:00Z", "2026-07-01T03:01:40.250Z", 100.0),
        ("2026-07-01T05:00:00+02:00", "2026-07-01T03:00:30Z", 30.0),
        ("2026-07-01T03:00:31Z", "2026-07-01T03:00:30Z", None),
        ("", "2026-07-01T03:00:30Z", None),
        ("half past three", "2026-07-01T03:00:30Z", None),
    ],
)
def test_seconds_between(earlier, later, seconds):
    assert seconds_between(earlier, later) == seconds


def test_an_interrupted_run_that_the_next_one_closed():
    """It counts as failed; how long it took is told by its own lines, not by the one that closed it."""
    run, text = samples.ten_runs()[7]
    closing = {"event": "end", "outcome": "failed", "service": "not measured", "seconds": 0.0, "mono": 99999.0}
    found = run_record(run, read_events(f"{text}\n{json.dumps({**closing, 'failure': 'interrupted; X followed'})}\n"))
    assert (found["outcome"], found["failure"], found["seconds"]) == ("failed", "interrupted; X followed", 3.0)


def test_checks_before_after_and_after_the_undo_are_kept_apart():
    found = records()[4]
    assert [len(found["checks_before"]), len(found["checks"]), len(found["undo"]["checks"])] == [3, 2, 2]
    assert found["checks"][1]["status"] == "failed"
    assert found["undo"]["undone"] is True
    assert [item["phase"] for item in found["phases"]] == [
        "before", "discover", "plan", "snapshot", "apply", "verify", "undo", "verify",
    ]  # fmt: skip
    assert found["phases"][6]["seconds"] == 7.0


def test_a_brief_record_carries_no_texts_from_logs():
    found = json.dumps(brief(records()[3]))
    assert "deploy-20260630" not in found
    assert len(found) < len(json.dumps(records()[3])) / 1.5

"""A journal that is cut short anywhere still tells what is known."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import journal, journal_lines
from ansible_collections.kong_masking.recovery.tests.unit import samples


@pytest.fixture
def book(tmp_path):
    found = journal.Journal(samples.stack(tmp_path), "rollback-20260729-120000")
    found.prepare()
    return found


def test_events_come_back_in_their_order(book):
    book.append("warning", text="one")
    book.append("phase", phase="plan", state="begin")
    assert [(item["seq"], item["event"]) for item in book.events()] == [(0, "warning"), (1, "phase")]
    assert os.stat(book.path).st_mode & 0o777 == 0o600


def test_the_readable_log_grows_with_it(book):
    book.append("step", step=3, action="recreate", service="kong", state="begin")
    book.append("step", step=3, action="recreate", service="kong", state="end", ms=812)
    with open(book.log, encoding="utf-8") as handle:
        said = [line[9:].rstrip() for line in handle]
    assert said == ["  3. recreate kong ...", "  3. recreate kong (812 ms)"]


def test_a_line_that_a_kill_cut_short_stays_by_itself(book):
    book.append("warning", text="one")
    with open(book.path, "ab") as handle:
        handle.write(b'{"event": "warn')
    book.append("warning", text="two")
    assert [item["text"] for item in book.events()] == ["one", "two"]


LINES = "".join(
    json.dumps(item) + "\n"
    for item in (
        {"event": "begin", "arguments": {}},
        {"event": "phase", "phase": "snapshot", "state": "end", "ok": True, "result": {"backup": {"id": "s"}}},
        {"event": "phase", "phase": "apply", "state": "begin"},
        {"event": "end", "outcome": "completed"},
    )
)


@given(size=st.integers(0, len(LINES)))
def test_cut_anywhere_it_is_a_prefix(size):
    whole = journal_lines.parse(LINES)
    found = journal_lines.parse(LINES[:size])
    assert found == whole[: len(found)]
    assert journal_lines.ended(found) is (len(found) == len(whole))


def test_journals_newest_first_whatever_their_kind(tmp_path):
    stack = samples.stack(tmp_path)
    for name in ("rollback-20260101-000000", "recover_data-20260301-000000", "rollback-20260201-000000"):
        one = journal.Journal(stack, name)
        one.prepare()
        one.append(
            "begin", kind=name.split("-", maxsplit=1)[0], project="p", environment="e", by={"user": "u", "host": "h"}
        )
    assert journal.names(stack) == [
        "recover_data-20260301-000000",
        "rollback-20260201-000000",
        "rollback-20260101-000000",
    ]


def test_what_a_phase_ended_with_is_its_last_good_end():
    ends = [
        {"event": "phase", "phase": "plan", "state": "end", "ok": True, "result": {"plan": 1}},
        {"event": "phase", "phase": "plan", "state": "end", "ok": True, "result": {"plan": 2}},
        {"event": "phase", "phase": "plan", "state": "end", "ok": False, "msg": "no"},
    ]
    assert journal_lines.phase_result(ends, "plan") == {"plan": 2}
    assert journal_lines.phase_result(ends, "apply") == {}

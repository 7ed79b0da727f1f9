"""What a terminal of 80 columns shows."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.screen import (
    changes,
    failure_lines,
    lost_lines,
    said,
    wrapped,
)

DEBUG = "ansible.builtin.debug"
COMMAND = (
    "ansible-playbook playbooks/rollback.yml -e env=production "
    "-e deployment=rollback-20260729-151200 -e redis_data=keep"
)


@pytest.mark.parametrize(
    ("action", "args", "result", "lines"),
    [
        ("kong_masking.recovery.stack_apply", {}, {"progress": ["[  3.2 s of 120] apply: kong"], "changed": True},
         ["[  3.2 s of 120] apply: kong"]),
        ("kong_masking.recovery.stack_verify", {}, {"checks": [1], "text": ["x"]}, []),
        (DEBUG, {"var": "r.text"}, {"r.text": ["one", "two"]}, ["one", "two"]),
        (DEBUG, {"msg": "x"}, {"msg": ["one\ntwo", 3]}, ["one", "two", "3"]),
        (DEBUG, {"msg": "x"}, {"msg": "one\ntwo"}, ["one", "two"]),
        (DEBUG, {"var": "b"}, {"b": {"id": "deploy-1", "size": 3, "files": [1], "note": ""}},
         ["id: deploy-1", "size: 3"]),
        (DEBUG, {"var": "b"}, {"censored": "hidden"}, []),
        ("ansible.builtin.uri", {}, {"msg": "OK", "url": "https://secret"}, []),
    ],
)  # fmt: skip
def test_what_a_task_says(action, args, result, lines):
    assert said(action, args, result) == lines


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("short", ["short"]),
        (f"TO TAKE IT BACK: {COMMAND}", ["TO TAKE IT BACK:", COMMAND]),
        ("x" * 100, ["x" * 100]),
        (f"LOG: gw1:/{'x' * 100}", [f"LOG: gw1:/{'x' * 100}"]),
        ("  " + "word " * 16, ["  " + "word " * 14 + "word", "      word"]),
    ],
)
def test_long_lines(line, pieces):
    assert wrapped(line) == pieces


def test_words_are_wrapped_at_80_columns_with_an_indent():
    found = wrapped("REFUSED: " + "because " * 30)
    assert len(found) == 4
    assert all(len(line) <= 80 for line in found)
    assert all(line.startswith("    because") for line in found[1:])


def test_a_command_stays_in_one_piece():
    assert COMMAND in wrapped(f"nothing is lost; to keep them, which is what the plan would do otherwise: {COMMAND}")


@pytest.mark.parametrize(
    ("action", "changing"),
    [
        ("kong_masking.recovery.stack_apply", True),
        ("kong_masking.recovery.redis_restore", True),
        ("stack_apply", True),
        ("kong_masking.recovery.backup_create", False),
        ("kong_masking.recovery.recovery_plan", False),
        ("ansible.builtin.uri", False),
    ],
)
def test_which_tasks_change_a_stack(action, changing):
    assert changes(action) is changing


def test_a_host_that_was_never_reached_is_unchanged():
    lines = lost_lines("gw2", False, "rollback : discover | Look", "no route to host", "/home/ops/RUNBOOK.md")
    assert lines == [
        "No change made on gw2: it cannot be reached.",
        "  no route to host",
        "RUNBOOK: /home/ops/RUNBOOK.md",
    ]


def test_a_host_that_was_lost_in_the_middle_is_never_called_unchanged():
    lines = lost_lines("gw2", True, "rollback : apply | Execute the plan", "", "")
    assert "No change made" not in " ".join(lines)
    assert lines[0].startswith("gw2 was lost in the task apply | Execute the plan.")
    assert any("none was brought" in line for line in lines)


def test_a_failure_names_its_task():
    assert failure_lines("kong_masking.recovery.rollback : plan | Refuse", "one\ntwo") == [
        "FAILED: plan | Refuse: one",
        "two",
    ]
    assert failure_lines("Refuse", "") == ["FAILED: Refuse: no message"]

"""Classes of rollback, their budgets, and the lines that tell how far a run is."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.budgets import (
    CLASSES,
    over_budget_line,
    phase_budget,
    progress_line,
    rollback_class,
)

BEFORE_VERIFY = ("before", "discover", "plan", "snapshot", "apply")
KEPT, MADE = {"do": "keep"}, {"do": "recreate"}


@pytest.mark.parametrize(
    ("kind", "plan", "which", "seconds"),
    [
        ("rollback", {"services": {"redis": KEPT, "kong": MADE}}, "configuration only", 45),
        ("rollback", {"services": {"kong": {"do": "reload"}}}, "configuration only", 45),
        ("rollback", {}, "configuration only", 45),
        ("rollback", {"services": {"kong": MADE, "redis": KEPT}, "data": {"changes": True}},
         "configuration and data", 90),
        ("rollback", {"services": {"redis": MADE, "kong": {"do": "restart"}}}, "full", 120),
        ("rollback", {"services": {"redis": MADE}, "data": {"changes": True}}, "full", 120),
        ("force_rollback", {"services": {"redis": MADE}}, "force", 60),
    ],
)  # fmt: skip
def test_class_and_budget(kind, plan, which, seconds):
    assert rollback_class(kind, plan) == which
    assert CLASSES[which] == seconds


def test_the_phases_of_a_class_share_its_budget():
    for which, seconds in CLASSES.items():
        assert sum(phase_budget(name, which) for name in BEFORE_VERIFY) == seconds
        assert phase_budget("verify", which) == 60
        assert phase_budget("report", which) is None


@pytest.mark.parametrize(
    ("elapsed", "text", "line"),
    [
        (3.2, "recreate kong - differs in KONG_LOG_LEVEL",
         "[  3.2 s of 120] apply: recreate kong - differs in KONG_LOG_LEVEL"),
        (131.06, "waits for\nkong", "[131.1 s of 120] apply: waits for kong"),
        (0, "x" * 90, "[  0.0 s of 120] apply: " + "x" * 53 + "..."),
    ],
)  # fmt: skip
def test_progress_line(elapsed, text, line):
    assert progress_line("apply", elapsed, 120, text) == line
    assert len(line) <= 80


def test_a_passed_budget_is_said_and_nothing_is_aborted():
    assert over_budget_line("apply", 120.0, 120) == ""
    assert over_budget_line("apply", 121.5, 120) == (
        "[121.5 s of 120] apply: WARNING: past the budget by 1.5 s; goes on"
    )

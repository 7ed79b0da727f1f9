"""Never undo into a worse state."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans import undo

GOOD, BAD, OPEN = "passed", "failed", "not_measured"


def checks(*states, level="critical"):
    return [{"name": f"c{number}", "status": state, "level": level} for number, state in enumerate(states)]


CASES = {
    "better-before": (checks(GOOD, GOOD), checks(GOOD, BAD), "undo", "s", True),
    "as-bad-before": (checks(GOOD, BAD), checks(BAD, GOOD), "undo", "s", False),
    "worse-before": (checks(BAD, BAD), checks(GOOD, BAD), "undo", "s", False),
    "nothing-fails-now": (checks(GOOD, GOOD), checks(GOOD, OPEN), "undo", "s", False),
    "only-advisory-fails": (checks(GOOD, GOOD), checks(GOOD) + checks(BAD, level="advisory"), "undo", "s", False),
    "advisory-counts-nothing": (
        checks(BAD) + checks(GOOD, GOOD, level="advisory"),
        checks(BAD) + checks(BAD, BAD, level="advisory"),
        "undo",
        "s",
        False,
    ),
    "told-to-leave": (checks(GOOD, GOOD), checks(BAD, BAD), "leave", "s", False),
    "no-snapshot": (checks(GOOD, GOOD), checks(BAD, BAD), "undo", "", False),
    "before-not-measured": ([], checks(BAD), "undo", "s", False),
    "after-not-measured": (checks(GOOD), [], "undo", "s", False),
}


@pytest.mark.parametrize(("before", "after", "setting", "snapshot", "do"), CASES.values(), ids=CASES)
def test_decide(before, after, setting, snapshot, do):
    found, why = undo.decide(before, after, setting, snapshot)
    assert found is do
    assert why.startswith("undone: " if do else "not undone: ")


def test_both_results_are_told():
    assert undo.decide(checks(GOOD, GOOD), checks(GOOD, BAD), "undo", "s")[1] == (
        "undone: before it 2 critical checks passed, after it 1"
    )

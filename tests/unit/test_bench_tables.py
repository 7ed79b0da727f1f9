"""How the benchmark holds its readings against the bounds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "benchmarks" / "tables.py"
spec = importlib.util.spec_from_file_location("tables", PATH)
assert spec is not None
assert spec.loader is not None
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)


def reading(total=8.0, gap=1.0, sent=400, failed=0, wrong=0):
    return {"total": total, "back": gap, "gap": gap, "sent": sent, "failed": failed, "wrong": wrong}


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([8, 8, 9], [80, 90, 80], "met"),
        ([7, 9, 9], [80, 90, 80], "met within the spread"),
        ([9, 9, 9], [80, 80, 80], "not met"),
    ],
)
def test_a_ratio_of_medians_is_held_against_its_bound(ours, theirs, verdict):
    assert tables.ratio("nothing differs", "total", 0.1, ours, theirs)["verdict"] == verdict


@pytest.mark.parametrize(
    ("name", "ours", "what", "verdict"),
    [
        ("Kong's file only", reading(failed=1), "rollback: failed and wrong requests", "not met"),
        ("Kong's file only", reading(wrong=1), "rollback: failed and wrong requests", "not met"),
        ("Kong's file only", reading(), "rollback: failed and wrong requests", "met"),
        ("everything", reading(failed=9), "rollback: wrong requests", "met"),
        ("everything", reading(wrong=1), "rollback: wrong requests", "not met"),
        ("everything", reading(gap=1.2), "rollback: outage / bare path", "not met"),
        ("everything", reading(gap=1.1), "rollback: outage / bare path", "met"),
    ],
)
def test_requests_and_outages_are_held_against_theirs(name, ours, what, verdict):
    rows = {"any": {"naive": [reading(total=90)]}, name: {"bare": [reading()], "rollback": [ours]}}
    found = {one["what"]: one["verdict"] for one in tables.verdicts(rows)}
    assert found[what] == verdict


def test_what_no_request_went_to_has_no_verdict_on_requests():
    rows = {"any": {"naive": [reading(total=90)]}, "everything, and hung": {"force": [reading(sent=0)]}}
    assert [one["what"] for one in tables.verdicts(rows)] == ["force: total / naive"]


@pytest.mark.parametrize(
    ("way", "items", "cells"),
    [
        ("rollback", [reading(failed=7)], ["1.0 (1.0–1.0)", "1.0 (1.0–1.0)", "7 of 400", "0"]),
        ("naive", [reading(failed=7)], ["1.0 (1.0–1.0)", "1.0 (1.0–1.0)", "7 of 400", ""]),
        ("force", [reading(sent=0)], ["", "", "", ""]),
    ],
)
def test_what_nobody_could_see_is_an_empty_cell(way, items, cells):
    assert tables.noticed(way, items) == cells

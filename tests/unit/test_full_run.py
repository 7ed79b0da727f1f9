"""The record of the last full run, and what the page says of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent.parent / "tools" / "full_run.py"
spec = importlib.util.spec_from_file_location("full_run", PATH)
assert spec is not None
assert spec.loader is not None
full_run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(full_run)

GOOD = {"status": 0, "seconds": 61.26, "passed": 7, "failed": 0, "skipped": 0}
BAD = {"status": 1, "seconds": 9.0, "passed": 6, "failed": 1, "skipped": 0}


def test_a_part_keeps_its_last_result_and_no_other(tmp_path):
    path = tmp_path / "full-run.json"
    for result in (BAD, GOOD):
        full_run.keep("lint", {**result, "name": "lint", "named": ("FAILED x",)}, path)
    (kept,) = full_run.read(path).items()
    assert kept[0] == "lint"
    assert {field: kept[1][field] for field in GOOD} == {**GOOD, "seconds": 61.3}
    assert set(kept[1]) == {*GOOD, "commit", "when"}


def test_a_new_run_begins_without_a_record(tmp_path):
    path = tmp_path / "full-run.json"
    full_run.keep("lint", GOOD, path)
    full_run.forget(path)
    assert full_run.read(path) == {}


@pytest.mark.parametrize(
    ("result", "good"),
    [(GOOD, True), (BAD, False), ({**GOOD, "passed": 0, "skipped": 1}, False), (None, False)],
    ids=["passed", "failed", "skipped-as-a-whole", "never-run"],
)
def test_what_is_left_out_when_a_run_goes_on(result, good):
    assert full_run.is_good(result) is good


def test_the_page_says_of_a_part_without_its_python_that_it_was_skipped():
    one = {**GOOD, "passed": 0, "skipped": 1, "when": "2026-01-01 10:00", "commit": "aaa"}
    assert "| compat | skipped | 0 | 0 | 61 |" in full_run.page({"compat": one}, ["compat"], "2 cores")


def test_the_page_shows_what_failed_what_did_not_run_and_on_which_commits():
    about = {"when": "2026-01-01 10:00"}
    record = {"lint": {**GOOD, **about, "commit": "aaa"}, "e2e": {**BAD, **about, "commit": "bbb"}}
    page = full_run.page(record, ["lint", "e2e", "bench"], "2 cores").splitlines()
    assert page[2] == (
        "`make test-full` on 2 cores: 13 passed, 1 failed, 1 parts not run; 1 minutes, all parts added up. "
        "On 2 commits, each part's beside it."
    )
    assert page[6:] == [
        "| lint | ok | 7 | 0 | 61 | aaa | 2026-01-01 10:00 |",
        "| e2e | FAILED | 6 | 1 | 9 | bbb | 2026-01-01 10:00 |",
        "| bench | not run | | | | | |",
    ]
    whole = full_run.page({"lint": record["lint"]}, ["lint"], "2 cores")
    assert "7 passed, 0 failed; 1 minutes, all parts added up. All on one commit." in whole

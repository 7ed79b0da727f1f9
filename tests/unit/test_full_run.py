"""The record of the last full run, and what the page says of it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
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


def test_what_is_left_out_when_a_run_goes_on(tmp_path):
    """What passed on the same sources; not what failed, was skipped as a whole, or passed on others."""
    about = {"when": "2026-01-01 10:00", "commit": "this"}
    record = {
        "passed": {**GOOD, **about},
        "failed": {**BAD, **about},
        "skipped": {**GOOD, **about, "passed": 0, "skipped": 1},
        "earlier": {**GOOD, **about, "commit": "another"},
    }
    path = tmp_path / "full-run.json"
    path.write_text(json.dumps(record))
    assert full_run.passed(path, lambda commit, _other: [] if commit == "this" else ["tests/x.py"]) == {"passed"}


@pytest.mark.parametrize(
    ("changed", "differing"),
    [
        (["docs/full-run.md", "docs/pictures/bench.svg", "README.md"], []),
        (["docs/faults.md", "tests/e2e/lab.py"], ["tests/e2e/lab.py"]),
        (["docs/adopting.md"], ["docs/adopting.md"]),
    ],
    ids=["results", "results-and-a-test", "a-page-that-tests-read"],
)
def test_commits_that_differ_in_their_results_alone_are_one(tmp_path, changed, differing):
    def git(*words):
        name = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        done = subprocess.run(["git", *name, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    for name in changed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    git("add", ".")
    git("commit", "-q", "-m", "two")
    assert full_run.changed(git("rev-parse", "HEAD~1"), "HEAD", tmp_path) == differing
    assert full_run.changed("HEAD", "HEAD", tmp_path) == []
    assert full_run.changed("0000000", "HEAD", tmp_path) == ["whatever 0000000 had"]


def test_the_page_says_of_a_part_without_its_python_that_it_was_skipped():
    one = {**GOOD, "passed": 0, "skipped": 1, "when": "2026-01-01 10:00", "commit": "aaa"}
    assert "| compat | skipped | 0 | 0 | 61 |" in full_run.page({"compat": one}, ["compat"], "2 cores")


def test_the_page_shows_what_failed_what_did_not_run_and_on_which_commits():
    about = {"when": "2026-01-01 10:00"}
    record = {"lint": {**GOOD, **about, "commit": "aaa"}, "e2e": {**BAD, **about, "commit": "bbb"}}
    names, differing = ["lint", "e2e", "bench"], ["tests/x.py", "Makefile", "plugins/y.py"]
    page = full_run.page(record, names, "2 cores", lambda *_pair: differing).splitlines()
    assert page[2] == (
        "`make test-full` on 2 cores: 13 passed, 1 failed, 1 parts not run; 1 minutes, all parts added up. "
        "On 2 commits, each part's beside it. Of the collection itself, `plugins/y.py` changed between them; "
        "of its tests, tools and pages, 2 files."
    )
    assert page[6:] == [
        "| lint | ok | 7 | 0 | 61 | aaa | 2026-01-01 10:00 |",
        "| e2e | FAILED | 6 | 1 | 9 | bbb | 2026-01-01 10:00 |",
        "| bench | not run | | | | | |",
    ]
    whole = full_run.page({"lint": record["lint"]}, ["lint"], "2 cores")
    assert "7 passed, 0 failed; 1 minutes, all parts added up. All on one commit." in whole
    alike = full_run.page(record, ["lint", "e2e"], "2 cores", lambda *_pair: [])
    assert "added up. On 2 commits that differ in nothing but such results; each part's beside it." in alike


def test_the_page_names_no_more_files_than_one_can_read():
    record = {name: {**GOOD, "when": "2026-01-01 10:00", "commit": name} for name in ("aaa", "bbb")}
    many = [f"plugins/{number:02}.py" for number in range(14)]
    page = full_run.page(record, ["aaa", "bbb"], "2 cores", lambda *_pair: many)
    assert "`plugins/10.py`, `plugins/11.py` and 2 more changed between them" in page
    assert "plugins/12.py" not in page
    alone = full_run.page(record, ["aaa", "bbb"], "2 cores", lambda *_pair: ["tests/x.py"])
    assert "Of the collection itself, nothing changed between them; of its tests, tools and pages, 1 files." in alone

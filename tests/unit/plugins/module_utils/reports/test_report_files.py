"""Journals on the disk in, report files out; a page that cannot be made never takes the last screen with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports import report_files
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.report_files import Reports
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples as samples
from ansible_collections.kong_masking.recovery.tests.unit.plugins.module_utils.runs.test_run_record import (
    run as screen_run,
)
from ansible_collections.kong_masking.recovery.tests.unit.samples import stack

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    """A stack's directory with ten journals, and what must not be taken for one."""
    folder = tmp_path / "stack" / ".recovery" / "journal"
    folder.mkdir(parents=True)
    for run, text in samples.ten_runs():
        (folder / f"{run}.jsonl").write_text(text, encoding="utf-8")
    (folder / "notes.txt").write_text("no journal", encoding="utf-8")
    (folder / "rollback-20260101-000000.jsonl").symlink_to("/etc/passwd")
    (folder / "rollback-20260101-000001.jsonl").mkdir()
    return tmp_path / "stack"


def reports(place, write=True):
    return Reports(stack(dir=str(place)), Runner(), NOW, [], write)


def test_journals_are_read_and_nothing_else(place):
    found = reports(place).records()
    assert [item["run"] for item in found] == [run for run, _text in samples.ten_runs()]


def test_no_folder_no_runs(tmp_path):
    assert reports(tmp_path / "nowhere").records() == []


def test_the_report_over_all_runs_is_written_in_three_forms(place, tmp_path):
    one = reports(place)
    found = one.all_runs(one.records(), 3, str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["history.html", "history.json", "history.md"]
    document = json.loads((tmp_path / "out" / "history.json").read_text(encoding="utf-8"))
    assert document == found["document"]
    assert (document["runs_known"], len(document["runs"]), document["scope"]) == (10, 3, "production (gw1)")
    assert found["text"][0] == "10 runs of production (gw1)"
    assert "Success rate                 50 %         target > 95 % MISSED, 8 runs" in found["text"]


def test_brief_records_of_other_hosts_give_the_same_figures(place, tmp_path):
    one = reports(place)
    here = one.all_runs(one.records(), 50, str(tmp_path / "a"))["document"]
    sent = json.loads(json.dumps(one.all_runs(one.records(), 50, "")["records"]))
    there = reports(tmp_path).all_runs(sent, 50, str(tmp_path / "b"))["document"]
    assert there == here


@pytest.mark.parametrize(
    ("run", "chosen"),
    [("latest", "force_rollback-20260710-030900"), ("rollback-20260704-030300", "rollback-20260704-030300")],
)
def test_one_run(place, tmp_path, run, chosen):
    one = reports(place)
    found = one.one_run(one.records(), run, str(tmp_path / "out"))
    assert found["files"]["html"] == str(tmp_path / "out" / f"{chosen}.html")
    assert found["document"]["run"]["run"] == chosen


def test_an_unknown_run_names_the_known_ones(place):
    one = reports(place)
    with pytest.raises(RecoveryError, match="no journal here") as caught:
        one.one_run(one.records(), "rollback-20250101-000000", "")
    assert "rollback-20260704-030300" in caught.value.hint
    with pytest.raises(RecoveryError, match="No run has left"):
        one.one_run([], "latest", "")


def test_without_writing_nothing_is_left(place, tmp_path):
    one = reports(place, write=False)
    found = one.all_runs(one.records(), 50, str(tmp_path / "out"))
    assert found["files"] == {}
    assert not (tmp_path / "out").exists()


class TestTheEndOfARun:
    RUN = "rollback-20260708-030700"

    def end(self, place, **about):
        run = screen_run(run=self.RUN, detected_at="", **about)
        return reports(place).end_of_run(run)

    def test_log_facts_page_and_ticket_text_lie_side_by_side(self, place):
        logs = place / "logs" / "rollbacks"
        logs.mkdir(parents=True)
        (logs / f"{self.RUN}.log").write_text("03:07:00 discover: begins\n", encoding="utf-8")
        found = self.end(place)
        assert {path.name for path in logs.iterdir()} == {f"{self.RUN}.{end}" for end in ("html", "json", "log", "md")}
        log = (logs / f"{self.RUN}.log").read_text(encoding="utf-8")
        assert log.startswith("03:07:00 discover: begins\nRollback completed")
        assert log.endswith("SERVICE: BACK\n")
        assert f"REPORT: gw1:{logs}/{self.RUN}.html" in found["text"]

    def test_the_page_of_a_journal_that_has_no_end_yet_says_how_the_run_ended(self, place):
        self.end(place)
        page = (place / "logs" / "rollbacks" / f"{self.RUN}.html").read_text(encoding="utf-8")
        assert "<h1>SERVICE: BACK</h1>" in page

    def test_what_was_counted_at_the_end_stands_in_the_journal_and_on_the_page(self, place):
        self.end(place, data_after={"keys": 4711})
        journal = (place / ".recovery" / "journal" / f"{self.RUN}.jsonl").read_text(encoding="utf-8")
        assert json.loads(journal.splitlines()[-1])["keys"] == 4711
        page = (place / "logs" / "rollbacks" / f"{self.RUN}.html").read_text(encoding="utf-8")
        assert "1,012 → 4,711" in page

    def test_without_a_journal_there_is_a_log_and_no_page(self, tmp_path):
        (tmp_path / "stack").mkdir()
        found = self.end(tmp_path / "stack")
        assert found["files"] == {}
        assert not [line for line in found["text"] if line.startswith("REPORT")]
        assert (tmp_path / "stack" / "logs" / "rollbacks" / f"{self.RUN}.log").exists()

    def test_a_page_that_cannot_be_made_fails_nothing(self, place, monkeypatch):
        def broken(*_args):
            raise TypeError("a journal that nobody thought of")

        monkeypatch.setattr(report_files, "run_document", broken)
        found = self.end(place)
        assert found["text"][-1] == "SERVICE: BACK"
        assert found["files"] == {}

    def test_a_full_disk_takes_the_log_and_not_the_last_screen(self, place, monkeypatch):
        def full(*_args, **_kwargs):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Runner, "write", full)
        found = self.end(place)
        assert found["text"][-2:] == [
            "WARNING: the log could not be written: No space left on device",
            "SERVICE: BACK",
        ]

    def test_escalation_counts_from_the_detection(self, place):
        run = screen_run(run="", detected_at="2026-07-11T08:53:00Z", checks=[], failure="apply")
        found = reports(place).end_of_run(run)
        assert "ESCALATION: minute 7" in " ".join(found["text"])

    @pytest.mark.parametrize("run", ["../../etc/passwd", "a/b"])
    def test_an_id_with_a_path_in_it_is_refused(self, place, run):
        with pytest.raises(RecoveryError, match="no id of a run"):
            reports(place).end_of_run(screen_run(run=run, detected_at=""))

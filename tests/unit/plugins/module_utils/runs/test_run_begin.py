"""The beginning of a run on real files: its id, the lock, what an interrupted run left, the journal's first line."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.process_name import process_id
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import lock as locks
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import run_begin
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.continuation import Continuation
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal import Journal, names
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal_lines import ended
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import store, written

NOW = datetime(2026, 7, 29, 12, 0, 59, tzinfo=UTC)
OLD = "rollback-20260729-115000"
ASKED = {"deployment": "latest", "services": "", "redis_data": ""}
BY = {"user": "ann", "host": "laptop", "machine": "elsewhere", "process": "1:1"}
NOTHING = Continuation().as_dict()


@pytest.fixture
def stack(tmp_path):
    return samples.stack(tmp_path)


def params(**other):
    values = {
        "kind": "rollback",
        "arguments": ASKED,
        "on_unfinished": "auto",
        "force": False,
        "timeout": 120,
        "detected_at": "",
        "controller": BY,
    }
    return {**values, **other}


def begin(stack, dry=False, **other):
    return run_begin.begin(stack, Runner(), params(**other), dry)


def interrupted(stack, run=OLD, kind="rollback", halfway=True, environment="production", fence=1, sequence=None):
    """Leave the journal of a run that was killed, half way or before it changed anything; sequence: its snapshot's."""
    book = Journal(stack, run)
    book.prepare()
    about = {"kind": kind, "project": "gateway", "environment": environment, "by": {"user": "u", "host": "h"}}
    book.append("begin", arguments={**ASKED, "force": False}, fence=fence, **about)
    if halfway:
        snapshot = {"id": run, **({} if sequence is None else {"sequence": sequence})}
        for phase, found in (("discover", {"id": "deploy-1"}), ("snapshot", snapshot)):
            book.append("phase", phase=phase, state="end", ok=True, seconds=1.0, result={"backup": found})
        book.append("phase", phase="apply", state="begin")
    return book


def finish(book, **about):
    book.append("end", outcome="failed", service="back", seconds=1.0, **about)


def tree(stack):
    return sorted(os.path.join(folder, name) for folder, _folders, names in os.walk(stack.dir) for name in names)


class TestId:
    @pytest.mark.parametrize(
        ("kind", "run"),
        [
            ("rollback", "rollback-20260729-120059"),
            ("force_rollback", "rollback-20260729-120059"),
            ("recover_data", "recover_data-20260729-120059"),
            ("drill", "drill-20260729-120059"),
        ],
    )
    def test_it_names_kind_and_second(self, stack, kind, run):
        assert run_begin.free_id(stack, kind, NOW) == run

    def test_a_second_that_a_journal_or_a_snapshot_has_is_taken(self, stack):
        interrupted(stack, "rollback-20260729-120059")
        interrupted(stack, "rollback-20260729-120101")
        os.makedirs(os.path.join(stack.backup_dir, "rollback-state", "rollback-20260729-120100"))
        assert run_begin.free_id(stack, "force_rollback", NOW) == "rollback-20260729-120102"
        assert run_begin.free_id(stack, "drill", NOW) == "drill-20260729-120059"


class TestUnfinished:
    @pytest.mark.parametrize("kind", ["rollback", "force_rollback"])
    def test_the_newest_rollback_that_never_ended(self, stack, kind):
        assert run_begin.unfinished(stack) == ("", [])
        interrupted(stack, kind=kind)
        interrupted(stack, "drill-20260729-115500", "drill")
        finish(interrupted(stack, "recover_data-20260729-115600", "recover_data"))
        assert run_begin.unfinished(stack)[0] == OLD

    @pytest.mark.parametrize(("about", "left"), [({}, ""), ({"half_way": False}, ""), ({"half_way": True}, OLD)])
    def test_one_that_ended_half_way_did_not_end(self, stack, about, left):
        finish(interrupted(stack), **about)
        assert run_begin.unfinished(stack)[0] == left

    def test_the_newest_is_the_one_with_the_highest_number_of_the_lock_whatever_its_name_says(self, stack):
        """The clock was set back after a rollback that ended."""
        interrupted(stack, fence=7)
        finish(interrupted(stack, "rollback-20260729-235500", fence=5))
        assert run_begin.unfinished(stack)[0] == OLD

    def test_what_a_finished_rollback_followed_is_history(self, stack):
        interrupted(stack)
        finish(interrupted(stack, "rollback-20260729-115500"))
        assert run_begin.unfinished(stack) == ("", [])


class TestLeftOver:
    @staticmethod
    def ask(stack, after=timedelta(minutes=5), **other):
        return run_begin.left_over(stack, Runner(), params(**other), datetime.now(UTC) + after)[0]

    def test_the_same_command_goes_on_with_its_target(self, stack):
        interrupted(stack)
        found = self.ask(stack)
        assert (found.how, found.run, found.deployment, found.snapshot) == ("resume", OLD, "deploy-1", {"id": OLD})

    @pytest.mark.parametrize(
        ("other", "how"),
        [
            ({"arguments": {**ASKED, "deployment": "deploy-0"}}, "supersede"),
            ({"force": True}, "supersede"),
            ({"on_unfinished": "undo"}, "undo"),
        ],
        ids=["another-target", "force", "undo"],
    )
    def test_another_command_does_not(self, stack, other, how):
        interrupted(stack)
        assert self.ask(stack, **other).how == how

    @pytest.mark.parametrize(
        ("backup", "about", "how"),
        [
            ("deploy", {}, "none"),
            ("deploy", {"environment": "staging"}, "resume"),
            ("deploy", {"project": "another"}, "resume"),
            ("deploy", {"created": "2026-01-01T00:00:00Z"}, "resume"),
            ("deploy", {"host": "another"}, "resume"),
            ("data", {}, "resume"),
            ("rollback", {}, "resume"),
        ],
        ids=["later", "another-environment", "another-project", "earlier", "another-host", "of-data", "snapshot"],
    )
    def test_only_a_later_deployment_of_this_stack_makes_it_history(self, stack, backup, about, how):
        interrupted(stack)
        name = f"{backup}-20991231-120000"
        about = {"created": "2099-12-31T12:00:00Z", "host": os.uname().nodename, **about}
        written(store(stack.backup_dir), name, **about)
        found = self.ask(stack)
        assert found.how == how
        assert (name in found.why) is (how == "none")

    @pytest.mark.parametrize(("sequence", "how"), [(11, "resume"), (13, "none")])
    def test_the_order_is_that_of_the_backups_numbers_whatever_the_clock_said(self, stack, sequence, how):
        interrupted(stack, sequence=12)
        when = {11: "2099-12-31T12:00:00Z", 13: "2020-12-31T12:00:00Z"}[sequence]
        about = {"created": when, "host": os.uname().nodename, "sequence": sequence}
        written(store(stack.backup_dir), "deploy-20991231-120000", **about)
        assert self.ask(stack).how == how

    @pytest.mark.parametrize(("hours", "how"), [(11, "resume"), (13, "none")])
    def test_half_a_day_later_it_is_history(self, stack, hours, how):
        interrupted(stack)
        assert self.ask(stack, timedelta(hours=hours)).how == how


def test_the_first_line_says_who_asked_for_what_and_holds_no_more_of_the_controller(stack):
    found = begin(stack, arguments={"deployment": "latest"}, force=True, timeout=90, detected_at="2026-07-29T11:58:00Z")
    (event,) = Journal(stack, found["run"]["id"]).events()
    assert {name: event[name] for name in event if name not in ("mono", "wall", "seq")} == {
        "event": "begin",
        "run": found["run"]["id"],
        "kind": "rollback",
        "environment": "production",
        "project": "gateway",
        "host": os.uname().nodename,
        "by": {"user": "ann", "host": "laptop"},
        "arguments": {"deployment": "latest", "force": True},
        "fence": 1,
        "timeout": 90,
        "detected_at": "2026-07-29T11:58:00Z",
        "resumes": "",
        "carries": {},
    }
    assert found == {
        "changed": False,
        "run": {"id": event["run"], "fence": 1},
        "continuation": NOTHING,
        "log": f"{os.uname().nodename}:{stack.dir}/logs/rollbacks/{event['run']}.log",
        "notes": [],
    }
    lease = locks.StackLock(stack, Runner()).read()
    assert (lease["run"], lease["fence"], lease["owner"], lease["released"]) == (event["run"], 1, BY, False)


def test_a_run_that_goes_on_carries_what_the_next_one_would_need(stack):
    before = interrupted(stack)
    found = begin(stack)
    (first, told) = Journal(stack, found["run"]["id"]).events()
    assert (first["resumes"], found["continuation"]["how"]) == (OLD, "resume")
    target = {"snapshot": {"id": OLD}, "deployment": "deploy-1", "before": []}
    assert first["carries"] == {**target, "data_done": False, "data_changed": False, "brought": ""}
    assert found["notes"] == [told["text"]]
    assert told["text"].startswith(f"{OLD} was interrupted; this run goes on")
    last = before.events()[-1]
    assert (last["outcome"], last["failure"]) == ("failed", f"interrupted; {found['run']['id']} followed")
    assert ended(before.events())


def test_one_that_had_changed_nothing_is_closed_and_not_gone_on_with(stack):
    before = interrupted(stack, halfway=False)
    found = begin(stack)
    first = Journal(stack, found["run"]["id"]).events()[0]
    assert (first["resumes"], first["carries"], found["continuation"]["how"]) == ("", {}, "none")
    assert found["notes"] == [f"{OLD} was interrupted before it changed anything"]
    assert ended(before.events())


def test_killed_before_its_own_first_line_the_next_run_still_finds_the_interrupted_one(stack, monkeypatch):
    class Killed(BaseException):
        pass

    append = Journal.append

    def kill(self, event, **fields):
        if event == "begin":
            raise Killed
        append(self, event, **fields)

    interrupted(stack)
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", kill)
        with pytest.raises(Killed):
            begin(stack)
    assert run_begin.unfinished(stack)[0] == OLD


def test_one_that_is_to_be_refused_leaves_lock_and_journals_as_they_were(stack):
    interrupted(stack)
    with pytest.raises(RecoveryError, match=f"{OLD} was interrupted half way to deploy-1") as caught:
        begin(stack, on_unfinished="refuse")
    assert caught.value.details == {"run": OLD}
    assert (names(stack), run_begin.unfinished(stack)[0]) == ([OLD], OLD)
    assert locks.StackLock(stack, Runner()).holder() == ""


def test_a_change_of_the_data_alone_leaves_an_interrupted_rollback_to_the_next_rollback(stack):
    interrupted(stack)
    assert begin(stack, kind="recover_data")["continuation"] == NOTHING
    assert run_begin.unfinished(stack)[0] == OLD


def test_an_interrupted_change_of_the_data_is_closed_by_the_next_one(stack):
    lost = begin(stack, kind="recover_data")["run"]
    locks.StackLock(stack, Runner()).release(lost["id"], lost["fence"])
    found = begin(stack, kind="recover_data")
    assert found["notes"] == [f"{lost['id']} was interrupted; it had changed nothing"]
    assert run_begin.unfinished(stack, run_begin.DATA_ALONE)[0] == found["run"]["id"]
    assert Journal(stack, lost["id"]).events()[-1]["failure"] == f"interrupted; {found['run']['id']} followed"


def test_a_lock_that_was_taken_over_is_told_to_people_and_in_the_journal(stack):
    samples.held_lock(stack, OLD)
    found = begin(stack, force=True)
    assert found["notes"] == [f"Took the lock over from {OLD}: taken over by force before its lease was over."]
    assert [item.get("text") for item in Journal(stack, found["run"]["id"]).events()] == [None, *found["notes"]]
    assert found["run"]["fence"] == 2


class TestCheckMode:
    def test_says_what_is_left_and_writes_nothing(self, stack):
        interrupted(stack)
        before = tree(stack)
        found = begin(stack, dry=True)
        assert (found["run"], found["log"], found["continuation"]["how"]) == ({}, "", "resume")
        assert found["notes"] == [found["continuation"]["why"]]
        assert tree(stack) == before

    def test_a_run_that_works_is_named_and_not_taken_for_an_interrupted_one(self, stack):
        interrupted(stack)
        samples.held_lock(stack, OLD)
        found = begin(stack, dry=True)
        assert found["continuation"] == NOTHING
        (note,) = found["notes"]
        assert note.startswith(f"The lock is held by {OLD} of ann on laptop")

    def test_what_will_be_refused_is_refused(self, stack):
        interrupted(stack)
        with pytest.raises(RecoveryError, match="recovery_on_unfinished is refuse"):
            begin(stack, dry=True, on_unfinished="refuse")


class TestCannotBegin:
    @pytest.mark.parametrize("dry", [True, False])
    def test_without_the_stacks_directory(self, tmp_path, dry):
        with pytest.raises(RecoveryError, match=f"There is no directory {tmp_path}/none on "):
            begin(samples.stack(tmp_path / "none"), dry)

    @pytest.mark.parametrize("name", [".recovery", "logs"])
    def test_where_lock_or_journal_cannot_be_written_nobody_is_locked_out(self, stack, name):
        with open(stack.path(name), "w", encoding="ascii"):
            pass
        with pytest.raises(RecoveryError, match=r"Neither lock nor journal can be written in .* Nothing was changed"):
            begin(stack)
        assert locks.StackLock(stack, Runner()).holder() == ""
        os.unlink(stack.path(name))
        assert begin(stack)["notes"] == []

    def test_while_another_run_works(self, stack):
        lock, fence = samples.held_lock(stack)
        lock.renew("rollback-20260729-120000", fence, 60, process_id(os.getpid()), "apply")
        with pytest.raises(locks.LockHeld, match="rollback-20260729-120000 of ann on laptop"):
            begin(stack)
        assert names(stack) == []

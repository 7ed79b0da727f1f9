"""A data backup is skipped while a rollback changes the stack; the others are not held up by it."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_job import NothingToSaveError
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.modules import backup_create
from ansible_collections.kong_masking.recovery.tests.unit import samples

RUN = "rollback-20260729-120000"
SHOWN = backup_create.SHOWN


@pytest.fixture
def stack(tmp_path):
    samples.held_lock(samples.stack(tmp_path), RUN)
    return samples.stack(tmp_path)


def create(stack, kind, **other):
    params = {name: about.get("default") for name, about in backup_create.SPEC.items()}
    given = {name: getattr(stack, name) for name in backup_create.SPEC["stack"]["options"]}
    params.update(stack=given, kind=kind, **other)
    return backup_create.body(SimpleNamespace(params=params, check_mode=False, run_command=None))


class Job:
    """Stands for the job: it writes nothing."""

    work = staticmethod(lambda: None)

    def __init__(self, *_args):
        pass

    def free_id(self, kind):
        return f"{kind}-20260729-120000"

    def create(self, kind, *_args):
        self.work()
        return dict.fromkeys(SHOWN, kind)


@pytest.fixture(autouse=True)
def job(monkeypatch):
    monkeypatch.setattr(backup_create, "BackupJob", Job)
    monkeypatch.setattr(backup_create, "DockerStack", lambda _project: None)
    return Job


def test_data_are_skipped_and_that_is_no_failure(stack):
    assert create(stack, "data") == {
        "skipped": True,
        "msg": f"{RUN} changes this stack now; the next data backup comes after it.",
        "backup": {},
    }


def test_a_backup_of_a_half_changed_stack_is_refused(stack):
    with pytest.raises(RecoveryError, match=f"{RUN} changes this stack now"):
        create(stack, "deploy")


def test_a_snapshot_of_that_rollback_is_taken(stack):
    assert create(stack, "rollback", run={"id": RUN, "fence": 1})["changed"]


def test_after_the_rollback_data_are_saved_again(stack):
    os.unlink(stack.path(".recovery/lock.json"))
    assert create(stack, "data")["changed"]


def test_a_backup_that_takes_too_long_is_given_up(stack, monkeypatch):
    def hang():
        import time

        time.sleep(30)

    monkeypatch.setattr(Job, "work", staticmethod(hang))
    with pytest.raises(RecoveryError, match="Backup deploy-20260729-120000 was given up: it took longer than 1 s"):
        create(stack, "deploy", timeout=1, run={"id": RUN, "fence": 1})


@pytest.mark.parametrize("inside", [True, False], ids=["within-a-run", "by-itself"])
def test_where_there_are_no_data_a_run_goes_on_without_a_copy_of_them(stack, monkeypatch, inside):
    def find_nothing():
        raise NothingToSaveError("No data could be saved: Redis is stopped and has no files.")

    monkeypatch.setattr(Job, "work", staticmethod(find_nothing))
    if inside:
        said = "No data could be saved: Redis is stopped and has no files."
        assert create(stack, "data", run={"id": RUN, "fence": 1}) == {"skipped": True, "msg": said, "backup": {}}
        return
    os.unlink(stack.path(".recovery/lock.json"))
    with pytest.raises(NothingToSaveError):
        create(stack, "data")

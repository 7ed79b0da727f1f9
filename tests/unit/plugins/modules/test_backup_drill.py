"""backup_drill starts nothing in check mode, nor for what cannot be rehearsed, and leaves its proof otherwise."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import (
    DamagedBackupError,
    NotReadyError,
    RecoveryError,
    RejectedError,
)
from ansible_collections.kong_masking.recovery.plugins.modules import backup_drill
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import ID, store, written

GOOD = {"name": "redis", "status": "passed", "level": "critical", "expected": "PONG", "found": "PONG", "ms": 1}
BAD = {**GOOD, "status": "failed", "found": "nothing"}


class Job:
    """Stands for the rehearsal; it answers with the checks of the test."""

    answer = (GOOD,)
    problem = None
    rehearsed: list[str] = []  # noqa: RUF012  the tests clear it

    def __init__(self, *_args):
        self.phases, self.notes = {"verify": 0.1}, []

    def rehearse(self, found, _files):
        self.rehearsed.append(found["id"])
        if self.problem:
            raise NotReadyError(self.problem)
        return list(self.answer)


@pytest.fixture(autouse=True)
def job(monkeypatch):
    Job.rehearsed.clear()
    monkeypatch.setattr(backup_drill, "DrillJob", Job)
    monkeypatch.setattr(backup_drill, "DockerStack", lambda _project: None)


@pytest.fixture
def stack(tmp_path):
    written(store(tmp_path / "backups"), host=os.uname().nodename)
    return samples.stack(tmp_path)


def drill(stack, check_mode=False, fail=True, **other):
    params = {name: about.get("default") for name, about in backup_drill.SPEC.items()}
    given = {name: getattr(stack, name) for name in backup_drill.SPEC["stack"]["options"]}
    params.update(stack=given, fail=fail, verification_keys=[], **other)
    return backup_drill.body(SimpleNamespace(params=params, check_mode=check_mode, run_command=None))


def marks(stack):
    with open(os.path.join(stack.backup_dir, "pre-deploy", ID, "marks.json"), encoding="utf-8") as handle:
        return json.load(handle)


def test_check_mode_proves_the_bytes_and_starts_nothing(stack):
    found = drill(stack, check_mode=True)
    assert found["text"] == [f"WOULD REHEARSE: {ID}; its 2 files are as the manifest says"]
    assert Job.rehearsed == []
    assert "drill" not in marks(stack)


def test_a_rehearsal_that_passes_leaves_its_proof(stack):
    found = drill(stack)
    assert (found["passed"], found["changed"], Job.rehearsed) == (True, True, [ID])
    assert marks(stack)["drill"]["passed"] is True
    assert marks(stack)["verified"] is True


@pytest.mark.parametrize(
    ("answer", "problem"), [([BAD], None), ([], "Not ready within 60 s: no answer.")], ids=["check", "start"]
)
def test_one_that_does_not_pass_is_written_down_and_fails(stack, monkeypatch, answer, problem):
    monkeypatch.setattr(Job, "answer", answer)
    monkeypatch.setattr(Job, "problem", problem)
    with pytest.raises(RejectedError) as rejected:
        drill(stack)
    assert rejected.value.as_result()["passed"] is False
    assert rejected.value.msg.startswith(f"The rehearsal of {ID} does not pass: ")
    assert marks(stack)["drill"]["passed"] is False
    assert drill(stack, fail=False)["passed"] is False


def test_a_damaged_backup_is_not_even_started(stack):
    with open(os.path.join(stack.backup_dir, "pre-deploy", ID, "config.env"), "ab") as handle:
        handle.write(b"x")
    with pytest.raises(DamagedBackupError):
        drill(stack)
    assert Job.rehearsed == []


def test_the_original_layout_cannot_be_started(stack, tmp_path):
    old = tmp_path / "backups" / "pre-deploy" / "deploy-20250729-120000"
    old.mkdir()
    (old / "config.env").write_text("A=b\n")
    with pytest.raises(RecoveryError, match="original layout"):
        drill(stack, deployment=old.name)


def test_not_while_a_rollback_changes_the_stack(stack):
    samples.held_lock(stack)
    with pytest.raises(RecoveryError, match="changes this stack now"):
        drill(stack)
    assert Job.rehearsed == []

"""The command that takes a run back: which playbook, which data mode, which part of the data."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.take_back import take_back

ID = "rollback-20260729-151200"


@pytest.mark.parametrize(
    ("kind", "snapshot", "data", "playbook", "options"),
    [
        ("rollback", {}, {}, "rollback", "-e redis_data=keep"),
        ("rollback", {}, {"mode": "keep", "scope": "all"}, "rollback", "-e redis_data=keep"),
        ("force_rollback", {}, {"mode": "merge", "scope": "mappings"}, "rollback", "-e redis_data=restore"),
        ("rollback", {}, {"mode": "empty", "scope": "all"}, "rollback", "-e redis_data=restore -e redis_scope=all"),
        ("rollback", {"undo_data": "restore"}, {"mode": "keep"}, "rollback", "-e redis_data=restore"),
        ("rollback", {"undo_data": "keep"}, {"mode": "keep"}, "rollback", "-e redis_data=keep"),
        ("recover_data", {}, {"mode": "merge"}, "recover_data", "-e redis_data=restore"),
        ("recover_data", {}, {"scope": "all"}, "recover_data", "-e redis_data=restore -e redis_scope=all"),
    ],
    ids=["plain", "kept", "merged", "emptied-all", "went-on", "snapshot-kept", "data-alone", "all-data-alone"],
)
def test_take_back(kind, snapshot, data, playbook, options):
    assert take_back(kind, "production", {"id": ID, **snapshot}, data) == (
        f"ansible-playbook playbooks/{playbook}.yml -e env=production -e deployment={ID} {options}"
    )


def test_a_run_that_went_on_takes_its_data_from_its_own_copy():
    """The snapshot's data are of the interrupted run, and clients have written since."""
    data = {"mode": "empty", "scope": "all"}
    env = "-e env=production"
    assert take_back("rollback", "production", {"id": ID, "undo_data": "keep", "copy": "data-1"}, data) == (
        f"ansible-playbook playbooks/rollback.yml {env} -e deployment={ID} -e redis_data=keep && "
        f"ansible-playbook playbooks/recover_data.yml {env} -e deployment=data-1 "
        "-e redis_data=restore -e redis_scope=all"
    )
    kept = take_back("rollback", "production", {"id": ID, "copy": "data-1"}, {"mode": "keep"})
    assert kept.endswith(f"-e deployment={ID} -e redis_data=keep")

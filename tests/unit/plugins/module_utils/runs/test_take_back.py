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

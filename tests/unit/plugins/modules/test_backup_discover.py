"""backup_discover chooses one and returns that one; the list of all of them can be left out."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError, RecoveryError
from ansible_collections.kong_masking.recovery.plugins.modules import backup_discover
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import store, written

IDS = [f"deploy-202607{day:02d}-120000" for day in range(10, 29)]


@pytest.fixture
def stack(tmp_path):
    where = store(tmp_path / "backups")
    for number, name in enumerate(IDS):
        written(where, name, host=os.uname().nodename, sequence=number)
    return samples.stack(tmp_path)


def discover(stack, **other):
    params = {name: about.get("default") for name, about in backup_discover.SPEC.items()}
    given = {name: getattr(stack, name) for name in backup_discover.SPEC["stack"]["options"]}
    params.update(stack=given, verification_keys=[], **other)
    return backup_discover.body(SimpleNamespace(params=params))


def test_the_chosen_one_comes_with_its_files_and_without_the_list_where_none_is_wanted(stack):
    found = discover(stack, list_all=False)
    assert found["backup"]["id"] == IDS[-1]
    assert [item["path"] for item in found["backup"]["files"]] == ["config.env", "files/kong/kong.yml"]
    assert not {"backups", "table"} & set(found)


@pytest.mark.parametrize("deployment", ["latest", IDS[-1], ""], ids=["latest", "named", "empty"])
def test_what_a_rollback_gets_does_not_grow_with_the_number_of_backups(stack, deployment):
    before = discover(stack, deployment=deployment, list_all=False)
    for number in range(100):
        name = f"deploy-202606{1 + number // 24:02d}-{number % 24:02d}0000"
        written(store(stack.backup_dir), name, host=os.uname().nodename, sequence=-number)
    after = discover(stack, deployment=deployment, list_all=False)
    assert after["older"] == before["older"] == IDS[-2:-12:-1]
    assert len(json.dumps(after)) <= len(json.dumps(before)) + 50


@pytest.mark.parametrize("restarts", [0, 1])
def test_a_service_that_has_just_fallen_is_no_state_of_a_backup(stack, restarts):
    """It fails its checks by that alone; going back to what already runs waits until it has settled."""
    client = samples.container("client", restarts=restarts, started_at="2026-07-29T12:00:00Z")
    now = datetime(2026, 7, 29, 12, 0, 3, tzinfo=UTC)
    found = backup_discover.what_runs(stack, samples.SmallEngine(client), {"client": client}, now)
    assert found["troubles"] == ({"client": "is up for 3 s only"} if restarts else {})


@pytest.mark.parametrize("deployment", ["none", "latest"])
def test_the_list_names_all_newest_first_without_what_is_in_them(stack, deployment):
    found = discover(stack, deployment=deployment)
    assert [item["id"] for item in found["backups"]] == IDS[::-1]
    assert bool(found["backup"]) is (deployment == "latest")
    assert len(found["table"]) == 1 + len(IDS) + 2
    assert all(item["usable"] for item in found["backups"])
    assert not any({"files", "services", "redis", "kong"} & set(item) for item in found["backups"])


def test_a_damaged_one_is_refused_and_the_others_are_named(stack):
    with open(os.path.join(stack.backup_dir, "pre-deploy", IDS[-1], "config.env"), "ab") as handle:
        handle.write(b"#")
    with pytest.raises(DamagedBackupError) as caught:
        discover(stack)
    assert "config.env: expected 22 bytes, found 23" in caught.value.msg
    assert f"Available: {IDS[-2]}" in caught.value.msg


def test_an_unknown_one_is_refused(stack):
    with pytest.raises(RecoveryError, match="There is no backup deploy-20250101-000000"):
        discover(stack, deployment="deploy-20250101-000000")

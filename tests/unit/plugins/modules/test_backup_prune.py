"""backup_prune removes outside check mode only, never while a rollback runs, and remembers a clock that is right."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_store import (
    BackupStore,
    BackupWriter,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.modules import backup_prune
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import MINE, manifest

AGES = (1, 30, 60, 90, 400)


def name_of(hours):
    return f"deploy-{datetime.now(UTC) - timedelta(hours=hours):%Y%m%d-%H}0000"


@pytest.fixture
def stack(tmp_path):
    store = BackupStore(str(tmp_path / "backups"), Runner())
    for number, hours in enumerate(reversed(AGES)):
        created = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        writer = BackupWriter(store, name_of(hours), MINE)
        writer.finish(manifest(name_of(hours), created=created, sequence=number + 1, host=os.uname().nodename), {})
    return samples.stack(tmp_path)


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """An engine that keeps one image too many, and remembers what it lets go."""
    freed = []
    found = SimpleNamespace(kept_images=lambda: ["sha256:k", "sha256:old"], free_image=freed.append)
    monkeypatch.setattr(backup_prune, "DockerStack", lambda _project: found)
    return freed


def prune(stack, check_mode=False, **other):
    values = {"hours": 48, "data_hours": 0, "critical_days": 30, "record_days": 30, "minimum": 2, "trust_clock": False}
    params = {
        "stack": {name: getattr(stack, name) for name in backup_prune.SPEC["stack"]["options"]},
        "accept_hosts": [],
        **values,
        **other,
    }
    return backup_prune.body(SimpleNamespace(params=params, check_mode=check_mode, run_command=None))


def there(stack):
    return sorted(os.listdir(os.path.join(stack.backup_dir, "pre-deploy")))


def test_what_is_past_its_time_goes_and_then_nothing_more(stack, engine):
    found = prune(stack)
    assert found["changed"]
    assert sorted(item["id"] for item in found["removed"]) == sorted(map(name_of, AGES[2:]))
    assert there(stack) == sorted(map(name_of, AGES[:2]))
    assert engine == ["sha256:old"] == found["images"]
    engine.clear()
    again = prune(stack)
    assert again["removed"] == []


def test_check_mode_says_the_same_and_removes_nothing(stack, engine):
    said = prune(stack, check_mode=True)
    assert said["changed"]
    assert there(stack) == sorted(map(name_of, AGES))
    assert not os.path.exists(stack.path(".recovery"))
    assert engine == []
    assert prune(stack)["removed"] == said["removed"]


@pytest.mark.parametrize("kind", ["rollback", "recover_data"])
def test_nothing_goes_while_a_rollback_runs(stack, kind):
    samples.held_lock(stack, f"{kind}-20260729-120000", kind)
    found = prune(stack)
    assert (found["changed"], found["removed"]) == (False, [])
    assert found["stopped"] == f"{kind}-20260729-120000 changes this stack now"
    assert there(stack) == sorted(map(name_of, AGES))


def test_what_an_unfinished_run_names_stays(stack):
    os.makedirs(stack.path(".recovery/journal"))
    event = {"event": "begin", "arguments": {"deployment": name_of(AGES[4])}}
    with open(stack.path(".recovery/journal/rollback-20260729-120000.jsonl"), "w", encoding="utf-8") as handle:
        handle.write(json.dumps(event) + "\n")
    assert [item["id"] for item in prune(stack)["removed"]] == [name_of(AGES[2]), name_of(AGES[3])]


def test_a_clock_that_jumped_removes_nothing_until_somebody_says_that_it_is_right(stack):
    prune(stack, hours=1000)
    path = stack.path(".recovery/clock.json")
    with open(path, encoding="utf-8") as handle:
        clock = json.load(handle)
    clock["wall"] = (datetime.now(UTC) - timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(clock, handle)
    for _time in range(2):
        found = prune(stack)
        assert found["removed"] == []
        assert found["stopped"].startswith("this host's clock jumped ahead by 19 d 23 h")
    assert prune(stack, trust_clock=True)["changed"]
    assert prune(stack)["stopped"] == ""

"""What retention finds on the disk, and what it takes away."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.retention import retention, retention_job
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import listing, store, written

IDS = ["deploy-20260729-120000", "rollback-20260729-120100", "data-20260729-120200"]


@pytest.fixture
def where(tmp_path):
    return store(tmp_path / "backups")


def items(tmp_path, where):
    return {item.id: item for item in retention_job.items_of(samples.stack(tmp_path), listing(where))}


def test_every_kind_is_found(tmp_path, where):
    for number, name in enumerate(IDS):
        written(where, name, sequence=number + 1)
    (tmp_path / ".recovery" / "journal").mkdir(parents=True)
    (tmp_path / ".recovery" / "journal" / "rollback-20260728-120000.jsonl").write_text("{}")
    (tmp_path / "logs" / "rollbacks").mkdir(parents=True)
    for name in ("rollback-20260728-120000.log", "rollback-20260728-120000.json", "notes.txt", "report.html"):
        (tmp_path / "logs" / "rollbacks" / name).write_text("x")
    leftover = tmp_path / "backups" / "pre-deploy" / ".unfinished-deploy-20260727-120000"
    leftover.mkdir()
    found = retention_job.items_of(samples.stack(tmp_path), listing(where))
    assert {(item.kind, item.id, len(item.paths)) for item in found} == {
        ("deploy", IDS[0], 1),
        ("rollback", IDS[1], 1),
        ("data", IDS[2], 1),
        ("journal", "rollback-20260728-120000", 1),
        ("log", "rollback-20260728-120000", 2),
        ("leftover", leftover.name, 1),
    }
    journal = next(item for item in found if item.kind == "journal")
    assert journal.created == datetime(2026, 7, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize("trouble", ["link", "stray", "original", "another", "unreadable"])
def test_what_is_not_ours_or_not_readable_has_a_problem(tmp_path, where, trouble):
    folder = tmp_path / "backups" / "pre-deploy"
    folder.mkdir(parents=True)
    place = folder / IDS[0]
    if trouble == "link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    elif trouble == "stray":
        place.write_text("x")
    elif trouble == "original":
        place.mkdir()
        (place / "config.env").write_text("A=b")
    elif trouble == "another":
        written(where, IDS[0], environment="staging")
    else:
        written(where, IDS[0])
        (place / "manifest.json").write_text("{")
    assert items(tmp_path, where)[IDS[0]].problem


def remove(*found):
    return retention_job.remove(Runner(), [retention.Decision(item, True, "old") for item in found])


def test_a_backup_goes_whole_and_the_others_stay(tmp_path, where):
    for number, name in enumerate(IDS):
        written(where, name, sequence=number + 1)
    found = items(tmp_path, where)
    assert remove(found[IDS[0]]) == found[IDS[0]].size > 0
    assert set(items(tmp_path, where)) == set(IDS[1:])
    assert os.listdir(tmp_path / "backups" / "pre-deploy") == []


def test_a_backup_that_is_removed_by_half_is_never_listed(tmp_path, where, monkeypatch):
    written(where, IDS[0])

    def killed(_runner, _path):
        raise OSError("killed")

    monkeypatch.setattr(Runner, "remove", killed)
    with pytest.raises(OSError, match="killed"):
        remove(items(tmp_path, where)[IDS[0]])
    (left,) = listing(where)
    assert (left["usable"], left["reason"]) == (False, "was never finished")
    item = items(tmp_path, where)[left["id"]]
    assert item.kind == "leftover"
    assert datetime.now(UTC) - item.created < timedelta(minutes=5)


def test_a_link_that_stands_for_a_leftover_is_not_followed(tmp_path, where):
    (tmp_path / "precious").mkdir()
    (tmp_path / "backups" / "pre-deploy").mkdir(parents=True)
    (tmp_path / "backups" / "pre-deploy" / ".unfinished-deploy-20260727-120000").symlink_to(tmp_path / "precious")
    (item,) = items(tmp_path, where).values()
    assert item.problem == "is a symbolic link"


class TestImages:
    def test_those_that_any_backup_names_are_known(self, where):
        written(where, IDS[0])
        written(where, IDS[1], environment="staging", services={"kong": {"image_id": "sha256:other"}})
        assert retention_job.images_named(where, listing(where)) == {"sha256:k", "sha256:other"}

    @pytest.mark.parametrize("trouble", ["being-written", "unreadable", "odd"])
    def test_nothing_is_known_while_one_cannot_be_read(self, tmp_path, where, trouble):
        path = written(where, IDS[0])
        if trouble == "being-written":
            (tmp_path / "backups" / "pre-deploy" / ".unfinished-deploy-20260729-120001").mkdir()
        elif trouble == "unreadable":
            with open(os.path.join(path, "manifest.json"), "w", encoding="utf-8") as handle:
                handle.write("{")
        else:
            written(where, IDS[1], services={"kong": {}})
        assert retention_job.images_named(where, listing(where)) is None

    def test_only_those_that_nobody_names_are_let_go(self):
        found = SimpleNamespace(kept_images=lambda: ["sha256:new", "sha256:old"])
        freed = []
        found.free_image = freed.append
        assert retention_job.free_images(found, {"sha256:new"}) == ["sha256:old"] == freed

    def test_none_is_let_go_when_nothing_is_known(self):
        assert retention_job.free_images(None, None) == []

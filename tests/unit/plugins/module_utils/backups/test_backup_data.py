"""How the data come into a backup: as a stream, else key by key, else as files; and what the manifest says of it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_job import BackupJob
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_dump
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import MINE, NOW, store

FACTS = {"keys": 3, "mappings": 1, "memory_bytes": 1 << 20}
NEIGHBOUR = redis_dump.NoStreamError("Another server answers.")
BY_KEYS = f"{redis_dump.NOT_POINT_IN_TIME}; Another server answers.; loaded"


class Client:
    def close(self):
        pass


def write(content):
    def to(*args):
        with open(args[-1], "wb") as handle:
            handle.write(content)

    return to


def refuse(error):
    def to(*_args):
        raise error

    return to


@pytest.fixture
def back_up(tmp_path, monkeypatch):
    """Return what a data backup's manifest says, and its files, when each way of copying ends as given."""

    def take(stream, by_keys=None, files=None, problem=""):
        stack = samples.stack(tmp_path)
        monkeypatch.setattr(live_state, "data_facts", lambda *_about: ({} if problem else FACTS, problem))
        monkeypatch.setattr(live_state, "redis_client", lambda *_about: Client())
        monkeypatch.setattr(redis_dump, "stream", stream)
        monkeypatch.setattr(redis_dump, "by_keys", by_keys)
        monkeypatch.setattr(redis_dump, "copy_files", lambda *_about: files or {})
        monkeypatch.setattr(BackupJob, "_prove", lambda *_about: ("proven", "loaded"))
        engine = samples.SmallEngine(samples.container("redis"))
        job = BackupJob(stack, engine, Runner(), store(stack.backup_dir), NOW, "gw1")
        made = job.create("data", "", {}, MINE)
        return made["redis"], [item for item in os.listdir(made["path"]) if item.startswith("redis-")]

    return take


def test_the_stream_is_enough(back_up):
    about, files = back_up(write(b"REDIS"))
    assert about == {**FACTS, "status": "proven", "reason": "loaded", "file": redis_dump.NAME}
    assert files == [redis_dump.NAME]


def test_without_a_stream_the_keys_are_copied_one_by_one_and_the_reason_is_kept(back_up):
    about, files = back_up(refuse(NEIGHBOUR), write(b"REDIS"))
    assert about == {**FACTS, "status": "proven", "reason": BY_KEYS, "point_in_time": False, "file": redis_dump.NAME}
    assert files == [redis_dump.NAME]


def test_where_the_keys_cannot_be_read_either_the_files_are_saved(back_up):
    refused = refuse(RecoveryError("Redis refuses a command: NOPERM."))
    about, files = back_up(refuse(NEIGHBOUR), refused, {"dump.rdb": b"REDIS"})
    assert about == {
        "status": "unproven",
        "reason": "copied as files, because: Another server answers. Redis refuses a command: NOPERM.",
        "files": ["dump.rdb"],
    }
    assert files == ["redis-files"]


def test_a_stream_that_broke_off_is_no_reason_for_less(back_up):
    with pytest.raises(RecoveryError, match="did not send its data"):
        back_up(refuse(RecoveryError("redis did not send its data within 600 s.")))


def test_data_that_may_not_be_counted_are_saved_as_files(back_up):
    about, _files = back_up(None, files={"dump.rdb": b"REDIS"}, problem="not measured: Redis refuses INFO.")
    assert about["status"] == "unproven"
    assert about["reason"] == "copied as files, because: not measured: Redis refuses INFO."

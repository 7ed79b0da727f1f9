"""How the data come into a backup: as a stream, else key by key, else as files; and what the manifest says of it."""

from __future__ import annotations

import os
from types import SimpleNamespace

import docker
import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_job import BackupJob
from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.captured import Captured
from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.data_copy import DataCopy
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state, redis_copy
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_layout import Layout
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_dump
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import MINE, NOW, store

LAYOUT = Layout("/bitnami/redis/data", "mappings", append=True, append_dir="aof", append_name="a.aof")
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

    def take(stream, by_keys=None, files=None, problem="", layout=LAYOUT, state="running", **run):
        def ask(*_about):
            return layout

        stack = samples.stack(tmp_path)
        monkeypatch.setattr(live_state, "data_facts", lambda *_about: ({} if problem else FACTS, problem))
        monkeypatch.setattr(live_state, "redis_client", lambda *_about: Client())
        monkeypatch.setattr(redis_dump, "stream", stream)
        monkeypatch.setattr(redis_dump, "by_keys", by_keys)
        monkeypatch.setattr(redis_copy, "ask_layout", ask if layout else refuse(RecoveryError("A copy says nothing.")))
        monkeypatch.setattr(redis_dump, "copy_files", lambda *about: asked.append(about[2:]) or files or {})
        monkeypatch.setattr(DataCopy, "_prove", lambda *_about: ("proven", "loaded"))
        monkeypatch.setattr(redis_dump, "holds_files", lambda *about: about[2] in run.get("holding", ()))
        engine = samples.SmallEngine(*([samples.container("redis", state=state)] if state else []))
        job = BackupJob(stack, engine, Runner(), store(stack.backup_dir), NOW, "gw1")
        monkeypatch.setattr(job, "_captured", lambda _further: Captured())
        made = job.create(run.get("kind", "data"), "", {}, MINE, run.get("undo_data", "keep"))
        return made["redis"], [item for item in os.listdir(made["path"]) if item.startswith("redis-")]

    asked = []
    take.asked = asked
    take.root = tmp_path
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


DOWN = "Redis (redis) is exited, expected running."


def test_the_files_are_taken_from_where_this_redis_keeps_them(back_up):
    back_up(None, files={"mappings": b"REDIS"}, problem=DOWN)
    assert back_up.asked == [("/bitnami/redis/data", ["mappings", "aof"])]
    back_up.asked.clear()
    back_up(None, problem=DOWN, kind="rollback")
    assert back_up.asked == [("/bitnami/redis/data", ["mappings", "aof"]), ("/data", [])], "set up otherwise before"


def test_where_that_is_not_known_the_usual_place_is_searched(back_up):
    back_up(None, files={"dump.rdb": b"REDIS"}, problem=DOWN, layout=None)
    assert back_up.asked == [("/data", [])]


@pytest.mark.parametrize(
    ("state", "layout", "reason"),
    [
        ("exited", None, "It has no data files in /data either. A copy says nothing."),
        ("running", LAYOUT, "It has no data files in /bitnami/redis/data either."),
        ("paused", LAYOUT, "It has no data files in /bitnami/redis/data either."),
    ],
    ids=["stopped-and-not-known", "hung", "paused"],
)
def test_data_that_could_not_be_saved_are_not_changed(back_up, state, layout, reason):
    with pytest.raises(RecoveryError) as caught:
        back_up(None, problem=DOWN, layout=layout, kind="rollback", undo_data="restore", state=state, holding=["/data"])
    assert caught.value.msg == (
        f"The data of redis would be changed, and no copy of them could be saved: {DOWN} {reason} Nothing was changed."
    )
    assert "playbooks/rollback.yml -e redis_data=keep" in caught.value.hint
    assert [name for _root, _folders, names in os.walk(back_up.root) for name in names if name == "manifest.json"] == []


@pytest.mark.parametrize(
    ("state", "layout", "undo_data"),
    [
        ("running", None, "keep"),
        ("exited", LAYOUT, "restore"),
        ("exited", None, "restore"),
        ("restarting", None, "restore"),
        ("", None, "restore"),
    ],
    ids=["they-stay", "there-are-none", "and-no-file-at-all", "nor-in-a-loop", "no-redis"],
)
def test_a_snapshot_without_data_is_enough_where_none_can_be_lost(back_up, state, layout, undo_data):
    about, _files = back_up(None, problem=DOWN, layout=layout, kind="rollback", undo_data=undo_data, state=state)
    assert about["status"] == "absent"


@pytest.mark.parametrize(
    ("data", "undo_data", "lost"),
    [
        ({"status": "proven", "reason": "loaded"}, "restore", ""),
        ({"status": "unproven", "reason": "copied as files"}, "restore", ""),
        (redis_dump.absent("Why."), "restore", "Why."),
        (redis_dump.absent("Why."), "keep", ""),
        (redis_dump.absent("Why.", nothing=True), "restore", ""),
    ],
    ids=["proven", "unproven", "absent", "they-stay", "nothing-to-lose"],
)
def test_when_data_must_not_be_changed(data, undo_data, lost):
    assert redis_dump.unsaved(data, undo_data) == lost


def test_a_log_that_the_engine_does_not_give_is_no_reason_to_save_nothing(tmp_path):
    """Logging driver ``none``, or a container that is dead."""
    stack, written = samples.stack(tmp_path), {}
    why = "configured logging driver does not support reading"

    class Silent(samples.SmallEngine):
        def logs(self, container, _lines):
            if container.service == "kong":
                answer = SimpleNamespace(status_code=501)
                raise docker.errors.APIError("501", answer, why)
            return "PING\n"

    engine = Silent(samples.container("kong"), samples.container("redis"))
    job = BackupJob(stack, engine, Runner(), store(stack.backup_dir), NOW, "gw1")
    job._logs(SimpleNamespace(add=written.__setitem__))
    assert written == {
        "logs/kong.log": b"The engine gives no log of gateway-kong-1: " + why.encode() + b"\n",
        "logs/redis.log": b"PING\n",
    }

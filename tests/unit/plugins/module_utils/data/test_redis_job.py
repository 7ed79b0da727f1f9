"""A Redis that cannot be reached is not one that cannot answer: Kong stays on until its files are found."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.data import redis_job
from ansible_collections.kong_masking.recovery.plugins.module_utils.data.redis_job import RedisJob
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import Mount
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_copy, redis_files
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_layout import Layout
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_compare, redis_scratch
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_method as how
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

UNKNOWN = RecoveryError("Where gateway-redis-1 keeps its data is not known.")
LAYOUT = Layout("/data", "dump.rdb", append=False, append_dir="", append_name="")
PING = "redis: timeout 3 redis-cli -p 6379 PING"


def changed(engine):
    """What was done to containers; asking inside changes nothing."""
    return [item for item in engine.done if item != PING]


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Return a change of a Redis that accepts no connection, and its engine; said: what it answers inside."""

    def made(layout=UNKNOWN, said=b"", method="auto", state="running", kind="volume"):
        def ask_layout(*_about):
            asked.append("layout")
            if isinstance(layout, Exception):
                raise layout
            return layout

        asked = []
        monkeypatch.setattr(redis_copy, "ask_layout", ask_layout)
        monkeypatch.setattr(redis_files, "finish", lambda *_about: False)
        monkeypatch.setattr(redis_scratch, "sweep", lambda _engine: 0)
        mounts = (Mount(kind, "/volumes/data", "/data", writable=True),)
        redis = samples.container("redis", state=state, mounts=mounts)
        engine = samples.SmallEngine(redis, samples.container("kong"), answers={"timeout": (0, said, b"")})
        clock = samples.FakeClock()
        runner = Runner(clock=clock, sleep=clock.sleep)
        engine.asked = asked
        return RedisJob(samples.stack(tmp_path), engine, runner, "empty", "", {"method": method}), engine

    return made


WAYS = [lambda job: job.run(), lambda job: job.preview()]


@pytest.mark.parametrize("way", WAYS, ids=["run", "check-mode"])
def test_where_the_files_are_not_found_kong_was_never_off(job, way):
    change, engine = job()
    with pytest.raises(RecoveryError, match="keeps its data is not known"):
        way(change)
    assert (changed(engine), engine.container("kong").state) == ([], "running")


@pytest.mark.parametrize("way", WAYS, ids=["run", "check-mode"])
def test_one_that_answers_inside_keeps_its_files_and_kong_was_never_off(job, way):
    change, engine = job(LAYOUT, b"PONG\n")
    with pytest.raises(RecoveryError, match=r"answers inside its container.*accepts no connection on port 6379"):
        way(change)
    assert (set(engine.done), engine.asked) == ({PING}, [])


@pytest.mark.parametrize("way", WAYS, ids=["run", "check-mode"])
def test_a_delta_without_a_running_redis_is_refused_in_both(job, way):
    change, engine = job(LAYOUT, method="delta")
    with pytest.raises(RecoveryError, match="The delta needs a running Redis"):
        way(change)
    assert changed(engine) == []


def test_kong_is_off_while_a_redis_that_cannot_answer_is_tried_and_stays_off_where_it_remains_so(job, monkeypatch):
    class Replaced:
        def __init__(self, *_about):
            pass

        def run(self, *_about):
            raise RecoveryError("no room")

    monkeypatch.setattr(redis_job, "FileChange", Replaced)
    change, engine = job(LAYOUT)
    with pytest.raises(RecoveryError, match="no room"):
        change.run()
    assert changed(engine) == ["stop kong", "stop redis", "start redis", "stop redis"]
    assert engine.container("kong").state == "exited"


@pytest.mark.parametrize(
    ("state", "asked"), [("running", ["layout"]), ("exited", []), ("paused", []), ("restarting", [])]
)
def test_a_plan_starts_redis_first_and_asks_only_whether_one_that_runs_is_found(job, state, asked):
    change, engine = job(LAYOUT, b"PONG\n", state=state)
    assert change.preview(restarts=True).method == "file"
    assert (engine.asked, changed(engine)) == (asked, [])


def test_a_plan_refuses_one_that_runs_and_is_not_found(job):
    with pytest.raises(RecoveryError, match="is not known"):
        job()[0].preview(restarts=True)


def test_check_mode_refuses_files_of_a_running_redis_that_does_not_tell_where_they_lie(job, monkeypatch):
    def silent(_live):
        raise RecoveryError(redis_copy.SILENT, redis_copy.WHAT_STILL_WORKS)

    change, _engine = job(method="file")
    monkeypatch.setattr(change.target, "connect", lambda: (object(), ""))
    monkeypatch.setattr(change.target, "layout", silent)
    for name in ("_compare", "_missing", "_warnings"):
        monkeypatch.setattr(change, name, lambda *_about: [])
    with pytest.raises(RecoveryError, match="CONFIG is renamed or forbidden"):
        change.preview()


@pytest.mark.parametrize("way", WAYS, ids=["run", "check-mode"])
def test_files_in_memory_are_refused_before_anything_is_stopped(job, way):
    change, engine = job(LAYOUT, method="file", kind="tmpfs")
    with pytest.raises(RecoveryError, match=r"in memory \(tmpfs /data\): its files cannot be replaced") as caught:
        way(change)
    assert "-e redis_data=keep" in caught.value.hint
    assert (changed(engine), engine.container("kong").state) == ([], "running")


@pytest.mark.parametrize("way", WAYS, ids=["run", "check-mode"])
def test_files_in_memory_of_a_redis_that_answers_are_refused_before_anything_is_stopped(job, monkeypatch, way):
    change, engine = job(LAYOUT, method="file", kind="tmpfs")
    monkeypatch.setattr(change.target, "connect", lambda: (object(), ""))
    monkeypatch.setattr(change.target, "layout", lambda _live: LAYOUT)
    for name in ("_compare", "_missing", "_warnings"):
        monkeypatch.setattr(change, name, lambda *_about: [])
    with pytest.raises(RecoveryError, match="its files cannot be replaced"):
        way(change)
    assert (engine.done, engine.container("kong").state) == ([], "running")


@pytest.mark.parametrize(
    ("kind", "method", "limit"),
    [("volume", "auto", how.FILE_KEYS), ("tmpfs", "auto", None), ("volume", "delta", None)],
)
def test_where_files_cannot_be_replaced_the_delta_has_no_limit(job, monkeypatch, kind, method, limit):
    change, _engine = job(LAYOUT, method=method, kind=kind)
    asked = []
    monkeypatch.setattr(redis_compare, "compare", lambda *about: asked.append(about[-1]))
    monkeypatch.setattr(change.target, "_settings", lambda _live: LAYOUT.settings)
    monkeypatch.setattr(change, "_numbers", lambda *_about: [0])
    change._compare(SimpleNamespace(client=None), redis_compare.Sources(None, None))
    assert asked == [limit]

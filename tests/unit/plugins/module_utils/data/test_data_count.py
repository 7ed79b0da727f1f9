"""The number of keys at the end of a run: of all databases, or nothing at all."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.data import data_count
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import (
    LOADING,
    OK,
    PONG,
    WRONG,
    bulk,
    place,
    serving_redis,
)

TWO = b"# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=0\r\ndb3:keys=5,expires=0,avg_ttl=0\r\n"
EIGHT = b"# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\ndb0_distrib_strings_sizes:4=1,8=1\r\n"


@pytest.fixture
def stack(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/production.env").write_text("REDIS_PASSWORD=right\n")
    return samples.stack(tmp_path)


@pytest.fixture
def engine(monkeypatch):
    """Return what makes containers those of the engine; an exception is an engine that does not answer."""

    def become(*containers):
        def made(_project):
            if containers and isinstance(containers[0], Exception):
                raise containers[0]
            return samples.SmallEngine(*containers)

        monkeypatch.setattr(data_count, "DockerStack", made)

    return become


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        ({"AUTH right": OK, "PING": PONG, "INFO": bulk(TWO)}, {"keys": 17}),
        ({"AUTH right": OK, "PING": PONG, "INFO": bulk(EIGHT)}, {"keys": 2}),
        ({"AUTH right": OK, "PING": PONG, "INFO": bulk(b"# Keyspace\r\n")}, {"keys": 0}),
        ({"AUTH right": WRONG, "PING": b"-NOAUTH Authentication required.\r\n"}, {}),
        ({"AUTH right": OK, "PING": LOADING}, {}),
        ({"AUTH right": OK, "PING": PONG, "INFO": b"-NOPERM this user has no permissions\r\n"}, {}),
    ],
    ids=["all-databases", "redis-8", "none", "another-password", "loading", "not-allowed"],
)
def test_what_redis_says(stack, engine, answers, counted):
    with serving_redis(answers) as (where, asked):
        engine(samples.container("redis", ports=place(where)))
        assert data_count.keys_now(stack, Runner()) == counted
    assert asked[0] == "AUTH right"


@pytest.mark.parametrize(
    "containers",
    [[], [samples.container("redis", state="exited")], [RuntimeError("no engine")]],
    ids=["no-container", "stopped", "no-engine"],
)
def test_what_cannot_be_counted_is_no_failure_and_no_zero(stack, engine, containers):
    engine(*containers)
    assert data_count.keys_now(stack, Runner()) == {}

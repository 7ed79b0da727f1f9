"""The stand-in for redis-py asks a Redis what the library asks, and answers as it does."""

from __future__ import annotations

import socket
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_wire
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_wire import Wire
from ansible_collections.kong_masking.recovery.plugins.module_utils.stand_ins import plain_redis
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import NIL, OK, bulk, listed, serving_redis

INFO = """# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nos:Linux 6.1 x86_64\r\nuptime:12\r
# Memory\r\nused_memory:1024\r\nmem_fragmentation_ratio:1.57\r\nmaxmemory_policy:noeviction\r\nempty:\r
# Stats\r\nwords:a,1,2.5\r\nrun_id:0f\r\n\r\n# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=0\r
db9:keys=1,expires=0,avg_ttl=0,flag\r\nslave0:ip=10.0.0.2,port=6379,state=online,lag=0.5\r\n"""
ANSWERS = {
    "PING": b"+PONG\r\n",
    "AUTH right": OK,
    "AUTH ann right": OK,
    "AUTH old right": b"-ERR wrong number of arguments for 'auth' command\r\n",
    "AUTH ann wrong": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
    "AUTH needless": b"-ERR AUTH <password> called without any password configured for the default user. "
    b"Are you sure your configuration is correct?\r\n",
    "SELECT 3": OK,
    "SELECT 99": b"-ERR DB index is out of range\r\n",
    "INFO": bulk(INFO.encode()),
    "INFO keyspace": bulk(b"# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=0\r\n"),
    "CONFIG GET save": listed(bulk(b"save"), bulk(b"3600 1")),
    "CONFIG GET nothing": listed(),
    "CONFIG SET save 60 1": OK,
    "CONFIG SET a b": b"-ERR Unknown option or number of arguments for CONFIG SET - 'a'\r\n",
    "CONFIG GET forbidden": b"-NOPERM this user has no permissions to run the 'config|get' command\r\n",
    "GET a": bulk(b"v\r\n\xff"),
    "GET none": NIL,
    "GET list": b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    "GET full": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "GET early": b"-LOADING Redis is loading the dataset in memory\r\n",
    "GET stuck": b"-MISCONF Redis is configured to save RDB snapshots, but it is unable to persist to disk.\r\n",
    "GET orphan": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
    "GET strangers": b"-NOAUTH Authentication required.\r\n",
    "GET busy": b"-BUSY Redis is busy running a script.\r\n",
    "GET crowded": b"-ERR max number of clients reached\r\n",
    "MGET a none": listed(bulk(b"v"), NIL),
    "SET a b EX 9": OK,
    "SET a b": b"-READONLY You can't write against a read only replica.\r\n",
    "DEL a b": b":1\r\n",
    "DBSIZE": b":12\r\n",
    "SAVE": OK,
    "SCAN 0 MATCH p* COUNT 7": listed(bulk(b"5"), listed(bulk(b"p1"), bulk(b"p2"))),
    "SCAN 5 MATCH p* COUNT 7": listed(bulk(b"0"), listed(bulk(b"p3"))),
}


def server(path=None, broken=()):
    return serving_redis(ANSWERS, path, broken)


def theirs(**options):
    options = {"socket_timeout": 5, "protocol": 2, "retry": Retry(NoBackoff(), 1)} | options
    return redis.Redis(**options)


def ours(**options):
    options = {"socket_timeout": 5, "protocol": 2, "retry": plain_redis.Retry(plain_redis.NoBackoff(), 1)} | options
    return plain_redis.Redis(**options)


BOTH = pytest.mark.parametrize(("lib", "made"), [(redis, theirs), (plain_redis, ours)], ids=["redis-py", "stand-in"])


def piped(client, keys, **options):
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.get(key)
    return [str(item) if isinstance(item, Exception) else item for item in pipe.execute(**options)]


CALLS = {
    "ping": lambda c: c.ping(),
    "info": lambda c: c.info(),
    "a section of it": lambda c: c.info("keyspace"),
    "a setting": lambda c: c.config_get("save"),
    "no such setting": lambda c: c.config_get("nothing"),
    "change a setting": lambda c: c.config_set("save", "60 1"),
    "change what is none": lambda c: c.config_set("a", "b"),
    "not allowed": lambda c: c.config_get("forbidden"),
    "get": lambda c: c.get("a"),
    "get nothing": lambda c: c.get(b"none"),
    "several": lambda c: c.mget([b"a", "none"]),
    "set": lambda c: c.set("a", "b", ex=9),
    "set on a replica": lambda c: c.set("a", "b"),
    "delete": lambda c: c.delete("a", b"b"),
    "size": lambda c: c.dbsize(),
    "save": lambda c: c.save(),
    "one step": lambda c: c.scan(0, match=b"p*", count=7),
    "all steps": lambda c: list(c.scan_iter(match=b"p*", count=7)),
    "together": lambda c: piped(c, ["a", b"none"]),
    "together, nothing": lambda c: piped(c, []),
    "together, still loading": lambda c: piped(c, ["early", "a"], raise_on_error=False),
    **{
        f"refused: {key}": lambda c, key=key: c.get(key)
        for key in ("list", "full", "early", "stuck", "orphan", "strangers", "busy", "crowded")
    },
}
OPTIONS = {
    "password": {"password": "right"},
    "user": {"password": "right", "username": "ann"},
    "wrong password": {"password": "wrong", "username": "ann"},
    "needless password": {"password": "needless"},
    "server of before users": {"password": "right", "username": "old"},
    "database": {"db": 3},
    "no such database": {"db": 99},
}
SEEN = ("RedisError", "ConnectionError", "ResponseError", "AuthenticationError", "BusyLoadingError", "TimeoutError")


def outcome(call, client):
    """Return what a call gives: its value, or the names that its error goes by, and its words."""
    try:
        return call(client)
    except Exception as exc:  # noqa: BLE001  # whatever it is, both have to give it
        kinds = {kind.__name__ for kind in type(exc).__mro__}
        return type(exc).__name__, [name for name in SEEN if name in kinds], str(exc)
    finally:
        client.close()


@pytest.mark.parametrize("name", CALLS)
def test_the_stand_in_asks_and_answers_as_the_library(name):
    with server() as (where, asked):
        expected = outcome(CALLS[name], theirs(**where))
        wanted = list(asked)
        asked.clear()

        found = outcome(CALLS[name], ours(**where))

    assert found == expected
    # How much of what was sent together a server still reads after we have gone is chance.
    assert set(asked) == set(wanted) if "together" in name else asked == wanted


@pytest.mark.parametrize("name", OPTIONS)
def test_the_stand_in_logs_in_as_the_library(name, tmp_path):
    with server(tmp_path / "redis") as (where, asked):
        expected = outcome(lambda c: c.ping(), theirs(**where, **OPTIONS[name]))
        wanted = list(dict.fromkeys(asked))
        asked.clear()

        found = outcome(lambda c: c.ping(), ours(**where, **OPTIONS[name]))

    assert found == expected
    assert list(dict.fromkeys(asked)) == wanted


def test_a_refusal_among_several_is_a_value_or_raised():
    with server() as (where, _asked):
        found = piped(ours(**where), ["a", "list"], raise_on_error=False)
        with pytest.raises(plain_redis.exceptions.ResponseError, match="WRONGTYPE"):
            piped(ours(**where), ["a", "list"])
    assert found == [b"v\r\n\xff", "WRONGTYPE Operation against a key holding the wrong kind of value"]


@BOTH
def test_a_connection_that_broke_is_tried_once_more(lib, made):
    with server(broken=[True]) as (where, _asked):
        assert made(**where).ping() is True


@BOTH
def test_nor_for_ever(lib, made):
    with server(broken=[True] * 9) as (where, _asked), pytest.raises(lib.exceptions.ConnectionError):
        made(**where).ping()


@BOTH
def test_who_is_silent_is_not_waited_for(lib, made):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(lib.exceptions.TimeoutError):
        made(host="127.0.0.1", port=silent.getsockname()[1], socket_timeout=0.1).ping()


@BOTH
def test_nobody_there(lib, made, tmp_path):
    for where in ({"host": "127.0.0.1", "port": 1}, {"unix_socket_path": str(tmp_path / "none")}):
        with pytest.raises(lib.exceptions.ConnectionError):
            made(**where).ping()


@BOTH
def test_a_wire_speaks_over_a_connection_of_its_own(lib, made, tmp_path):
    with server(tmp_path / "redis") as (where, asked):
        client = made(**where, password="right")
        assert client.connection_pool.connection_kwargs["path"] == where["unix_socket_path"]
        with Wire(client, 3) as wire:
            assert wire.ask(b"GET", b"a") == b"v\r\n\xff"
        client.close()
    assert asked == ["AUTH right", "SELECT 3", "GET a"]


def test_a_wire_says_that_it_is_not_let_in(monkeypatch, tmp_path):
    monkeypatch.setattr(redis_wire, "redis", plain_redis)
    refused = pytest.raises(redis_wire.RecoveryError, match="accepts no further connection: AuthenticationError")
    with server(tmp_path / "redis") as (where, _asked), refused:
        Wire(ours(**where, password="wrong", username="ann"))


def test_threads_do_not_share_a_connection():
    with server() as (where, _asked):
        client = ours(**where)
        found = []
        threads = [
            threading.Thread(target=lambda: found.extend(client.get("a") for _number in range(50))) for _one in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert found == [b"v\r\n\xff"] * 400


def test_what_it_does_not_know_it_does_not_swallow():
    with pytest.raises(TypeError, match="needs redis-py: decode_responses"):
        plain_redis.Redis(decode_responses=True)

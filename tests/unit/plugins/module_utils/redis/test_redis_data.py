"""A user whose rights are few: what is refused is named, and what can be told without it is told."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import (
    NOTHING,
    Access,
    RedisData,
    RedisForbidden,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_replies import ReplyError
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import OK, PONG, Keys, bulk, place, serving_redis

NO_INFO = b"-NOPERM this user has no permissions to run the 'info' command\r\n"
RENAMED = b"-ERR unknown command 'INFO', with args beginning with: \r\n"
NO_SCAN = b"-NOPERM this user has no permissions to run the 'scan' command\r\n"
NO_KEY = b"-NOPERM this user has no permissions to access one of the keys used as arguments\r\n"
READONLY = b"-READONLY You can't write against a read only replica.\r\n"
MISCONF = b"-MISCONF Redis is configured to save RDB snapshots, but it is unable to persist to disk.\r\n"
LET_IN = {"AUTH masker secret": OK, "PING": PONG}


def asked(answers, question, user="masker"):
    with serving_redis({**LET_IN, **answers}) as (where, _asked):
        client = RedisData((where["host"], where["port"]), ["secret"], access=Access(user))
        try:
            return question(client)
        finally:
            client.close()


@pytest.mark.parametrize(
    ("refusal", "reason", "hint"),
    [
        (NO_INFO, r"refuses INFO: the user masker lacks the right \+info\.", "ACL SETUSER masker +info"),
        (RENAMED, r"refuses INFO: it is renamed or cannot be had now\.", "Let INFO have its name"),
    ],
    ids=["forbidden", "renamed"],
)
@pytest.mark.parametrize("question", [RedisData.info, lambda client: client.facts(["aws_masker:"])])
def test_the_missing_right_is_named(refusal, reason, hint, question):
    with pytest.raises(RedisForbidden, match=reason) as caught:
        asked({"INFO": refusal}, question)
    assert hint in caught.value.hint
    assert "docs/redis-data.md" in caught.value.hint


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (NO_SCAN, "Redis refuses a command: NOPERM, its user lacks the right +scan."),
        (b"-NOPERM User a has no permissions to run the 'config|get' command\r\n",
         "Redis refuses a command: NOPERM, its user lacks the right +config|get."),
        (NO_KEY, "Redis refuses a command: NOPERM."),
        (b"-NOPERM User a has no permissions to access the 'aws_masker:map:i-1' key\r\n",
         "Redis refuses a command: NOPERM."),
    ],
    ids=["command", "part-of-one", "key", "named-key"],
)  # fmt: skip
def test_a_batch_that_is_refused_names_the_right_and_never_a_key(refusal, message):
    assert ReplyError(refusal[1:-2]).msg == message


@pytest.mark.parametrize(
    ("answer", "takes"),
    [(b":0\r\n", True), (READONLY, False), (MISCONF, False)],
    ids=["takes-it", "replica", "failed-save"],
)
def test_without_info_a_write_that_changes_nothing_tells_whether_writes_are_taken(answer, takes):
    assert asked({"INFO": NO_INFO, f"DEL {NOTHING}": answer}, RedisData.writable) is takes


def test_without_either_it_cannot_be_told_and_the_right_is_named():
    with pytest.raises(RedisForbidden, match=r"refuses DEL: the user masker lacks the right \+del ~kong_masking"):
        asked({"INFO": NO_INFO, f"DEL {NOTHING}": NO_KEY}, RedisData.writable)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"INFO": NO_INFO}, r"not measured: Redis at .* refuses INFO: the user masker lacks the right \+info\."),
        ({"INFO": bulk(b"used_memory:1\r\n"), "SCAN 0 COUNT 500 MATCH aws_masker:*": NO_SCAN},
         r"not measured: Redis refuses a command: NOPERM, its user lacks the right \+scan\."),
    ],
    ids=["info", "scan"],
)  # fmt: skip
def test_facts_that_cannot_be_had_are_not_measured_and_no_failure(tmp_path, answers, problem):
    stack = samples.stack(tmp_path, redis_user="masker", redis_password="secret")
    with serving_redis({**LET_IN, **answers}) as (where, _asked):
        containers = {"redis": samples.container("redis", ports=place(where))}
        facts, said = live_state.data_facts(stack, containers, {})
    assert facts == {}
    with pytest.raises(RecoveryError, match=problem):
        raise RecoveryError(said)


def test_a_server_that_breaks_off_is_not_measured_either(tmp_path, monkeypatch):
    def facts(*_about):
        raise live_state.redis.exceptions.TimeoutError("Timeout reading from socket")

    monkeypatch.setattr(RedisData, "facts", facts)
    with serving_redis({"PING": PONG}) as (where, _asked):
        containers = {"redis": samples.container("redis", ports=place(where))}
        found = live_state.data_facts(samples.stack(tmp_path), containers, {})
    assert found == ({}, "not measured: Redis broke off: TimeoutError.")


@pytest.mark.parametrize(("database", "selected"), [(0, set()), (2, {"SELECT 2"})])
def test_every_connection_asks_the_database_of_the_mappings(database, selected):
    held = Keys({"aws_masker:map:i-1": "i-2", "aws_masker:cnt:ec2": "7"})
    with serving_redis(held) as (where, words):
        client = RedisData((where["host"], where["port"]), ["secret"], access=Access(database=database))
        assert client.facts(["aws_masker:"])["counters"] == {"aws_masker:cnt:ec2": 7}
        assert client.text("aws_masker:map:i-1") == "i-2"
        client.close()
    assert {word for word in words if word.startswith("SELECT")} == selected
    # The client's own connection and the two that facts opens.
    assert words.count("SELECT 2") == (3 if database else 0)

"""Counters against aliases, memory against its limit, role and persistence, pairs."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import answer
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import mapping_checks
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.mapping_checks import (
    judge_memory,
    rewound,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import LOADING, Keys, place, serving_redis

P = b"aws_masker:"
MIB = 1 << 20


@pytest.mark.parametrize(
    ("highest", "counters", "found"),
    [
        ({(P, b"AWS_EC2"): 7}, {P + b"cnt:ec2": 7}, []),
        ({(P, b"AWS_EC2"): 7}, {P + b"cnt:ec2": 9}, []),
        ({(P, b"AWS_EC2"): 7}, {P + b"cnt:ec2": 6}, ["aws_masker:cnt:ec2 is 6, and AWS_EC2_007 is given out"]),
        ({(P, b"AWS_EC2"): 7}, {}, ["aws_masker:cnt:ec2 is missing, and AWS_EC2_007 is given out"]),
        ({(P, b"AWS_SECURITY_GROUP"): 3}, {P + b"cnt:vpc": 2},
         ["aws_masker:cnt:vpc is 2, and AWS_SECURITY_GROUP_003 is given out"]),
        ({(P, b"AWS_SUBNET"): 2, (P, b"AWS_VPC"): 1}, {P + b"cnt:vpc": 3}, []),
        ({(P, b"MY_LAMBDA"): 4}, {}, []),
        ({(P, b"MY_LAMBDA"): 4}, {P + b"cnt:lambda": 3},
         ["aws_masker:cnt:lambda is 3, and MY_LAMBDA_004 is given out"]),
        ({(b"other:", b"AWS_EC2"): 4}, {P + b"cnt:ec2": 9}, ["other:cnt:ec2 is missing, and AWS_EC2_004 is given out"]),
        ({(P, b"AWS_EC2"): 0}, {}, []),
    ],
    ids=["equal", "above", "below", "missing", "shared-below", "shared", "unknown-kind", "guessed-name",
         "another-prefix", "degraded-alias"],
)  # fmt: skip
def test_no_counter_below_the_highest_alias(highest, counters, found):
    assert rewound(highest, counters) == found


@pytest.mark.parametrize(
    ("about", "limit", "good", "text"),
    [
        ({"used_memory": 10 * MIB}, 0, True, "10 MiB, no limit"),
        ({"used_memory": 89 * MIB}, 100 * MIB, True, "89 MiB of 100 MiB"),
        ({"used_memory": 90 * MIB}, 100 * MIB, False, "90 MiB of 100 MiB"),
        ({"used_memory": 60 * MIB, "maxmemory": 64 * MIB}, 100 * MIB, False, "60 MiB of 64 MiB"),
        ({"used_memory": MIB, "evicted_keys": 3, "maxmemory_policy": "allkeys-lru"}, 0, False, "3 keys were evicted"),
    ],
    ids=["no-limit", "below", "full", "own-limit-first", "evicted"],
)
def test_memory(about, limit, good, text):
    found = judge_memory(about, limit)
    assert (found[0], text in found[1]) == (good, True)


@pytest.mark.parametrize(
    ("about", "good"),
    [
        ({"rdb_last_bgsave_status": "ok", "aof_enabled": 1, "aof_last_write_status": "ok"}, True),
        ({"rdb_last_bgsave_status": "err"}, False),
        ({"aof_last_write_status": "err"}, False),
        ({}, True),
    ],
    ids=["ok", "save-failed", "append-failed", "unknown"],
)
def test_persistence(about, good):
    assert mapping_checks._persistence(about)[0] is good


@pytest.mark.parametrize(("role", "good"), [("master", True), ("slave", False)])
def test_role(role, good):
    assert mapping_checks._role({"role": role})[0] is good


def rev(original, alias, prefix="aws_masker:"):
    return {f"{prefix}rev:{base64.b64encode(original.encode()).decode()}": alias}


def mapped(alias, original, prefix="aws_masker:"):
    return {f"{prefix}map:{alias}": original}


def pair(original, alias, prefix="aws_masker:"):
    return {**rev(original, alias, prefix), **mapped(alias, original, prefix)}


def ask(name, held, write=True, clock=None, env=None, **settings):
    """Return (status, what was found) of one check of a Redis."""
    with serving_redis(held) as (where, _asked):
        container = samples.container("redis", ports=place(where), env=env or {})
        runner = Runner(clock=clock or samples.FakeClock())
        made = mapping_checks.MappingChecks(samples.stack(**settings), runner, {"redis": container}, write)
        found = answer(next(item for item in made.questions() if item.name == name))
    return found.status, found.found


NEEDLESS = b"-ERR AUTH <password> called without any password configured for the default user\r\n"


@pytest.mark.parametrize(
    ("held", "env", "found"),
    [
        (Keys(), {}, ("passed", "PONG")),
        (Keys(), {"REDIS_PASSWORD": "right"}, ("passed", "PONG")),
        (Keys(info="loading:1\r\n"), {}, ("failed", "loading its data")),
        (
            Keys(answers={"AUTH right": NEEDLESS}),
            {"REDIS_PASSWORD": "right"},
            ("failed", "it lets anybody in without a password, although one is configured"),
        ),
    ],
    ids=["open-as-meant", "password", "loading", "open-although-a-password-is-configured"],
)
def test_it_answers_with_its_password(held, env, found):
    assert ask("redis", held, env=env) == found


def test_one_that_loads_is_no_redis_that_answers():
    status, found = ask("redis", Keys(answers={"PING": LOADING}))
    assert status == "failed"
    assert "does not answer PING" in found


@pytest.mark.parametrize(
    ("held", "write", "found"),
    [
        (Keys({"a": "1"}), True, ("passed", "written, read, deleted")),
        (Keys({"a": "1"}), False, ("not_measured", "nothing is written in check mode")),
        (
            Keys({"a": "1"}, info="role:master\r\nrdb_last_bgsave_status:err\r\n"),
            True,
            ("failed", "it takes no writes: the last save failed (MISCONF)"),
        ),
    ],
    ids=["writes", "check-mode", "a-save-failed"],
)
def test_a_key_of_our_own_is_written_and_none_is_left(held, write, found):
    assert ask("redis_write", held, write) == found
    assert held.keys == {"a": "1"}


@pytest.mark.parametrize(
    ("name", "held", "found"),
    [
        ("redis", Keys(), ("passed", "PONG")),
        ("redis", Keys(info="loading:1\r\n"), ("failed", "loading its data")),
        ("redis_memory", Keys(info="used_memory:3145728\r\n"), ("passed", "3 MiB, no limit")),
        ("redis_mappings", Keys(pair("i-1", "A_1")), ("passed", "1 pairs agree")),
    ],
    ids=["answers", "loading", "memory", "mappings"],
)
def test_a_redis_elsewhere_is_asked_there_and_no_container_is_looked_at(name, held, found):
    """One of that name in the project is another one: neither its limit nor its password is the other's."""
    with serving_redis(held) as (where, _asked):
        local = samples.container("redis", env={"REDIS_PASSWORD": "x"}, settings=samples.settings(memory=MIB))
        stack = samples.stack(redis_host=where["host"], redis_port=where["port"])
        made = mapping_checks.MappingChecks(stack, Runner(clock=samples.FakeClock()), {"redis": local}, True)
        questions = made.questions()
        check = answer(next(item for item in questions if item.name == name))
    assert (check.status, check.found) == found
    assert {need for item in questions for need in item.needs} == {"redis", "redis_role"}


NO_INFO = {"INFO": b"-NOPERM this user has no permissions to run the 'info' command\r\n"}
NOBODY_KNOWS = "the user default lacks the right +info."


def test_a_user_who_may_not_ask_for_info_is_answered_all_the_same():
    assert ask("redis", Keys(answers=NO_INFO)) == ("passed", "PONG")
    assert ask("redis_write", Keys(answers=NO_INFO)) == ("passed", "written, read, deleted")


@pytest.mark.parametrize("name", ["redis_role", "redis_persistence", "redis_memory"])
def test_what_only_info_tells_is_then_not_measured(name):
    status, found = ask(name, Keys(answers=NO_INFO))
    assert status == "not_measured"
    assert found.endswith(NOBODY_KNOWS)


MANY = {key: value for number in range(7) for key, value in {**rev(f"i-{number}", f"A_{number}"),
        **mapped(f"A_{number}", "i-other")}.items()}  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, ("passed", "0 pairs agree")),
        ({**pair("i-1", "A_1"), **pair("i-2", "A_2")}, ("passed", "2 pairs agree")),
        (
            {**pair("i-1", "A_1"), **rev("i-2", "A_1")},
            ("failed", "1 of 2 lead to another resource: A_1"),
        ),
        (rev("i-1", "A_1"), ("passed", "1 pairs agree")),
        (mapped("A_1", "i-1"), ("passed", "0 pairs agree")),
        ({"aws_masker:rev:no base64".replace(" ", "-"): "A_1", **mapped("A_1", "i-1")},
         ("failed", "1 of 1 lead to another resource: A_1")),
        (MANY, ("failed", "7 of 7 lead to another resource: A_0, A_1, A_2, A_3, A_4")),
        ({**rev("i-1", "A_1", "other:"), **mapped("A_1", "i-2", "other:")}, ("passed", "0 pairs agree")),
    ],
    ids=["none", "agree", "two-resources-one-alias", "its-map-entry-is-gone", "its-reverse-entry-is-gone",
         "unreadable", "many", "another-prefix"],
)  # fmt: skip
def test_every_alias_leads_back_to_its_original(keys, found):
    assert ask("redis_mappings", Keys(keys)) == found


@pytest.mark.parametrize("prefix", ["aws_masker:", "a[b]:", "a*:", "other:"])
def test_a_prefix_is_taken_as_it_is_written(prefix):
    keys = {**rev("i-1", "A_1", prefix), **mapped("A_1", "i-2", prefix), **mapped("AWS_EC2_007", "i-7", prefix)}
    keys.update({f"{prefix}cnt:ec2": "6", "ab:rev:x": "A_1", "abc:rev:x": "A_1"})
    wrong = ask("redis_mappings", Keys(keys), mapping_prefixes=[prefix])
    assert wrong == ("failed", "1 of 1 lead to another resource: A_1")
    low = ask("redis_counters", Keys(keys), mapping_prefixes=[prefix])
    assert low == ("failed", f"{prefix}cnt:ec2 is 6, and AWS_EC2_007 is given out")


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"aws_masker:cnt:ec2": "7", **mapped("AWS_EC2_007", "i-7")}, ("passed", "1 counters")),
        ({"aws_masker:cnt:ec2": "6", **mapped("AWS_EC2_007", "i-7"), **mapped("AWS_EC2_002", "i-2")},
         ("failed", "aws_masker:cnt:ec2 is 6, and AWS_EC2_007 is given out")),
        ({"aws_masker:cnt:ec2": "x", **mapped("AWS_EC2_001", "i-1")},
         ("failed", "aws_masker:cnt:ec2 is 0, and AWS_EC2_001 is given out")),
        (mapped("no-number", "i-1"), ("passed", "0 counters")),
    ],
    ids=["highest", "below-the-highest", "no-number-in-it", "an-alias-without-a-number"],
)  # fmt: skip
def test_counters_are_held_against_the_aliases_that_were_given_out(keys, found):
    assert ask("redis_counters", Keys(keys)) == found


@pytest.mark.parametrize("name", ["redis_mappings", "redis_counters"])
def test_of_millions_only_what_fits_into_the_time_is_looked_at_and_said(name):
    clock = samples.FakeClock()

    def hurried():
        clock.sleep(1.0)
        return clock()

    status, found = ask(name, Keys(pair("i-1", "A_1")), clock=hurried)
    assert status == "passed"
    assert found.endswith("(looked at for 1.5 s of 2 keys)")

"""Counters against aliases, memory against its limit, role and persistence, pairs."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import mapping_checks
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.mapping_checks import (
    judge_memory,
    rewound,
)

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

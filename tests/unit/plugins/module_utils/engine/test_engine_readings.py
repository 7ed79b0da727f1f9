"""Shares of memory and processor from what the engine answers, and a sample of mappings judged."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.data.mapping_sample import behind
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.engine_readings import (
    cpu_share,
    memory_share,
)


def reading(total, system, cpus=2):
    return {"cpu_stats": {"cpu_usage": {"total_usage": total}, "system_cpu_usage": system, "online_cpus": cpus}}


@pytest.mark.parametrize(
    ("earlier", "later", "limit", "share"),
    [
        (reading(0, 0), reading(100, 1000), 0, 0.1),
        (reading(0, 0), reading(1000, 1000), 0, 1.0),
        # Two processors, a fifth of all used, a limit of half a one: 0.4 of 0.5.
        (reading(0, 0), reading(200, 1000), 0.5, 0.8),
        (reading(5, 1000), reading(5, 1000), 0, None),
        (reading(900, 0), reading(5, 1000), 0, None),
        ({}, reading(5, 1000), 0, None),
        (reading(0, 0), {"cpu_stats": {}}, 0, None),
    ],
)
def test_cpu_share(earlier, later, limit, share):
    assert cpu_share(earlier, later, limit) == pytest.approx(share)


@pytest.mark.parametrize(
    ("memory", "share"),
    [
        ({"usage": 500, "limit": 1000, "stats": {"inactive_file": 100}}, 0.4),
        ({"usage": 500, "limit": 1000, "stats": {"total_inactive_file": 100}}, 0.4),
        ({"usage": 500, "limit": 1000}, 0.5),
        ({}, None),
        ({"usage": 500}, None),
    ],
)
def test_memory_share(memory, share):
    assert memory_share({"memory_stats": memory}) == share


@pytest.mark.parametrize(
    ("entries", "counters", "found"),
    [
        ({b"m:map:AWS_EC2_007": b"i-1"}, {b"m:cnt:ec2": 7}, []),
        ({b"m:map:AWS_EC2_007": b"i-1"}, {b"m:cnt:ec2": 6}, [b"m:cnt:ec2"]),
        ({b"m:map:AWS_EC2_007": b"i-1", b"m:map:AWS_S3_100": b"b"}, {b"m:cnt:ec2": 9, b"m:cnt:s3": 9}, [b"m:cnt:s3"]),
        # An alias whose counter is named otherwise says nothing.
        ({b"m:map:AWS_EC2_007": b"i-1"}, {b"m:cnt:instance": 1}, []),
        ({b"m:map:odd": b"i-1", b"m:rev:x": b"AWS_EC2_9"}, {b"m:cnt:ec2": 0}, []),
    ],
)
def test_counters_behind(entries, counters, found):
    assert behind(entries, counters, [b"m:"]) == found

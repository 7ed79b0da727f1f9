"""A clock that jumps is seen by the one that nobody sets."""

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import host_clock
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples


def reading(wall, seconds, boot="a"):
    return {"wall": f"2026-07-{wall}Z", "boot": boot, "seconds": seconds}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, reading("29T12:00:00", 5000), ""),
        (reading("29T11:00:00", 1400), reading("29T12:00:00", 5000), ""),
        (reading("29T11:00:00", 1400), reading("29T12:04:00", 5000), ""),
        (reading("28T12:00:00", 4000), reading("29T12:00:00", 5000), "this host's clock jumped ahead by 23 h 43 min"),
        (reading("29T12:00:00", 4000), reading("29T11:00:00", 5000), "this host's clock went back by 1 h 16 min"),
        (reading("01T12:00:00", 9000), reading("29T12:00:00", 50, "b"), ""),
        (reading("29T12:00:00", 9000), reading("28T12:00:00", 50, "b"), "this host's clock went back by 1 d 0 h"),
        ({"wall": "nonsense"}, reading("29T12:00:00", 5000), ""),
    ],
    ids=["first", "right", "slewed", "ahead", "back", "host-was-down", "back-over-a-start", "unreadable"],
)
def test_jump(before, after, found):
    assert host_clock.jump(before, after) == found


def test_a_reading_is_remembered(tmp_path):
    stack, runner = samples.stack(tmp_path), Runner()
    assert host_clock.remembered(stack, runner) == {}
    now = host_clock.reading(runner, datetime.fromisoformat("2026-07-29T12:00:00+00:00"))
    assert now["seconds"] > 0
    assert now["boot"]
    host_clock.remember(stack, runner, now)
    assert host_clock.remembered(stack, runner) == now

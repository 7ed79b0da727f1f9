"""What containers use against their limits."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.stack_resources import (
    Use,
    judge,
    judge_disk,
    read,
)

MIB = 1 << 20


@pytest.mark.parametrize(
    ("use", "good", "text"),
    [
        (Use("kong", 50 * MIB, 100 * MIB), True, "kong 50 of 100 MiB"),
        (Use("kong", 90 * MIB, 100 * MIB), False, "kong uses 90 of 100 MiB"),
        (Use("kong", 900 * MIB, 0), True, "kong 900 MiB"),
        (Use("kong", 0, 0, 95, 100), False, "kong has 95 of 100 processes"),
        (Use("kong", 0, 0, 95, 0), True, "kong 0 MiB"),
    ],
    ids=["below", "full", "no-limit", "processes", "no-process-limit"],
)
def test_judge(use, good, text):
    assert judge([use]) == (good, text)


def test_no_figures_measure_nothing():
    with pytest.raises(NotMeasured):
        judge([])


@pytest.mark.parametrize("name", ["inactive_file", "total_inactive_file"], ids=["cgroup-2", "cgroup-1"])
def test_cache_that_can_be_given_back_is_no_use(name):
    answer = {"memory_stats": {"usage": 30 * MIB, "stats": {name: 20 * MIB}}, "pids_stats": {"current": 3}}
    assert read("kong", 64 * MIB, answer) == Use("kong", 10 * MIB, 64 * MIB, 3, 0)


def test_a_disk_with_room(tmp_path):
    assert judge_disk([str(tmp_path)])[1].startswith(f"{tmp_path} has ")

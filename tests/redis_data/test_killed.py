"""Killed at many points: live data is never half of each, the next run converges, nothing thrown away stays."""

from __future__ import annotations

import time

import pytest
from redis_lab import RedisLab

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import private_folder


def values(lab: RedisLab) -> dict:
    """Return the plugin's content without times to live."""
    return {key: value for (_database, key), (value, _ttl) in lab.content().items() if key.startswith(b"aws_masker:")}


def left_behind(lab: RedisLab, before: dict, wanted: dict) -> str:
    """Return what the killed run left: new, old or mixed data, or a stopped server.

    The engine finishes a stop that the killed process has asked for, so the state is asked for once it holds still.
    """
    states = ["", "settling"]
    while states[-1] != states[-2]:
        time.sleep(1)
        states.append(lab.engine.container("redis").state)
    if states[-1] != "running":
        return "stopped"
    lab.wait()
    found = values(lab)
    return "new" if found == wanted else "old" if found == before else "mixed"


@pytest.mark.parametrize(
    ("lab", "method", "points"),
    [
        ("aof", "file", 4),
        pytest.param("aof", "file", 10, marks=pytest.mark.slow),
        pytest.param("rdb", "delta", 10, marks=pytest.mark.slow),
        pytest.param("aof", "delta", 10, marks=pytest.mark.slow),
        pytest.param("rdb", "file", 10, marks=pytest.mark.slow),
    ],
    indirect=["lab"],
)
def test_killed_at_many_points(lab, tmp_path, method, points):
    lab.settled()
    lab.empty()
    lab.fill(1, 2001)
    wanted = values(lab)
    dump = lab.dump(tmp_path / "killed.rdb")
    lab.empty()
    lab.fill(3000, 3500)
    began = time.monotonic()
    lab.kill_after(60, "restore", dump, method)
    whole = time.monotonic() - began
    lab.settled()
    assert values(lab) == wanted
    outcomes = []
    for point in range(1, points + 1):
        lab.empty()
        lab.fill(3000, 3500)
        before = values(lab)
        lab.kill_after(whole * point / (points + 1), "restore", dump, method)
        outcomes.append(left_behind(lab, before, wanted))
        lab.job("restore", dump).run()
        lab.wait()
        assert values(lab) == wanted
        assert int(lab.client().get("aws_masker:cnt:ec2")) >= 3499
        assert lab.scratch() == []
        assert private_folder.sweep() == 0
    print(f"\n{method}, killed at {points} points: {', '.join(outcomes)}")
    assert "mixed" not in outcomes

"""A broken stack is the normal case: whatever is wrong with the containers, one run brings all back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import stack_state
from lab import Lab
from outside import run


def pause_kong(lab: Lab) -> None:
    lab.stack.compose("pause", "kong")


def stop_redis(lab: Lab) -> None:
    lab.stack.compose("stop", "-t", "5", "redis")


def remove_nginx(lab: Lab) -> None:
    lab.stack.compose("rm", "-sf", "nginx")


def lose_kongs_alias(lab: Lab) -> None:
    """Kong on its network, but not under its name: the proxy asks for `kong` and finds nobody."""
    kong = lab.stack.containers()["kong"]["Id"]
    run(["docker", "network", "disconnect", f"{lab.project}_masking", kong])
    run(["docker", "network", "connect", f"{lab.project}_masking", kong])
    lab.stack.compose("restart", "-t", "1", "nginx")


def lose_the_whole_project(lab: Lab) -> None:
    """No container, no network, only files are left, Redis' own among them."""
    lab.stack.compose("down", "--timeout", "1")


def everything(lab: Lab) -> None:
    for trouble in (pause_kong, stop_redis, remove_nginx):
        trouble(lab)


@pytest.mark.parametrize(
    "trouble",
    [
        everything,
        lose_kongs_alias,
        lose_the_whole_project,
        pytest.param(pause_kong, marks=pytest.mark.slow),
        pytest.param(stop_redis, marks=pytest.mark.slow),
        pytest.param(remove_nginx, marks=pytest.mark.slow),
    ],
)
def test_a_rollback_to_the_same_release_brings_everything_back(lab: Lab, trouble: Callable[[Lab], None]) -> None:
    golden = lab.golden()
    before = lab.state()
    trouble(lab)

    done = lab.play("rollback", "-e", f"deployment={golden}")

    after = lab.state()
    assert done.rc == 0, done.output
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []
    assert lab.stack.probe()
    assert done.verdict == "SERVICE: BACK"

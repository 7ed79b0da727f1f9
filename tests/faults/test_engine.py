"""The engine is killed and started again while a rollback works: a bounded wait, then the target."""

from __future__ import annotations

import subprocess

import pytest
import stack_state
from broken_off import BrokenOff, phase, step
from lab import Lab
from reference_stack import ROOT
from test_killed import release

SLOW = pytest.mark.slow
POINTS = {
    "redis-is-replaced": step("recreate", "redis"),
    "kong-is-off": step("stop", "kong", "end"),
    "snapshot": phase("snapshot"),
    "plan": phase("plan"),
    "verify": phase("verify"),
}


@pytest.mark.fault("engine killed and started again")
@pytest.mark.parametrize(
    "point", ["redis-is-replaced", *(pytest.param(name, marks=SLOW) for name in POINTS if name != "redis-is-replaced")]
)
def test_the_engine_is_killed_and_started_again(lab: Lab, point: str) -> None:
    lab.golden()
    before = lab.state()
    release(lab)
    run = BrokenOff(lab, "rollback")
    run.wait(POINTS[point])
    restart_engine()
    first = run.end()
    print(f"\nengine restarted at {point}: the run itself ended with {first.rc}")
    second = lab.play("rollback")
    assert second.rc == 0, first.output + second.output
    after = lab.state()
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []


def restart_engine() -> None:
    """Kill dockerd without a word, and start it again with the same arguments."""
    done = subprocess.run([ROOT / "tools" / "engine", "restart"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

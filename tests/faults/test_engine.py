"""The engine is killed and started again while a rollback works: a bounded wait, then the target."""

from __future__ import annotations

import subprocess

import pytest
from broken_off import BrokenOff, phase
from lab import Lab
from reference_stack import ROOT
from test_killed import INSIDE, MODES, PHASES, converges, release

SLOW = pytest.mark.slow
POINTS = {**INSIDE, **{name: phase(name) for name in PHASES}}


@pytest.mark.fault("engine killed and started again")
@pytest.mark.parametrize("data", MODES)
@pytest.mark.parametrize(
    "point", ["redis-is-replaced", *(pytest.param(name, marks=SLOW) for name in POINTS if name != "redis-is-replaced")]
)
def test_the_engine_is_killed_and_started_again(lab: Lab, point: str, data: str) -> None:
    lab.golden()
    before = lab.state()
    release(lab)
    run = BrokenOff(lab, "rollback", "-e", f"redis_data={data}")
    run.wait(POINTS[point])
    restart_engine()
    first = run.end()
    print(f"\nengine restarted at {point}: the run itself ended with {first.rc}")
    converges(lab, before, data, half_way=False)


def restart_engine() -> None:
    """Kill dockerd without a word, and start it again with the same arguments."""
    done = subprocess.run([ROOT / "tools" / "engine", "restart"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

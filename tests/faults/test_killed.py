"""Killed at a phase's boundary or inside it: the same command converges to the target; nothing is deleted by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import outside
import pytest
import releases
import stack_state
from broken_off import BrokenOff, Point, lease, phase, step
from lab import GOLDEN, Lab

PHASES = ("before", "discover", "plan", "snapshot", "apply", "verify")
INSIDE = {
    "kong-is-off": step("stop", "kong", "end"),
    "redis-is-replaced": step("recreate", "redis"),
    "kong-is-replaced": step("recreate", "kong"),
}
DATA = ("keep", "empty", "restore")
SLOW = pytest.mark.slow
# Every point in every data mode; those that are not slow are one kill a phase.
MODES = ["keep", pytest.param("empty", marks=SLOW), pytest.param("restore", marks=SLOW)]


def release(lab: Lab) -> None:
    """A broken release in which Redis has to move too, so that the plan has every kind of step."""
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m", REDIS_MEMORY_LIMIT="200m")
    releases.kong_file(lab).write_bytes(releases.BROKEN_KONG_FILE)
    releases.rebuild(lab, "nginx", "broken")
    releases.up(lab.stack)


def converges(lab: Lab, before: stack_state.State, data: str = "keep", half_way: bool = True) -> None:
    """Run the same command again, and compare with the target; half_way: the broken run had begun to change things."""
    first = lab.snapshots()
    done = lab.play("rollback", "-e", f"redis_data={data}")
    after = lab.state()
    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert stack_state.differences(before, after, identity=False, data=False) == []
    if data == "empty":
        assert [name for name in after.keys if name.startswith(("aws_masker:map:", "aws_masker:rev:"))] == []
        assert [name for name in before.keys if ":cnt:" in name and name not in after.keys] == []
    else:
        assert stack_state.lost(before, after) == []
    assert lease(lab)["released"] is True
    if half_way:
        assert lab.snapshots() == first, "the first one is the way back; another one would hold a half-changed stack"


def broken_off(lab: Lab, point: Point, how: Callable[[BrokenOff], None], data: str = "keep") -> stack_state.State:
    """Break a rollback off at a point; return the state that it goes to."""
    lab.golden()
    before = lab.state()
    release(lab)
    run = BrokenOff(lab, "rollback", "-e", f"redis_data={data}")
    run.wait(point)
    how(run)
    run.end()
    return before


@pytest.mark.fault("controller killed as the phase begins")
@pytest.mark.parametrize("data", MODES)
@pytest.mark.parametrize("name", PHASES)
def test_the_controller_is_killed_as_a_phase_begins(lab: Lab, name: str, data: str) -> None:
    before = broken_off(lab, phase(name), BrokenOff.kill_controller, data)
    converges(lab, before, data, half_way=name in ("apply", "verify"))


@pytest.mark.fault("controller killed inside the phase")
@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("point", INSIDE)
def test_the_controller_alone_is_killed_inside_the_execution(lab: Lab, point: str, data: str) -> None:
    """The module, which works on the target, lives on and ends its phase."""
    converges(lab, broken_off(lab, INSIDE[point], BrokenOff.kill_controller, data), data)


@pytest.mark.fault("controller and module killed as the phase ends")
@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", PHASES)
def test_all_of_it_is_killed_as_a_phase_ends(lab: Lab, name: str, data: str) -> None:
    before = broken_off(lab, phase(name, "end"), BrokenOff.kill_all, data)
    converges(lab, before, data, half_way=name in ("apply", "verify"))


@pytest.mark.fault("controller and module killed inside the phase")
@pytest.mark.parametrize("data", MODES)
@pytest.mark.parametrize(
    "point",
    ["redis-is-replaced", pytest.param("kong-is-off", marks=SLOW), pytest.param("kong-is-replaced", marks=SLOW)],
)
def test_all_of_it_is_killed_inside_the_execution(lab: Lab, point: str, data: str) -> None:
    converges(lab, broken_off(lab, INSIDE[point], BrokenOff.kill_all, data), data)


@pytest.mark.fault("controller and module killed while data are replaced")
@pytest.mark.slow
def test_the_data_is_being_replaced_when_all_is_killed(lab: Lab) -> None:
    before = broken_off(lab, step("replace_data", "redis"), BrokenOff.kill_all, "empty")
    converges(lab, before, "empty")


@pytest.mark.fault("module killed")
@pytest.mark.parametrize("data", MODES)
@pytest.mark.parametrize(
    "name", ["apply", *(pytest.param(name, marks=SLOW) for name in (*PHASES, *INSIDE) if name != "apply")]
)
def test_the_module_is_killed(lab: Lab, name: str, data: str) -> None:
    """The controller lives and sees its module die; whatever it does then, the next run ends in the target."""
    before = broken_off(lab, INSIDE.get(name) or phase(name), BrokenOff.kill_module, data)
    converges(lab, before, data, half_way=False)


@pytest.mark.fault("controller and module killed while Kong is off")
def test_kong_does_not_serve_while_redis_is_away_not_even_after_a_kill(lab: Lab) -> None:
    """Killed with Kong off: it stays off until the next run, rather than give every resource the same alias."""
    broken_off(lab, step("stop", "kong", "end"), BrokenOff.kill_all)
    time.sleep(1)
    assert lab.stack.containers()["kong"]["State"]["Running"] is False


@pytest.mark.fault("recover_data killed while Kong is off")
def test_the_next_change_of_the_data_starts_the_kong_that_a_killed_one_left_off(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    redis, kong = (str(lab.stack.containers()[name]["Id"]) for name in ("redis", "kong"))
    outside.run(["docker", "stop", redis])
    again = ("-e", "redis_data=merge", "-e", f"deployment={GOLDEN}")
    killed = BrokenOff(lab, "recover_data", *again)
    outside.wait_for("Kong to be off", lambda: not lab.stack.containers()["kong"]["State"]["Running"], 60)
    killed.kill_all()
    killed.end()
    outside.run(["docker", "start", redis])
    assert lab.stack.containers()["kong"]["State"]["Running"] is False

    done = lab.play("recover_data", *again)

    after = lab.stack.containers()["kong"]
    assert done.rc == 0, done.output
    assert (after["Id"], after["State"]["Running"]) == (kong, True)
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    lab.wait_masked()
    assert stack_state.lost(before, lab.state()) == []


@pytest.mark.fault("killed, and a run that changes the data follows")
def test_what_clients_wrote_after_a_kill_is_in_a_copy_of_its_own(lab: Lab) -> None:
    """The first snapshot stays the way back, and its data are older than what the second run takes away."""
    lab.golden()
    target = lab.state()
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(lab.stack, "kong")
    lab.wait_masked()
    run = BrokenOff(lab, "rollback", "-e", "redis_data=keep")
    run.wait(phase("apply"))
    run.kill_all()
    run.end()
    (snapshot,) = lab.snapshots()
    releases.up(lab.stack, "kong")
    lab.wait_masked()
    for _time in range(3):
        assert lab.stack.probe()
    written = lab.state()

    done = lab.play("rollback", "-e", "redis_data=empty")

    after = lab.state()
    assert done.rc == 0, done.output
    assert lab.snapshots() == [snapshot]
    assert stack_state.differences(target, after, identity=False, data=False) == []
    assert [name for name in after.keys if name.startswith(("aws_masker:map:", "aws_masker:rev:"))] == []
    (line,) = re.findall(r"TO TAKE IT BACK: (.*)", done.flat.split(" LOG: ")[0])
    first, second = line.strip().rstrip('",').split(" && ")
    assert re.search(rf"rollback.yml .*-e deployment={snapshot} -e redis_data=keep", first), line
    found = re.search(r"recover_data.yml .*-e deployment=(data-\S+) -e redis_data=restore", second)
    assert found, line
    back = lab.play("recover_data", "-e", f"deployment={found[1]}", "-e", "redis_data=restore")
    assert back.rc == 0, back.output
    assert stack_state.lost(written, lab.state()) == []

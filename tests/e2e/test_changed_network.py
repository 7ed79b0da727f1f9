"""A release that defines the project's network otherwise: Compose makes it anew, with everything that is on it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stack_state
from lab import Lab
from outside import run

OWN = "networks:\n  masking:\n    driver: bridge\n"
SHUT = "internal: true"
OPEN = "attachable: true"


def network(lab: Lab) -> dict[str, Any]:
    """What the engine says of the project's network."""
    found: dict[str, Any] = json.loads(run(["docker", "network", "inspect", f"{lab.project}_masking"]).stdout)[0]
    return found


def redefine(lab: Lab, setting: str = SHUT) -> None:
    """Deploy another definition of the network, by default one that leads nowhere."""
    path = lab.stack.directory / "docker-compose.yml"
    text = path.read_text(encoding="utf-8")
    assert text.count(OWN) == 1
    path.write_text(text.replace(OWN, f"{OWN}    {setting}\n"), encoding="utf-8")
    # One that leads nowhere has no published ports, and Compose may give up on what waits for nginx.
    lab.stack.compose("up", "-d", "--no-build", "--pull", "never", check=False)


@pytest.mark.parametrize(
    ("definition", "setting"),
    [
        (OPEN, {}),
        pytest.param(SHUT, {}, marks=pytest.mark.slow),
        pytest.param(SHUT, {"KONG_LOG_LEVEL": "debug"}, marks=pytest.mark.slow),
    ],
    ids=["still-leading-out", "leading-nowhere", "and-kong-too"],
)
def test_it_is_made_anew_as_it_was(lab: Lab, definition: str, setting: dict[str, str]) -> None:
    """Compose would stop a single service for it and then fail, as the others are still on it."""
    lab.golden()
    before, was = lab.state(), network(lab)
    lab.stack.set_env(**setting)
    redefine(lab, definition)
    assert (network(lab)["Internal"], network(lab)["Attachable"]) == (definition == SHUT, definition == OPEN)

    done = lab.play("rollback")

    after, now = lab.state(), network(lab)
    assert done.rc == 0, done.output
    assert (now["Internal"], now["Attachable"], now["Labels"]) == (False, False, was["Labels"])
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []
    again = lab.play("rollback")
    assert (again.rc, again.changed) == (0, 0), again.output
    assert network(lab)["Id"] == now["Id"]


@pytest.mark.slow
def test_a_single_service_is_not_rolled_back_alone(lab: Lab) -> None:
    lab.golden()
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    redefine(lab)
    before = lab.state()

    done = lab.play("rollback", "-e", "services=kong")

    assert done.rc != 0
    assert "masking differs in internal" in done.flat
    assert "leave services out" in done.flat
    assert stack_state.differences(before, lab.state()) == []
    assert lab.play("rollback").rc == 0


@pytest.mark.slow
def test_a_run_that_was_broken_off_after_it_took_the_network_away_is_taken_up(lab: Lab) -> None:
    """Nothing gets its place on a network back by being started."""
    lab.golden()
    before = lab.state()
    redefine(lab)
    lab.stack.compose("stop", "--timeout", "1", "kong")
    name = f"{lab.project}_masking"
    for found in lab.stack.containers().values():
        run(["docker", "network", "disconnect", "-f", name, found["Id"]], check=False)
    run(["docker", "network", "rm", name])

    done = lab.play("rollback")

    assert done.rc == 0, done.output
    assert network(lab)["Internal"] is False
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []
    assert stack_state.lost(before, lab.state()) == []

"""What is somebody else's is left alone, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import releases
import stack_state
from lab import Lab
from outside import run

pytestmark = pytest.mark.slow

OTHER_PROJECT = """
services:
  redis: &idle
    image: kong-masking-ref/client:1
    labels: {kong_masking.reference: "1"}
    stop_grace_period: 1s
  kong: *idle
  nginx: *idle
"""


@pytest.fixture
def strangers(lab: Lab) -> Iterator[str]:
    """A container and a network with look-alike names, and a Compose project with the same service names."""
    name, network = f"my-claude-redis-{lab.project}", f"{lab.project}_masking-x"
    other = lab.folder / "other"
    other.mkdir(exist_ok=True)
    (other / "docker-compose.yml").write_text(OTHER_PROJECT, encoding="utf-8")
    project = ("docker", "compose", "-p", f"{lab.project}-other", "--project-directory", str(other))
    label = ("--label", "kong_masking.reference=1")
    try:
        run(["docker", "network", "create", *label, network])
        run(["docker", "volume", "create", *label, f"{lab.project}_data-x"])
        run(["docker", "run", "-d", "--name", name, *label, "--network", network, "kong-masking-ref/client:1"])
        # A guest on the project's own network.
        run(["docker", "network", "connect", f"{lab.project}_masking", name])
        run([*project, "up", "-d"])
        yield name
    finally:
        run([*project, "down", "-t", "1"], check=False)
        run(["docker", "rm", "-f", name], check=False)
        run(["docker", "network", "rm", network], check=False)
        run(["docker", "volume", "rm", f"{lab.project}_data-x"], check=False)


def named(lab: Lab, kind: str) -> list[str]:
    """The strangers' networks or volumes; what tests beside this one make and remove has other names."""
    return [name for name in stack_state.names_of(kind, lab.project) if lab.project in name]


def test_strangers_are_untouched_by_a_whole_rollback(lab: Lab, strangers: str) -> None:
    lab.golden()
    releases.break_everything(lab)
    lab.stack.set_env(REDIS_MEMORY_LIMIT="200m")
    releases.up(lab.stack, "redis")
    before = stack_state.containers_outside(lab.project)
    networks, volumes = named(lab, "network"), named(lab, "volume")
    assert {f"{lab.project}_masking-x", f"{lab.project}-other_default"} <= set(networks)
    assert f"{lab.project}_data-x" in volumes
    ours = {name: one for name, one in before.items() if lab.project in name}
    assert len(ours) == 4

    done = lab.play("rollback")

    assert done.rc == 0, done.output
    after = stack_state.containers_outside(lab.project)
    assert {name: after.get(name) for name in ours} == ours
    assert (named(lab, "network"), named(lab, "volume")) == (networks, volumes)
    assert f"{strangers} is a stranger on the project's network" in done.flat

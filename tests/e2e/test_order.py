"""The order in which services come back, where it decides: ports that were swapped, a job that takes its time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import releases
import stack_state
from lab import Lab, standing
from outside import run

pytestmark = pytest.mark.slow

SWAP = {
    '- "127.0.0.1:${KONG_PROXY_PORT}:8000"': '- "127.0.0.1:${PROXY_PORT}:8000"',
    '- "127.0.0.1:${PROXY_PORT}:80"': '- "127.0.0.1:${KONG_PROXY_PORT}:80"',
}


def swapped(line: str) -> str:
    """Return a line of the Compose file with the other one's port."""
    return line.replace(line.strip(), SWAP.get(line.strip(), line.strip()))


def test_ports_that_two_services_have_swapped_go_back(lab: Lab) -> None:
    """Neither could start while the other one has its port."""
    lab.golden()
    before = lab.state()
    path = lab.stack.directory / "docker-compose.yml"
    text = path.read_text(encoding="utf-8")
    assert all(text.count(old) == 1 for old in SWAP)
    path.write_text("\n".join(swapped(line) for line in text.split("\n")), encoding="utf-8")
    lab.stack.compose("stop", "-t", "1", "kong", "nginx")
    releases.up(lab.stack, "kong", "nginx")

    done = lab.play("rollback")

    assert (done.rc, done.verdict) == (0, "SERVICE: BACK"), done.output
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []


NEEDS_REDIS = "    depends_on:\n      redis:\n        condition: service_healthy\n"
NEEDS_JOB = "      render:\n        condition: service_completed_successfully\n"
JOB = """
  render:
    image: kong-masking-ref/client:1
    command: ["sh", "-c", "sleep 4"]
    restart: "no"
    env_file: [config/{environment}.env]
    networks: [masking]
"""


class RenderingLab(Lab):
    """The reference stack with a job that Kong waits for, and that is made anew whenever the environment changes."""

    def deploy(self) -> None:
        """Add the job, then bring everything up."""
        path = self.stack.directory / "docker-compose.yml"
        text = path.read_text(encoding="utf-8")
        kong = text.index("  kong:\n")
        place = text.index(NEEDS_REDIS, kong) + len(NEEDS_REDIS)
        text = text[:place] + NEEDS_JOB + text[place:]
        job = JOB.format(environment=self.environment)
        path.write_text(text.replace("\nnetworks:\n", f"{job}\nnetworks:\n"), encoding="utf-8")
        super().deploy()
        releases.up(self.stack, "render")
        run(["docker", "wait", f"{self.project}-render-1"])


@pytest.fixture
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Such a stack with a backup of its good state."""
    with standing(RenderingLab(tmp_path_factory.mktemp("rendering"), f"kmr-render-{uuid.uuid4().hex[:8]}")) as lab:
        yield lab


def test_kong_starts_when_the_job_that_it_waits_for_has_done_its_work(rendering: Lab) -> None:
    before = rendering.state()
    rendering.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(rendering.stack, "render", "kong", "nginx")
    releases.reload_proxy(rendering)

    done = rendering.play("rollback")

    assert (done.rc, done.verdict) == (0, "SERVICE: BACK"), done.output
    states = {name: one["State"] for name, one in rendering.stack.containers().items() if name in ("kong", "render")}
    assert states["render"]["FinishedAt"] < states["kong"]["StartedAt"]
    assert stack_state.environment_of(rendering.state(), "kong") == stack_state.environment_of(before, "kong")

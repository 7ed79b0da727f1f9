"""Built-only services: their tag is rebuilt by a release, and the old image has to run again."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import GOLDEN, Lab
from outside import run

pytestmark = pytest.mark.slow


def test_the_old_image_runs_again_and_a_plain_up_afterwards_changes_nothing(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    for service in ("kong", "nginx"):
        releases.rebuild(lab, service, "rebuilt")
    releases.up(lab.stack, "kong", "nginx")
    assert lab.state().images != before.images

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert after.images == before.images
    for service in ("kong", "nginx"):
        assert after.services[service]["image_id"] == before.services[service]["image_id"]
    assert stack_state.differences(before, after, identity=False, data=False) == []
    for service in ("redis", "upstream", "client"):
        assert after.identities()[service] == before.identities()[service], "nothing was wrong with it"

    lab.stack.compose("up", "-d")

    assert stack_state.differences(after, lab.state(), data=False) == []


def test_a_rebuilt_image_that_does_not_run_yet_is_not_deployed_by_the_next_up(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    releases.rebuild(lab, "nginx", "built-only")
    lab.stack.set_env(KONG_LOG_LEVEL="info")

    done = lab.play("rollback")

    assert done.rc == 0, done.output
    assert stack_state.differences(before, lab.state(), data=False) == [], "nothing ran that had to be replaced"


def test_what_keeps_an_image_survives_a_prune(lab: Lab) -> None:
    """`image prune -a` of the whole engine would reach other people's images: it is limited to this stack's."""
    lab.golden()
    old = lab.state().services["nginx"]["image_id"]
    releases.replace_image(lab, "nginx")

    run(["docker", "image", "prune", "-a", "-f", "--filter", f"label=kong_masking.e2e={lab.project}"])

    assert stack_state.image_id(old) == old
    done = lab.play("rollback", "-e", f"deployment={GOLDEN}")
    assert done.rc == 0, done.output
    assert lab.state().services["nginx"]["image_id"] == old

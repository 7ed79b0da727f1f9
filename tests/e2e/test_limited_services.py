"""`-e services=kong` touches Kong, and tells the proxy; nothing else."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import Lab


@pytest.mark.slow
def test_only_the_named_service_is_replaced(lab: Lab) -> None:
    lab.golden()
    good = lab.state()
    lab.stack.set_env(KONG_LOG_LEVEL="debug", REDIS_MEMORY_LIMIT="200m")
    releases.up(lab.stack)
    releases.load_kong_file(lab)
    lab.wait_masked()
    before = lab.state()

    done = lab.play("rollback", "-e", "services=kong")

    after = lab.state()
    assert done.rc == 0, done.output
    assert {name for name, who in after.identities().items() if who != before.identities()[name]} == {"kong"}
    assert stack_state.environment_of(after, "kong") == stack_state.environment_of(good, "kong")
    assert after.services["redis"]["memory"] == before.services["redis"]["memory"]
    assert lab.stack.probe()


@pytest.mark.slow
def test_another_service_without_a_container_is_no_failure_of_it(lab: Lab) -> None:
    """The backup has a client, which somebody took away since; nobody asked for it to come back."""
    lab.golden()
    good = lab.state()
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(lab.stack, "kong")
    releases.reload_proxy(lab)
    lab.stack.compose("rm", "--stop", "--force", "client")
    lab.wait_masked()

    done = lab.play("rollback", "-e", "services=kong")

    after = lab.state()
    assert (done.rc, done.verdict) == (0, "SERVICE: BACK"), done.output
    assert stack_state.environment_of(after, "kong") == stack_state.environment_of(good, "kong")
    assert "client" not in after.services


@pytest.mark.slow
def test_a_service_that_the_stack_does_not_have_is_refused(lab: Lab) -> None:
    lab.golden()
    before = lab.state()

    done = lab.play("rollback", "-e", "services=kong,kongg")

    assert done.rc != 0
    assert "services names kongg, the stack has client, kong, nginx, redis, upstream" in done.flat
    assert stack_state.untouched(before, lab.state()) == []

"""`-e services=kong` touches Kong, and tells the proxy; nothing else."""

from __future__ import annotations

import releases
import stack_state
from lab import Lab


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


def test_a_service_that_the_stack_does_not_have_is_refused(lab: Lab) -> None:
    lab.golden()
    before = lab.state()

    done = lab.play("rollback", "-e", "services=kong,kongg")

    assert done.rc != 0
    assert "services names kongg, the stack has client, kong, nginx, redis, upstream" in done.flat
    assert stack_state.untouched(before, lab.state()) == []

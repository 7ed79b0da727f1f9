# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until a service that a plan has moved can serve, each asked in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.docker_stack import DockerStack
from ..live import live_state, readiness
from ..live.diagnosis import over_old_socket
from ..runner import Runner
from ..stack_args import StackArgs


def wait_for(stack: StackArgs, engine: DockerStack, runner: Runner, action: Mapping[str, Any], budget: float) -> None:
    """Wait for the service of a ``ready`` action; NotReadyError after budget (s), or where it does not stay up."""
    service = action["service"]
    passwords: list[str] = []

    def ask() -> str:
        container = engine.container(service)
        if service == stack.redis_service:
            if container is not None and not passwords:
                env = live_state.environment(stack, runner)
                passwords.extend(live_state.redis_passwords(stack, container, env))
            return readiness.redis_problem(container, passwords, live_state.redis_access(stack))
        if service == stack.kong_service:
            return readiness.kong_problem(container, action.get("configuration_hash", ""), stack, engine)
        if service == stack.proxy_service:
            return readiness.proxy_problem(container, stack)
        return readiness.other_problem(service, container, stack.core, str(action.get("until") or ""))

    readiness.wait_ready(ask, lambda: engine.container(service), budget, runner.clock, runner.sleep)


def over_old_sockets(stack: StackArgs, engine: DockerStack, service: str) -> bool:
    """Say whether this is a Kong that cannot start over what a killed one left in its container; a new one can."""
    return service == stack.kong_service and any(over_old_socket(engine, item) for item in engine.replicas(service))

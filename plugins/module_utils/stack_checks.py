# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of stack_verify: containers, published ports, and Redis with its password."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from . import endpoints, live_state
from .checks import Check, Question, answer_all
from .container import Container
from .docker_stack import DockerStack
from .runner import Runner
from .stack_args import StackArgs

OWN_KEY = "kong_masking.recovery:check:"
OWN_KEY_SECONDS = 60


class StackChecks:
    """The checks of stack_verify; expected: services that must be there, the core ones always among them."""

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, expected: Sequence[str], write: bool
    ) -> None:
        self.stack, self.engine, self.runner = stack, engine, runner
        self.expected = sorted({*expected, *stack.core})
        self.write = write
        self.containers: dict[str, Container] = {}

    def ask_all(self) -> list[Check]:
        """Make every check once, all at the same time, on the containers of this moment."""
        self.containers = self.engine.containers()
        services = sorted({*self.expected, *self.containers})
        questions = [Question(f"container_{name}", "running", lambda name=name: self._runs(name)) for name in services]  # type: ignore[misc]
        questions += [
            Question(f"ports_{name}", "published ports accept connections", lambda name=name: self._ports(name))  # type: ignore[misc]
            for name, container in self.containers.items()
            if container.ports
        ]
        questions.append(Question("redis", "PONG with the password, not loading, takes writes", self._redis))
        return answer_all(questions)

    def _runs(self, service: str) -> tuple[bool, str]:
        container = self.containers.get(service)
        if container is None:
            return False, "no container"
        restarts = f", {container.restarts} restarts" if container.restarts else ""
        return not container.trouble, f"{container.trouble or container.state}{restarts}"

    def _ports(self, service: str) -> tuple[bool, str]:
        dead = [
            f"{host}:{port}"
            for host, port in self.containers[service].ports.values()
            if not endpoints.reachable([(host, port)], 2.0)
        ]
        return not dead, f"no connection: {', '.join(sorted(dead))}" if dead else "all accept"

    def _redis(self) -> tuple[bool, str]:
        client = live_state.redis_client(self.stack, self.containers, live_state.environment(self.stack, self.runner))
        try:
            if not client.writable():
                return False, "PONG, but it does not take writes"
            if self.write:
                key, value = OWN_KEY + secrets.token_hex(8), secrets.token_hex(8)
                if not client.round_trip(key, value, OWN_KEY_SECONDS):
                    return False, "a value written could not be read back"
            return True, "PONG, reads and writes" if self.write else "PONG"
        finally:
            client.close()

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask each service itself, all at once, and wait no longer than one is patient."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..live import live_state, redis_closed
from ..live.troubles import troubles
from ..runner import Runner
from ..stack_args import StackArgs

KONG_HASH = "kong's hash"


def answers(questions: Mapping[str, Callable[[], Any]], patience: float, clock: Callable[[], float]) -> dict[str, Any]:
    """Return name → answer of those that came in time.

    The askers are daemons: one that hangs does not keep the module from ending, as a pool of threads would.
    """
    arrived: queue.Queue[tuple[str, Any]] = queue.Queue()

    def one(name: str, ask: Callable[[], Any]) -> None:
        arrived.put((name, ask()))

    for name, ask in questions.items():
        threading.Thread(target=one, args=(name, ask), daemon=True).start()
    found: dict[str, Any] = {}
    end = clock() + patience
    while len(found) < len(questions):
        try:
            name, answer = arrived.get(timeout=max(0.0, end - clock()))
        except queue.Empty:
            break
        found[name] = answer
    return found


def _wrong(stack: StackArgs, name: str, container: Container, env: dict[str, str]) -> str:
    """Return what is wrong with a service; one that does not let us in needs no new start, and is told."""
    found = troubles(stack, {name: container}, env).get(name, "")
    asked = name == stack.redis_service and not found and container.running
    return redis_closed.look(stack, {name: container}, env).closed if asked else found


def ask(
    stack: StackArgs, engine: DockerStack, runner: Runner, containers: Mapping[str, Container], patience: float
) -> tuple[dict[str, str], str | None]:
    """Return (service → what is wrong with it, the hash of what Kong serves or None)."""
    env = live_state.environment(stack, runner)
    questions: dict[str, Callable[[], Any]] = {
        name: lambda name=name, item=item: _wrong(stack, name, item, env)  # type: ignore[misc]
        for name, item in containers.items()
    }
    questions[KONG_HASH] = lambda: live_state.kong_hash(engine, containers, stack.kong_service)
    found = answers(questions, patience, runner.clock)
    problems = {name: found.get(name, f"gives no answer within {patience:g} s") for name in containers}
    return {name: problem for name, problem in problems.items() if problem}, found.get(KONG_HASH)

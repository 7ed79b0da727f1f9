# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep Kong off while Redis cannot take writes: it would give every resource the same alias."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..runner import Runner
from ..stack_args import StackArgs
from . import kong_mark, proxy_reload, readiness

READY_SECONDS = 60.0


@contextmanager
def kong_off(
    stack: StackArgs, engine: DockerStack, runner: Runner, safe: Callable[[], bool], revives: bool = False
) -> Iterator[None]:
    """Stop Kong, every replica that runs or restarts in a loop, and start it afterwards, ready and known to the proxy.

    When the body fails, Kong comes back only if safe() says so: on half replaced data it would give out aliases again.
    A Kong that does not run stays off, and whoever stopped it starts it; with revives, one that a change like this left
    off, because it was killed, comes back too. One in a loop serves between two falls; it is not waited for afterwards.
    """
    replicas = engine.replicas(stack.kong_service)
    awake = [item for item in replicas if item.state in ("running", "restarting")]
    stopped = [*awake, *(kong_mark.left_off(stack, runner, replicas) if revives else ())]
    if not stopped:
        yield
        return
    kong_mark.write(stack, runner, stopped)
    for kong in awake:
        engine.stay_off(kong)
        engine.stop(kong)
    try:
        yield
    except BaseException:
        if safe():
            _back(engine, stopped)
            kong_mark.forget(stack, runner)
        raise
    _back(engine, stopped)
    kong_mark.forget(stack, runner)
    if awake and not any(item.running for item in awake):
        return

    def look() -> Container | None:
        return engine.container(stack.kong_service)

    def ask() -> str:
        return readiness.kong_problem(look(), "", stack, engine)

    readiness.wait_ready(ask, look, READY_SECONDS, runner.clock, runner.sleep)
    for proxy in engine.replicas(stack.proxy_service) if stack.proxy_service else ():
        if proxy.running:
            proxy_reload.reload_or_restart(engine, proxy)


def _back(engine: DockerStack, stopped: Sequence[Container]) -> None:
    """Start Kong again, with the restart policy that it had."""
    policies = {kong.id: kong.restart_policy for kong in stopped}
    for kong in stopped:
        engine.start(kong)
    for now in engine.replicas(stopped[0].service):
        engine.come_back(now, policies.get(now.id, ""))

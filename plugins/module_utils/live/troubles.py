# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which services need a new start although their definition is right: dead, looping, or running without an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..engine import endpoints
from ..engine.container import NAMELESS, OLD_SOCKETS, UNHEALTHY, UNREACHED, Container, is_job
from ..engine.docker_stack import DockerStack
from ..gateway import web
from ..stack_args import StackArgs
from . import readiness, redis_closed, unreached
from .diagnosis import over_old_socket

STOPPED = "Tt"
SILENT = "runs but does not answer"


def troubles(
    stack: StackArgs, containers: Mapping[str, Container], env: dict[str, str], engine: DockerStack | None = None
) -> dict[str, str]:
    """Return service → what is wrong with it; a service that is well is left out.

    engine: to be asked for processes too; one that is stopped accepts connections and never answers.
    """
    found = {name: "" if is_job(item, stack.core) else item.trouble for name, item in containers.items()}
    for name, item in containers.items():
        if not found[name] and item.running and engine is not None and _frozen(engine.processes(item)):
            found[name] = "runs, but all its processes are stopped"
    asked = {
        stack.redis_service: lambda: redis_closed.look(stack, containers, env).trouble,
        stack.kong_service: lambda: _kong(containers[stack.kong_service], stack, engine),
        stack.proxy_service: lambda: _proxy(containers[stack.proxy_service], stack),
    }
    for name in stack.core:
        if name in found and not found[name]:
            found[name] = asked[name]()
        elif name == stack.redis_service and found.get(name) == UNHEALTHY:
            # Its health check fails where a save failed too; a new start would lose what could not be saved.
            unsaved = redis_closed.look(stack, containers, env).unsaved
            found[name] = "" if unsaved else UNHEALTHY
    fallen = found.get(stack.kong_service) not in (None, "", NAMELESS, UNREACHED)
    if engine is not None and fallen and over_old_socket(engine, containers[stack.kong_service]):
        # It will not start in this container again.
        found[stack.kong_service] += f", {OLD_SOCKETS}"
    return {name: why for name, why in found.items() if why}


def _frozen(rows: Sequence[tuple[int, int, str, str]]) -> bool:
    """Say whether there are processes and every one is stopped."""
    return bool(rows) and all(state[:1] in STOPPED for _pid, _parent, state, _args in rows)


def _kong(container: Container, stack: StackArgs, engine: DockerStack | None) -> str:
    """A Kong whose proxy listens on no port cannot be asked, which is no reason to start it anew."""
    listen = endpoints.gateway_listen(container)
    if listen is None or not readiness.kong_silent(container, stack, engine):
        return ""
    return _of_silent(container, listen.port)


def _proxy(container: Container, stack: StackArgs) -> str:
    url = web.front_url(container, stack.proxy_port)
    if url and readiness.answers(url + stack.health_path, stack.probe_host):
        return ""
    return _of_silent(container, endpoints.front_port(container, stack.proxy_port))


def _of_silent(container: Container, port: int) -> str:
    return UNREACHED if unreached.at(container, port) else SILENT

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is a Redis that does not answer us dead, or only closed to us? One that serves Kong is not started anew for that.

It would come back as closed as before, would never count as ready, and Kong would stay off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine import endpoints, first_process, sockets
from ..engine.container import UNREACHED, Container
from ..errors import RecoveryError
from ..gateway import web
from ..stack_args import StackArgs
from . import live_state, unreached

SILENT = "runs but does not answer PING with its password"


@dataclass(frozen=True)
class RedisLook:
    """trouble: why Redis needs a new start; closed and hint: why one that needs none does not let us in, what to do.

    unsaved: whether it holds data that it could not save, which a new start would lose.
    """

    trouble: str = ""
    closed: str = ""
    hint: str = ""
    unsaved: bool = False


def lives(details: Mapping[str, Any], health: str, ports: Collection[int] | None, tls: bool) -> str:
    """Return by what a Redis that does not answer us shows that it lives; empty where nothing shows it. Pure.

    details: of the error with which it was asked; ports: on which its container listens, None where nobody can tell;
    tls: whether the place that was asked takes a handshake.
    """
    if details.get("password") or details.get("unsaved"):
        return "it answers"
    if details.get("closed") and tls:
        return "it speaks TLS"
    if details.get("unreachable") and ports is not None:
        return f"it listens on {', '.join(map(str, sorted(ports)))}" if ports else ""
    # Of one that hangs, the health check may be from before.
    asked = details.get("closed") or details.get("unreachable")
    return "it passes its own health check" if asked and health == "healthy" else ""


def look(stack: StackArgs, containers: Mapping[str, Container], env: dict[str, str]) -> RedisLook:
    """Ask the running Redis; one that loads its data needs time, not another start."""
    try:
        live_state.redis_client(stack, containers, env).close()
    except RecoveryError as exc:
        if exc.details.get("loading"):
            return RedisLook()
        container = containers[stack.redis_service]
        if unreached.at(container, endpoints.redis_port(container, stack.redis_port, stack.redis_tls)):
            return RedisLook(trouble=UNREACHED)
        tls = bool(exc.details.get("closed")) and _speaks_tls(stack, container)
        sign = lives(exc.details, container.health, _ports(container), tls)
        if not sign:
            return RedisLook(trouble=SILENT)
        return RedisLook(
            closed=f"{container.name} lives ({sign}), but this collection cannot use it: {exc.msg}",
            hint=f"{_advice(exc.details)} Then look: ansible-playbook playbooks/verify.yml",
            unsaved=bool(exc.details.get("unsaved")),
        )
    return RedisLook()


def _speaks_tls(stack: StackArgs, container: Container) -> bool:
    access = live_state.redis_access(stack)
    place = endpoints.reachable(endpoints.redis(container, access.port, access.tls))
    return place is not None and web.speaks_tls(place)


def _ports(container: Container) -> set[int] | None:
    """Return the ports of the container's own network; in the host's, everybody's programs listen."""
    shared = container.settings.get("network_mode") == "host"
    if shared or not first_process.here(container):
        return None
    return {port for _host, port in sockets.inside(container.pid)}


def _advice(details: Mapping[str, Any]) -> str:
    if details.get("unsaved"):
        return "Make room where its data lie, and may be written; it then saves them by itself within minutes."
    if details.get("password"):
        return "Give its password as stack_redis_password, and its user as stack_redis_user where it has one."
    if details.get("unreachable"):
        return "Set stack_redis_port to the port that it listens on; where it speaks TLS only, stack_redis_tls too."
    return "Where it speaks TLS, set stack_redis_tls, and stack_redis_ca to the authorities of its certificate."

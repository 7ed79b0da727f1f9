# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evidence about a guilty container: why it does not start or answer, gathered once, secrets taken out."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..configuration import config_files
from ..engine import sockets
from ..engine.container import OLD_SOCKETS, Container
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..libraries import docker
from ..redact import carried_secrets, field_secrets, scrub, secret_values
from ..runner import Runner
from ..stack_args import StackArgs
from . import live_state, unreached
from .guilt import failed, guilty, next_step

LOG_LINES = 8
LOG_SEARCHED = 200
EVENTS_SECONDS = 300
TOLD = ("die", "oom", "kill", "restart", "start", "stop", "pause", "destroy", "health_status: unhealthy")
_DENIED = (
    re.compile(r"(/[^\s\"':,()]+)[\"']?:? .{0,80}?Permission denied", re.IGNORECASE),
    re.compile(r"Permission denied:? [\"']?(/[^\s\"':,()]+)", re.IGNORECASE),
)
_KONG_FILE = re.compile(
    r"error parsing declarative config file (?P<file>\S+?):\n(?P<text>.*?)(?=\nstack traceback|\Z)", re.DOTALL
)
_PARSE = re.compile(r"Failed parsing:\n(?P<text>.*?)(?=\n\s*\n|\Z)", re.DOTALL)
_OLD_SOCKET = re.compile(r"bind\(\) to (unix:\S+) failed \(98: Address already in use\)")
_POSITION = re.compile(r"\b(\d+):(\d+): ")


def denied_paths(log: str) -> list[str]:
    """Return the paths that a log says it may not use."""
    return [*dict.fromkeys(match.group(1) for pattern in _DENIED for match in pattern.finditer(log))]


def kong_error(log: str) -> str:
    """Return what Kong says about its declarative file, with the line, out of its log or ``kong config parse``."""
    found = [*_KONG_FILE.finditer(log)] or [*_PARSE.finditer(log)]
    if not found:
        return ""
    last = found[-1]
    text = " ".join(last["text"].split())
    place = _POSITION.search(text)
    where = last.groupdict().get("file") or "its file"
    return f"Kong refuses {where}{f', line {place.group(1)}' if place else ''}: {text}"


def old_socket(log: str) -> str:
    """Return the socket of a Kong that was killed, over which its log says that it cannot start; empty for none."""
    found = _OLD_SOCKET.findall(log)
    return str(found[-1]) if found else ""


def over_old_socket(engine: DockerStack, container: Container) -> bool:
    """Say whether a container's log tells of such a socket; not where a logging driver keeps nothing."""
    try:
        return bool(old_socket(engine.logs(container, LOG_SEARCHED)))
    except docker.errors.APIError:
        return False


def event_line(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the engine's events as one line: what happened, how often, with exit statuses."""
    words: Counter[str] = Counter()
    for row in rows:
        action = str(row.get("Action") or row.get("status") or "")
        if action in TOLD:
            status = ((row.get("Actor") or {}).get("Attributes") or {}).get("exitCode")
            words[f"{action} (exit status {status})" if action == "die" and status is not None else action] += 1
    return ", ".join(f"{word} ×{count}" if count > 1 else word for word, count in words.items())


def state_line(container: Container) -> str:
    """Return what the engine says about a container's state."""
    parts = [container.state]
    if not container.running:
        parts.append(f"exit status {container.exit_code}")
    if container.oom_killed:
        limit = container.settings.get("memory") or 0
        parts.append(f"killed for lack of memory (limit {limit >> 20} MiB)" if limit else "killed for lack of memory")
    if container.restarts:
        parts.append(f"{container.restarts} restarts")
    if container.health not in ("none", "healthy"):
        parts.append(f"health {container.health}")
    return ", ".join(parts)


class Diagnosis:
    """Gathers evidence about containers of one stack; now: seconds since the epoch."""

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, now: Callable[[], float] = time.time
    ) -> None:
        self.stack, self.engine, self.runner, self.now = stack, engine, runner, now

    def lines(self, service: str) -> list[str]:
        """Return the evidence about a service's container, a line each, without any secret."""
        if service == self.stack.redis_host:
            return [f"Redis at {service}:{self.stack.redis_port} is outside the project: its own log tells more"]
        container = self.engine.container(service)
        if container is None:
            return [f"{service} has no container"]
        log = self.engine.logs(container, LOG_SEARCHED)
        found = [f"{container.name}: {state_line(container)}"]
        error = self.engine.start_error(container)
        if error:
            found.append(f"the engine: {error}")
        if container.running:
            found += filter(None, [unreached.evidence(container)])
        else:
            found += self._listeners(container)
        found += [self._permission(container, path) for path in denied_paths(log)[:3]]
        if service == self.stack.kong_service:
            reason = self._kong(container, log)
            found += [reason] if reason else []
            socket = old_socket(log)
            if socket and (container.restarts or not container.running):
                found.append(f"{OLD_SOCKETS} ({socket}): the same command again makes its container anew")
        now = int(self.now())
        events = event_line(self.engine.events(container, now - EVENTS_SECONDS, now))
        found += [f"engine events of the last 5 minutes: {events}"] if events else []
        tail = [line.strip() for line in log.strip().splitlines()[-LOG_LINES:]]
        found += [f"last lines of its log: {' | '.join(tail)}"] if tail else []
        return [self._scrubbed(line) for line in found]

    def of_checks(self, checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the evidence for the critical checks that failed: service, checks, lines, and the next command."""
        rows = list(checks)
        said = {item["name"]: str(item.get("found", "")) for item in rows}
        by_service: dict[str, list[str]] = {}
        for name in failed(rows):
            by_service.setdefault(guilty(name, self.stack, said[name]), []).append(name)
        found = []
        for service, names in by_service.items():
            container = self.engine.container(service)
            hint = next_step(names[0], self.stack, container.name if container else "", said[names[0]])
            found.append({"service": service, "checks": names, "lines": self._safely(service), "hint": hint})
        return found

    def text(self, service: str) -> str:
        """Return the evidence as one sentence after a message."""
        return "; ".join(self._safely(service))

    def _safely(self, service: str) -> list[str]:
        """Return the evidence; the failure that is being explained must not be replaced by another one."""
        try:
            return self.lines(service)
        except RecoveryError as exc:
            return [exc.msg]
        except Exception as exc:  # noqa: BLE001  an engine that is gone, for instance
            return [f"no evidence: {type(exc).__name__}"]

    def _listeners(self, container: Container) -> list[str]:
        """Return who holds the ports that a container that does not run wants."""
        found = []
        held = sockets.owners(port for _host, port in container.ports.values())
        for inside, place in sorted(container.ports.items()):
            owner = self.engine.port_owner(place[1])
            who = f"container {owner}" if owner else sockets.stranger(place, held, container.addresses, free=True)
            if who and owner != container.name:  # one that restarts in a loop may be up again by now
                found.append(f"port {place[1]} (for {inside}) is held by {who}")
        return found

    def _permission(self, container: Container, path: str) -> str:
        """Return who owns what a container may not use: a directory that Docker made belongs to root."""
        source = container.mounted_at(path)
        while source and not os.path.lexists(source) and source != "/":
            source = os.path.dirname(source)
        if not source:
            return f"it may not use {path}"
        about = self.runner.stamp(source)
        user = container.settings.get("user") or "its image's user"
        return (
            f"it may not use {path}: {source} on the host belongs to {about.uid}:{about.gid}, mode {about.mode:04o}, "
            f"and the container runs as {user}; chown it"
        )

    def _kong(self, container: Container, log: str) -> str:
        """Return Kong's own word about its file: asked of the running one, else read in its log."""
        inside = container.env.get("KONG_DECLARATIVE_CONFIG", "")
        if container.running and inside:
            status, out, err = self.engine.execute(container, ["kong", "config", "parse", inside])
            said = kong_error((out + b"\n" + err).decode("utf-8", "replace"))
            if status not in (0, 126, 127) and said:
                return said.replace("its file", inside, 1)
            return ""
        return kong_error(log)

    def _scrubbed(self, text: str) -> str:
        containers = self.engine.containers()
        hidden = carried_secrets(containers.values())
        hidden += secret_values(live_state.environment(self.stack, self.runner))
        path = config_files.kong_file(self.stack, containers)
        if path and os.path.isfile(self.stack.path(path)):
            hidden += field_secrets(self.runner.read(self.stack.path(path)).decode("utf-8", "replace"))
        return scrub(text, sorted(set(hidden), key=len, reverse=True))

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where each service of the stack can be reached from the target, and with which password."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable

from .container import Container

REDIS_PORT, ADMIN_PORT, PROXY_PORT, HTTP_PORT = 6379, 8001, 8000, 80
CONNECT_SECONDS = 0.5
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
Places = Callable[[Container], list[tuple[str, int]]]


def candidates(container: Container, port: int) -> list[tuple[str, int]]:
    """Return where a container's port may answer: its own address first, so that nothing needs to be published."""
    found = [(address, port) for address in container.addresses.values() if address]
    if container.settings.get("network_mode") == "host":
        found.append(("127.0.0.1", port))
    published = container.ports.get(f"{port}/tcp")
    return [*found, published] if published else found


def reachable(places: Iterable[tuple[str, int]], timeout: float = CONNECT_SECONDS) -> tuple[str, int] | None:
    """Return the first place that accepts a connection."""
    for place in places:
        try:
            with socket.create_connection(place, timeout=timeout):
                return place
        except OSError:
            continue
    return None


def listen_port(setting: str, default: int) -> int:
    """Return the first port without TLS of a value like ``0.0.0.0:8001 reuseport, 0.0.0.0:8444 ssl``."""
    for part in (setting or "").split(","):
        words = part.split()
        if words and "ssl" not in words[1:] and words[0].rpartition(":")[2].isdigit():
            return int(words[0].rpartition(":")[2])
    return default


def admin_off(kong: Container) -> bool:
    """Say whether Kong was told to have no Admin API."""
    return kong.env.get("KONG_ADMIN_LISTEN", "").strip().lower() == "off"


def admin_inside(kong: Container) -> int:
    """Return the port of an Admin API that listens inside the container only, as Kong's own default is; else 0."""
    setting = kong.env.get("KONG_ADMIN_LISTEN", "") or f"127.0.0.1:{ADMIN_PORT}"
    plain = [part.split() for part in setting.split(",") if part.split() and "ssl" not in part.split()[1:]]
    hosts = {words[0].rpartition(":")[0].strip("[]") for words in plain}
    if not hosts or not hosts <= LOOPBACK or kong.settings.get("network_mode") == "host":
        return 0
    return listen_port(setting, ADMIN_PORT)


def admin(kong: Container) -> list[tuple[str, int]]:
    """Return where Kong's Admin API may answer."""
    return candidates(kong, listen_port(kong.env.get("KONG_ADMIN_LISTEN", ""), ADMIN_PORT))


def gateway(kong: Container) -> list[tuple[str, int]]:
    """Return where Kong's proxy port may answer."""
    return candidates(kong, listen_port(kong.env.get("KONG_PROXY_LISTEN", ""), PROXY_PORT))


def front(proxy: Container, port: int = 0) -> list[tuple[str, int]]:
    """Return where the proxy in front may answer; port is its port inside, 0 takes the first published one."""
    if not port:
        inside = sorted(int(name.split("/")[0]) for name in proxy.ports if name.endswith("/tcp"))
        port = inside[0] if inside else HTTP_PORT
    return candidates(proxy, port)


def redis_port(container: Container, given: int = REDIS_PORT, tls: bool = False) -> int:
    """Return the port that Redis listens on inside its container; given: where its command names none.

    A word of the command beats the same setting in a file, for Redis as well.
    """
    command = " ".join(map(str, [*container.settings["entrypoint"], *container.settings["command"]]))
    match = re.search(r"--tls-port\s+(\d+)" if tls else r"--port\s+(\d+)", command)
    return int(match.group(1)) if match else given


def redis(container: Container, given: int = REDIS_PORT, tls: bool = False) -> list[tuple[str, int]]:
    """Return where Redis may answer; given and tls are those of redis_port."""
    return candidates(container, redis_port(container, given, tls))


def redis_passwords(container: Container, env: dict[str, str], variable: str = "REDIS_PASSWORD") -> list[str]:
    """Return the passwords to try, the running container's first, then its command's, then the file's; at last none."""
    command = " ".join(map(str, [*container.settings["entrypoint"], *container.settings["command"]]))
    match = re.search(r"--requirepass\s+['\"]?([^\s'\"]+)", command)
    given = match.group(1) if match and not match.group(1).startswith("$") else ""
    found = [container.env.get(variable, ""), given, env.get(variable, "")]
    return [*dict.fromkeys(value for value in found if value), ""]

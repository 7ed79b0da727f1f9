# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where each service of the stack can be reached from the target, and with which password."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .container import ANY_ADDRESS, Container

REDIS_PORT, ADMIN_PORT, PROXY_PORT, HTTP_PORT = 6379, 8001, 8000, 80
CONNECT_SECONDS = 0.5
VARIABLE = re.compile(r"\$+\{?(\w+)")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


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


@dataclass(frozen=True)
class Listen:
    """One address on which Kong listens; tls: it takes nothing else."""

    host: str
    port: int
    tls: bool


def listens(setting: str, default: Listen) -> list[Listen]:
    """Read a value like ``0.0.0.0:8001 reuseport, 0.0.0.0:8444 ssl``; ``off`` and ``unix:`` name no address."""
    if not (setting or "").strip():
        return [default]
    found = []
    for part in setting.split(","):
        place, *words = part.split() or [""]
        host, _colon, port = place.rpartition(":")
        if port.isdigit():
            found.append(Listen(host.strip("[]"), int(port), "ssl" in words))
    return found


def first_choice(found: Sequence[Listen]) -> Listen | None:
    """Return where Kong is asked best: the first address without TLS, else the first with it."""
    return next((item for item in found if not item.tls), found[0] if found else None)


def _admin_listens(kong: Container) -> list[Listen]:
    return listens(kong.env.get("KONG_ADMIN_LISTEN", ""), Listen("127.0.0.1", ADMIN_PORT, tls=False))


def _inside_only(kong: Container, listen: Listen) -> bool:
    return listen.host in LOOPBACK and kong.settings.get("network_mode") != "host"


def admin_hidden(kong: Container) -> str:
    """Return why nobody can ask Kong's Admin API, as it was set up; empty where somebody can."""
    found = _admin_listens(kong)
    if not found:
        setting = kong.env["KONG_ADMIN_LISTEN"].strip().lower()
        return f"KONG_ADMIN_LISTEN is {'off' if setting == 'off' else 'a socket in its file system'}"
    hidden = all(item.tls and _inside_only(kong, item) for item in found)
    return "KONG_ADMIN_LISTEN takes TLS only, and inside its container only" if hidden else ""


def admin_inside(kong: Container) -> int:
    """Return the port of an Admin API that listens inside the container only, as Kong's own default is; else 0."""
    plain = [item for item in _admin_listens(kong) if not item.tls]
    inside = bool(plain) and all(_inside_only(kong, item) for item in plain)
    return plain[0].port if inside else 0


def admin_listen(kong: Container) -> Listen | None:
    """Return the address on which Kong's Admin API is asked."""
    return first_choice(_admin_listens(kong))


def admin(kong: Container) -> list[tuple[str, int]]:
    """Return where Kong's Admin API may answer."""
    listen = admin_listen(kong)
    return candidates(kong, listen.port) if listen else []


def gateway_listen(kong: Container) -> Listen | None:
    """Return the address on which Kong's proxy port is asked; None where it has no port."""
    return first_choice(listens(kong.env.get("KONG_PROXY_LISTEN", ""), Listen(ANY_ADDRESS, PROXY_PORT, tls=False)))


def gateway(kong: Container) -> list[tuple[str, int]]:
    """Return where Kong's proxy port may answer."""
    listen = gateway_listen(kong)
    return candidates(kong, listen.port) if listen else []


def front_port(proxy: Container, port: int = 0) -> int:
    """Return the proxy's port inside; 0 takes the first published one."""
    inside = sorted(int(name.split("/")[0]) for name in proxy.ports if name.endswith("/tcp"))
    return port or (inside[0] if inside else HTTP_PORT)


def front(proxy: Container, port: int = 0) -> list[tuple[str, int]]:
    """Return where the proxy in front may answer."""
    return candidates(proxy, front_port(proxy, port))


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
    """Return the passwords to try, the running container's first, then its command's, then the file's; at last none.

    A command may name a variable, for the container's shell to fill in. A word of its own is taken as it stands too.
    """
    words = [str(word) for word in (*container.settings["entrypoint"], *container.settings["command"])]
    command = " ".join(words)
    # Without dashes it is a line of a configuration that the command itself holds.
    match = re.search(r"\brequirepass\s+['\"]?([^\s'\"]+)", command)
    given = match.group(1) if match else ""
    named = VARIABLE.match(given)
    given = container.env.get(named.group(1), "") if named else given
    whole = next((after for word, after in zip(words, words[1:]) if word == "--requirepass"), "")
    commanded = [given, whole] if named else [whole, given]
    found = [container.env.get(variable, ""), *commanded, env.get(variable, "")]
    return [*dict.fromkeys(value for value in found if value), ""]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Does a container's own address lead to it? Not where somebody whom the engine does not know holds it too.

A process that the engine lost when it was killed may do so for ever, and the engine gives the same address out again.
"""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from ..engine import endpoints, first_process, sockets
from ..engine.container import Container

NO_WAY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)


def at(container: Container, port: int) -> bool:
    """Say whether a program listens on this port for others, and the container's address takes no connection there.

    The kernel takes connections for whoever listens, also for a program that hangs: a refusal came from elsewhere.
    False where this host cannot tell: an engine elsewhere, the host's network, no address.
    """
    addresses = _addresses(container)
    return port in _open_ports(container) and bool(addresses) and all(_refused(address, port) for address in addresses)


def evidence(container: Container) -> str:
    """Return what there is to say about a container none of whose open ports is reached; empty for nothing."""
    ports = sorted(_open_ports(container))
    if not ports or not all(at(container, port) for port in ports):
        return ""
    return (
        f"it listens on {', '.join(map(str, ports))}, and its address {', '.join(_addresses(container))} refuses that: "
        "somebody whom the engine does not know holds it too; force_rollback.yml makes the network anew"
    )


def _addresses(container: Container) -> list[str]:
    return [address for address in container.addresses.values() if address]


def _open_ports(container: Container) -> set[int]:
    if container.settings.get("network_mode") == "host" or not first_process.here(container):
        return set()
    return {port for host, port in sockets.inside(container.pid) if not ip_address(host).is_loopback}


def _refused(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=endpoints.CONNECT_SECONDS):
            return False
    except OSError as exc:
        return exc.errno in NO_WAY

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens on a port of this host, also when it is no container: read out of /proc."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LISTEN = "0A"
# Where the engine answers for names inside each container.
NAME_SERVER = "127.0.0.11"
ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104  read, never bound
# Programs that hold a published port on behalf of a container; the kernel keeps 15 letters of a name.
CARRIERS = ("docker-proxy", "dockerd", "rootlesskit", "rootlessport", "slirp4netns", "com.docker.back", "pasta")

RESTART = "restart the engine, which starts every container of this host anew: systemctl restart docker"


@dataclass(frozen=True)
class Listener:
    """One program that listens: address and port, process id, name, arguments."""

    address: str
    port: int
    pid: int
    name: str
    args: tuple[str, ...] = ()

    @property
    def carrier(self) -> bool:
        """Whether it is the engine's own program."""
        return self.name in CARRIERS

    @property
    def target(self) -> tuple[str, int] | None:
        """The container's address and port that a docker-proxy leads to; None where it does not say."""
        given = dict(zip(self.args, self.args[1:]))
        port = given.get("-container-port", "")
        return (given["-container-ip"], int(port)) if "-container-ip" in given and port.isdigit() else None

    @property
    def text(self) -> str:
        """Who it is, for a person; arguments are left out, they may hold secrets."""
        return f"process {self.pid} ({self.name})"


def address_of(text: str) -> tuple[str, int]:
    """Return address and port of ``0100007F:1F90`` as /proc/net/tcp writes them."""
    raw, _colon, port = text.partition(":")
    words = [int(raw[start : start + 8], 16) for start in range(0, len(raw), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    shown = socket.inet_ntop(family, packed)
    return shown.removeprefix("::ffff:"), int(port, 16)


def listening(tables: Iterable[str], ports: Iterable[int] | None = None) -> dict[str, tuple[str, int]]:
    """Return inode → (address, port) of the listening sockets; ports: on these alone; tables: of /proc/net/tcp*."""
    wanted = None if ports is None else set(ports)
    found = {}
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == LISTEN:
                address, port = address_of(fields[1])
                if wanted is None or port in wanted:
                    found[fields[9]] = (address, port)
    return found


def owners(ports: Iterable[int], proc: str = "/proc") -> list[Listener]:
    """Return who listens on these ports; what this user may not see stays unknown."""
    places = listening(_tables(f"{proc}/net"), ports)
    found = []
    for pid in filter(str.isdigit, os.listdir(proc)) if places else ():
        with contextlib.suppress(OSError):
            held = _held(f"{proc}/{pid}/fd")
            for inode, (address, port) in places.items():
                if f"socket:[{inode}]" in held:
                    found.append(Listener(address, port, int(pid), *_program(f"{proc}/{pid}")))
    return sorted(found, key=lambda item: (item.port, item.pid))


def inside(pid: int, proc: str = "/proc") -> set[tuple[str, int]]:
    """Return where programs listen in the network of a process, the engine's own name server aside."""
    return {place for place in listening(_tables(f"{proc}/{pid}/net")).values() if place[0] != NAME_SERVER}


def _tables(folder: str) -> list[str]:
    found = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"{folder}/{name}", encoding="ascii") as handle:
            found.append(handle.read())
    return found


def _held(folder: str) -> set[str]:
    """Return what a process has open; a descriptor that was closed meanwhile is none."""
    found = set()
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(f"{folder}/{name}"))
    return found


def _program(folder: str) -> tuple[str, tuple[str, ...]]:
    with open(f"{folder}/comm", encoding="utf-8", errors="replace") as handle:
        name = handle.read().strip()
    with open(f"{folder}/cmdline", encoding="utf-8", errors="replace") as handle:
        return name, tuple(handle.read().split("\0"))


def stranger(
    place: tuple[str, int],
    listeners: Iterable[Listener],
    addresses: Mapping[str, str],
    own: Iterable[int] = (),
    free: bool = False,
) -> str:
    """Return who answers a published port in the container's stead; empty where nobody is seen to.

    place: the published (address, port); addresses: the container's own; own: process ids of the container itself,
    which holds the port where it shares the host's network; free: the engine knows no container that publishes it. It
    may hold the port nevertheless: one that was killed while it started a container does until it is restarted
    (measured with 20.10).
    """
    here = [
        item
        for item in listeners
        if item.port == place[1] and (item.address == place[0] or item.address in ANYWHERE) and item.pid not in own
    ]
    targets = [item.target for item in here if item.target is not None]
    if targets and not any(target[0] in addresses.values() for target in targets):
        where = f"at {targets[0][0]}:{targets[0][1]}"
        return (
            f"the engine for a container that is gone ({where}): {RESTART}" if free else f"another container ({where})"
        )
    if here and not any(item.carrier for item in here):
        return here[0].text
    return ""

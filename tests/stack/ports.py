"""Ports for what the tests start.

Tests run in several processes at once, and a stack's ports are free for moments while it is rolled back. Each process
has a block of ports of its own, locked while it lives, below those that Linux gives to outgoing connections.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import functools
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# A file for each user: one may not open another's.
LOCKS = Path(tempfile.gettempdir()) / f"kong_masking-test-ports-{os.getuid()}"
# Linux's own begin at 32768 unless somebody set ip_local_port_range.
LOWEST, BLOCK, BLOCKS = 20000, 400, 31


@functools.cache
def _block() -> tuple[IO[str], Iterator[int]]:
    """The file that is locked as long as this process has it open, and the ports of its block, round and round."""
    file = LOCKS.open("a", encoding="utf-8")
    for block in range(BLOCKS):
        with contextlib.suppress(BlockingIOError, PermissionError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, block)
            first = LOWEST + block * BLOCK
            return file, itertools.cycle(range(first, first + BLOCK))
    msg = f"{LOCKS}: all {BLOCKS} blocks of ports are locked by processes that live"
    raise RuntimeError(msg)


def free_port() -> int:
    """A port of this process's block that nobody listens on; the one handed out longest ago."""
    _file, ports = _block()
    for port in itertools.islice(ports, BLOCK):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    msg = f"all {BLOCK} ports of this process are in use"
    raise RuntimeError(msg)


@dataclasses.dataclass(frozen=True)
class Ports:
    """Ports that the stack publishes on the loopback address."""

    redis: int
    kong_admin: int
    kong_proxy: int
    proxy: int
    upstream: int

    @classmethod
    def free(cls) -> Ports:
        """Find ports that nobody listens on."""
        return cls(*(free_port() for dummy in dataclasses.fields(cls)))

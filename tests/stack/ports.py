"""The ports that a stack of the tests publishes."""

from __future__ import annotations

import dataclasses
import socket


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
        """Find ports that nobody listens on: asked for together, so that no two are the same."""
        sockets = [socket.socket() for dummy in dataclasses.fields(cls)]
        try:
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            return cls(*(one.getsockname()[1] for one in sockets))
        finally:
            for one in sockets:
                one.close()

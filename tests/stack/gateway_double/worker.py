"""A worker process: serves the sockets that its master opened, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from .admin import Admin
from .proxy import Proxy
from .settings import Settings
from .state import Store

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
GRACE_SECONDS = 10.0
# Replies are still written for a moment after the last counted request.
QUIET_SECONDS = 0.2
FRESH_SECONDS = 0.5
ORPHAN_CHECK_SECONDS = 0.5


class Counter:
    """How many requests are under way, and which connections have had none yet: a graceful end waits for both."""

    def __init__(self, connections: dict[str, int]) -> None:
        self.active = 0
        self._connections = connections
        self._servers: list[web.Server] = []
        self._silent: set[asyncio.BaseProtocol] = set()
        # Made, and not yet among the open ones: that takes a turn of the loop. With the time at which it was made.
        self._fresh: dict[asyncio.BaseProtocol, float] = {}

    def made_by(self, server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
        """The same maker of connections, each noted until its first request."""
        self._servers.append(server)

        def make() -> asyncio.BaseProtocol:
            self._fresh[made := server()] = time.monotonic()
            return made

        return make

    def awaited(self) -> bool:
        """Whether a client waits for its answer, or has connected and not asked yet."""
        opened = {each for server in self._servers for each in server.connections}
        now = time.monotonic()
        self._silent |= opened & self._fresh.keys()
        # Those that left without a word are no longer among the open ones, or never came there.
        self._silent &= opened
        self._fresh = {
            each: made for each, made in self._fresh.items() if each not in opened and now - made < FRESH_SECONDS
        }
        return bool(self.active or self._silent or self._fresh)

    def around(self, handler: Handler) -> Handler:
        """The same handler, counted."""

        async def counted(request: web.BaseRequest) -> web.StreamResponse:
            self.active += 1
            self._silent.discard(request.protocol)
            self._fresh.pop(request.protocol, None)
            for name in ("total_requests", "connections_handled", "connections_accepted"):
                self._connections[name] += 1
            self._connections["connections_active"] = self._connections["connections_writing"] = self.active
            try:
                return await handler(request)
            finally:
                self.active -= 1

        return counted


def run(settings: Settings, sockets: Mapping[str, list[socket.socket]], master: int) -> None:
    """Serve until a signal or the master's death; returns when it is over."""
    asyncio.run(_serve(settings, sockets, master))


async def _serve(settings: Settings, sockets: Mapping[str, list[socket.socket]], master: int) -> None:
    loop = asyncio.get_running_loop()
    connections = dict.fromkeys(
        ("connections_accepted", "connections_active", "connections_handled", "connections_reading",
         "connections_waiting", "connections_writing", "total_requests"), 0,
    )  # fmt: skip
    counter = Counter(connections)
    store = Store(settings.state_file)
    admin, proxy = Admin(settings, store, connections), Proxy(settings, store)
    handlers: dict[str, Handler] = {"admin": admin.handle, "status": admin.handle_status, "proxy": proxy.handle}

    end: asyncio.Future[float] = loop.create_future()

    def stop(grace: float) -> None:
        if not end.done():
            end.set_result(grace)

    loop.add_signal_handler(signal.SIGTERM, stop, 0.0)
    loop.add_signal_handler(signal.SIGQUIT, stop, GRACE_SECONDS)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())

    proxy.warm_up()
    servers = []
    for name, opened in sockets.items():
        protocol = web.Server(counter.around(handlers[name]), access_log=None)
        servers += [await loop.create_server(counter.made_by(protocol), sock=each) for each in opened]
    while not end.done():
        await asyncio.wait([end], timeout=ORPHAN_CHECK_SECONDS)
        if os.getppid() != master:
            stop(0.0)
    for server in servers:
        server.close()
    deadline = loop.time() + end.result()
    quiet_since = loop.time()
    while loop.time() < min(deadline, quiet_since + QUIET_SECONDS):
        await asyncio.sleep(0.01)
        if counter.awaited():
            quiet_since = loop.time()
    await proxy.close()
    os._exit(0)

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to a Redis on the standard library, with what redis_wire.Wire asks of one; plain_redis.py uses them."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from ..redis.redis_replies import BLOCK, Replies, Reply, ReplyError, packed
from . import plain_redis_errors as exceptions


class Connection(Replies):
    """One connection, with its user, TLS and database; settings: host and port or path, and those of Redis."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self._sock: Any = None

    def connect(self) -> None:
        """Open the connection and log in; nothing is left unread."""
        try:
            self._sock = self._opened()
        except socket.timeout as exc:
            raise exceptions.TimeoutError("Timeout connecting to server") from exc
        except OSError as exc:
            raise exceptions.ConnectionError(f"Error connecting: {exc}.") from exc
        self.socket, self.buffer, self.at = self._sock, b"", 0
        self._sock.settimeout(self.settings.get("socket_timeout"))
        try:
            self._log_in()
            if self.settings.get("db"):
                self.ask("SELECT", self.settings["db"])
        except exceptions.RedisError:
            self.disconnect()
            raise

    def _opened(self) -> Any:
        seconds = self.settings.get("socket_connect_timeout", self.settings.get("socket_timeout"))
        if self.settings.get("path"):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(seconds)
            made.connect(self.settings["path"])
            return made
        host = self.settings["host"]
        made = socket.create_connection((host, self.settings["port"]), seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.settings.get("ssl"):
            return made
        try:
            context = ssl.create_default_context()
            context.check_hostname = self.settings.get("ssl_check_hostname", True)
            if self.settings.get("ssl_ca_certs"):
                context.load_verify_locations(cafile=self.settings["ssl_ca_certs"])
            return context.wrap_socket(made, server_hostname=host)
        except OSError:
            made.close()
            raise

    def _log_in(self) -> None:
        user, password = self.settings.get("username"), self.settings.get("password")
        if not user and not password:
            return
        words = [user, password or ""] if user else [password]
        try:
            self.ask("AUTH", *words)
        except exceptions.AuthenticationWrongNumberOfArgsError:
            self.ask("AUTH", words[-1])

    def disconnect(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.close()
        self._sock = None

    def write(self, commands: bytes) -> None:
        """Send packed commands, over a new connection where there is none."""
        if self._sock is None:
            self.connect()
        try:
            self._sock.sendall(commands)
        except socket.timeout as exc:
            raise exceptions.TimeoutError("Timeout writing to socket") from exc
        except OSError as exc:
            raise exceptions.ConnectionError(f"Error while writing to socket: {exc}.") from exc

    def ask(self, *words: Any) -> Reply:
        """Send one command and return its reply; raise what the server says where it refuses."""
        self.write(packed(*map(as_bytes, words)))
        try:
            return self.reply()
        except ReplyError as exc:
            raise exceptions.refusal(exc.line) from exc

    def _more(self) -> bytes:
        try:
            block: bytes = self._sock.recv(BLOCK)
        except socket.timeout as exc:
            raise exceptions.TimeoutError("Timeout reading from socket") from exc
        except OSError as exc:
            raise exceptions.ConnectionError(f"Error while reading from socket: {exc}.") from exc
        if not block:
            raise exceptions.ConnectionError("Connection closed by server.")
        return block


class Pool:
    """Connections with the same settings; threads share a pool and never a connection."""

    connection_class = Connection

    def __init__(self, settings: dict[str, Any]) -> None:
        self.connection_kwargs = settings
        self.idle: list[Connection] = []

    @contextlib.contextmanager
    def one(self) -> Iterator[Connection]:
        """Lend a connection; one on which an answer may be under way is not taken back."""
        link = self.idle.pop() if self.idle else self.connection_class(**self.connection_kwargs)
        try:
            yield link
        except exceptions.ResponseError:
            self.idle.append(link)
            raise
        except BaseException:
            link.disconnect()
            raise
        else:
            self.idle.append(link)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self.idle:
            self.idle.pop().disconnect()


def as_bytes(word: Any) -> bytes:
    """Return a word of a command as it travels."""
    return word if isinstance(word, bytes) else str(word).encode()

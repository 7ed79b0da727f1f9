# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One question to the Docker Engine at a time, over its socket, on the standard library; plain_docker.py asks them."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..errors import RecoveryError
from .plain_docker_errors import http as failures
from .plain_docker_errors import refused

SOCKET = "/var/run/docker.sock"
BLOCK = 1 << 16
STDOUT, HEADER = 1, 8


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def _needs_library(address: str) -> RecoveryError:
    return RecoveryError(
        f"The Docker Engine at {address} cannot be reached without the Python library docker.",
        "Install it, or give DOCKER_HOST a unix:// or tcp:// address without TLS.",
    )


class Engine:
    """Where the engine is: address as in DOCKER_HOST, empty for the usual socket; timeout (s) of one question."""

    def __init__(self, address: str = "", timeout: float | None = 60) -> None:
        self.timeout = timeout
        self.path, self.host, self.shown = "", "", "http+docker://localhost"
        address = address.strip() or f"unix://{SOCKET}"
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        if parts.scheme in ("unix", "http+unix"):
            self.path = "/" + (parts.netloc + parts.path).lstrip("/") if parts.netloc or parts.path else SOCKET
        elif parts.scheme in ("tcp", "http") and parts.hostname and parts.port:
            self.host = parts.netloc
            self.shown = f"http://{parts.netloc}"
        else:
            raise _needs_library(address)

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = -1,
        upgrade: bool = False,
    ) -> Answer:
        """Send one question and return its answer, the body unread.

        timeout: None waits without end. Raise APIError where the engine refuses, ConnectionError or Timeout of the
        family of requests where it does not answer.
        """
        seconds = self.timeout if timeout == -1 else timeout
        link = (
            _SocketConnection(self.path, seconds)
            if self.path
            else http.client.HTTPConnection(self.host, timeout=seconds)
        )
        target = path + (f"?{urlencode(params)}" if params else "")
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if upgrade else {}
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body).encode()
        try:
            link.connect()
            # The connection lets go of its socket where the answer ends with it; the answer still reads from it.
            answer = Answer(link, link.sock)
            link.request(method, target, body=content, headers=headers)
            answer.reply = link.getresponse()
            if answer.reply.status >= 400:
                where = f"{self.shown}{target}: {answer.reply.reason}"
                raise refused(answer.reply.status, where, answer.read())
        except (OSError, http.client.HTTPException) as exc:
            link.close()
            if isinstance(exc, failures.RequestException):
                raise
            raise _broken(exc) from exc
        return answer


def _broken(exc: Exception) -> Exception:
    if isinstance(exc, socket.timeout):
        return failures.ReadTimeout(f"The Docker Engine does not answer in time: {exc}")
    return failures.ConnectionError(f"{type(exc).__name__}: {exc}")


class Answer:
    """An answer whose body is read once, in one of several ways; then its connection is closed."""

    reply: http.client.HTTPResponse

    def __init__(self, link: http.client.HTTPConnection, sock: socket.socket) -> None:
        self.link, self.sock = link, sock

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())

    def json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.read())

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces."""
        try:
            while True:
                block = self.reply.read(BLOCK)
                if not block:
                    break
                yield block
            if self.reply.length:
                raise http.client.IncompleteRead(b"", self.reply.length)
        except (OSError, http.client.HTTPException) as exc:
            raise _broken(exc) from exc
        finally:
            self.close()

    def lines(self) -> Iterator[bytes]:
        """Yield the body's lines as they come; the engine ends each of its JSON documents with one."""
        try:
            yield from self.reply
        except (OSError, http.client.HTTPException) as exc:
            raise _broken(exc) from exc
        finally:
            self.close()

    def frames(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Yield (stdout, stderr) of a command inside a container as they come, one of them None each time.

        The connection has left HTTP; a command may be silent for long, so nothing is timed here.
        """
        source = self.reply.fp
        try:
            self.sock.settimeout(None)
            while True:
                head = source.read(HEADER)
                if len(head) < HEADER:
                    return
                left = int.from_bytes(head[4:], "big")
                while left:
                    data = source.read(min(left, BLOCK))
                    if not data:
                        return
                    left -= len(data)
                    yield (data, None) if head[0] == STDOUT else (None, data)
        except OSError as exc:
            raise _broken(exc) from exc
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self.reply.close()
        self.link.close()


def unframed(data: bytes) -> bytes:
    """Return what a log says, its frames joined in their order."""
    parts, at = [], 0
    while len(data) - at >= HEADER:
        size = int.from_bytes(data[at + 4 : at + HEADER], "big")
        parts.append(data[at + HEADER : at + HEADER + size])
        at += HEADER + size
    return b"".join(parts)


def address_of_environment() -> dict[str, Any]:
    """Return what DOCKER_HOST names as an argument of the client; raise RecoveryError where TLS is wanted."""
    host = os.environ.get("DOCKER_HOST", "")
    if os.environ.get("DOCKER_TLS_VERIFY") or os.environ.get("DOCKER_CERT_PATH"):
        raise _needs_library(f"{host or 'this host'} (TLS)")
    return {"base_url": host} if host else {}

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reach Kong's Admin API over the network, or inside its container where it listens there only.

There the request is made with whatever tool the image has.
"""

from __future__ import annotations

import io
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from ..engine import endpoints
from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..libraries import requests
from . import web
from .kong_admin import KongAdmin

NO_TOOL = 97
# Arguments: port, path. HTTP/1.0 and a closed connection, so that nothing comes in chunks. A Kong whose workers hang
# accepts and never answers: who asks it gives up.
SCRIPT = r"""
if command -v bash >/dev/null 2>&1; then
  if timeout 1 true 2>/dev/null; then limit="timeout 10"; else limit=""; fi
  exec $limit bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf "GET %s HTTP/1.0\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n" "$2" >&3
    cat <&3' ask "$1" "$2"
elif command -v curl >/dev/null 2>&1; then
  exec curl -sS -i --http1.0 --max-time 10 "http://127.0.0.1:$1$2"
elif command -v wget >/dev/null 2>&1; then
  printf 'HTTP/1.0 200 OK\r\n\r\n'
  exec wget -q -T 10 -O - "http://127.0.0.1:$1$2"
fi
exit 97
"""


def client(engine: DockerStack, kong: Container, timeout: float) -> KongAdmin | None:
    """Return a client of a running Kong's Admin API, or None where nothing accepts a connection."""
    found = over_network(kong, timeout)
    inside = endpoints.admin_inside(kong)
    if found is None and inside:
        return KongAdmin(f"http://127.0.0.1:{inside}", timeout, session(engine, kong))
    return found


def over_network(kong: Container, timeout: float) -> KongAdmin | None:
    """Return a client that may also load a configuration; None where nothing accepts a connection from outside."""
    listen, places = endpoints.admin_listen(kong), endpoints.admin(kong)
    if endpoints.admin_inside(kong):
        # A published port would be accepted by the engine and lead nowhere.
        places = [place for place in places if place[0] in kong.addresses.values()]
    place = endpoints.reachable(places)
    if place is None or listen is None:
        return None
    return KongAdmin(web.base(place, listen.tls), timeout, web.session() if listen.tls else None)


class _Socket:
    """As much of a socket as http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, *_args: Any) -> io.BytesIO:
        return io.BytesIO(self.data)


def read_answer(data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a raw HTTP answer; raise ValueError for anything else."""
    reply = HTTPResponse(_Socket(data))  # type: ignore[arg-type]
    try:
        reply.begin()
        return reply.status, dict(reply.getheaders()), reply.read()
    except HTTPException as exc:
        raise ValueError("no HTTP answer") from exc


def session(engine: DockerStack, container: Container) -> Any:
    """Return a requests session whose GET requests are made inside the container; others are refused."""

    class Inside(requests.adapters.BaseAdapter):  # type: ignore[misc,name-defined,unused-ignore]
        """Carries a request through an exec of the engine."""

        def send(self, request: Any, *_args: Any, **_options: Any) -> Any:
            """Make the request and build the answer."""
            if request.method != "GET":
                raise requests.exceptions.InvalidSchema("only GET is possible inside the container")
            parts = urlsplit(request.url)
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            status, out, _err = engine.execute(container, ["sh", "-c", SCRIPT, "ask", str(parts.port), path])
            if status == NO_TOOL:
                raise requests.exceptions.ConnectionError(f"{container.name} has neither bash nor curl nor wget")
            answer = requests.Response()
            try:
                answer.status_code, headers, body = read_answer(out)
            except ValueError as exc:
                raise requests.exceptions.ConnectionError("closed without an answer") from exc
            answer.headers.update(headers)
            answer._content = body  # noqa: SLF001  # how requests itself hands over a body that was read
            answer.url, answer.request = request.url, request
            return answer

        def close(self) -> None:
            """Nothing is kept open."""

    made = requests.Session()
    made.trust_env = False
    made.mount("http://", Inside())
    return made

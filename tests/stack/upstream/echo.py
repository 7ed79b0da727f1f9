"""The upstream behind the gateway: answers any POST with its last message, and remembers what it saw.

``GET /__last`` is the last request body as it arrived, ``GET /__seen?probe=ID`` the one whose header ``X-Probe-Id`` was
ID. That is the only proof of masking: a client cannot tell, because an unmasked identifier also comes back as sent.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from http import HTTPStatus
from typing import Any

from aiohttp import web

KEPT_PROBES = 20_000
REASONS = {status.value for status in HTTPStatus}
MAXIMUM_BODY = 64 << 20


def last_message(body: bytes) -> str:
    """The text of the last message; empty where the body is not such a request."""
    try:
        content: Any = json.loads(body)["messages"][-1]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


class Echo:
    """The handlers and what they remember."""

    def __init__(self) -> None:
        self._last = b""
        self._headers: dict[str, str] = {}
        self._probes: OrderedDict[str, bytes] = OrderedDict()

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=MAXIMUM_BODY)
        app.router.add_get("/__health", self.health)
        app.router.add_get("/__last", self.last)
        app.router.add_get("/__headers", self.headers)
        app.router.add_get("/__seen", self.seen)
        app.router.add_route("*", "/{path:.*}", self.echo)
        return app

    async def health(self, _unused: web.Request) -> web.Response:
        """Whether it runs."""
        return web.json_response({"status": "ok"})

    async def last(self, _unused: web.Request) -> web.Response:
        """The last body, byte for byte."""
        return web.Response(body=self._last, content_type="application/json")

    async def headers(self, _unused: web.Request) -> web.Response:
        """The headers that came with it."""
        return web.json_response(self._headers)

    async def seen(self, request: web.Request) -> web.Response:
        """The body of one probe."""
        body = self._probes.get(request.query.get("probe", ""))
        if body is None:
            return web.json_response({"error": "not seen"}, status=404)
        return web.Response(body=body, content_type="application/json")

    async def echo(self, request: web.Request) -> web.StreamResponse:
        """Answer in the provider's shape: chunked, and with escaped slashes as the recorded upstream had them."""
        body = await request.read()
        self._keep(request, body)
        reply = {
            "type": "message",
            "stop_reason": "end_turn",
            "id": "msg_echo",
            "role": "assistant",
            "content": [{"type": "text", "text": last_message(body)}],
            "model": "echo",
        }
        # A provider that refuses, for those who ask for it.
        status = int(request.headers.get("X-Echo-Status", "200"))
        reason = None if status in REASONS else "Overloaded"
        response = web.StreamResponse(status=status, reason=reason, headers={"Content-Type": "application/json"})
        if request.version >= (1, 1) and request.method != "HEAD":
            response.enable_chunked_encoding()
        await response.prepare(request)
        if request.method != "HEAD":
            text = json.dumps(reply, separators=(",", ":"), ensure_ascii=False)
            await response.write(text.replace("/", "\\/").encode())
        await response.write_eof()
        return response

    def _keep(self, request: web.Request, body: bytes) -> None:
        """Remember a request that had a body, and forget the oldest probe beyond the limit."""
        if body:
            self._last = body
            self._headers = {name.lower(): value for name, value in request.headers.items()}
        probe = request.headers.get("X-Probe-Id")
        if probe:
            self._probes[probe] = body
            self._probes.move_to_end(probe)
            while len(self._probes) > KEPT_PROBES:
                self._probes.popitem(last=False)


if __name__ == "__main__":
    web.run_app(Echo().application(), host="0.0.0.0", port=int(os.environ.get("ECHO_PORT", "8080")), print=None)

"""Replies as the recordings have them: compact JSON from the Admin API, indented errors from the proxy."""

from __future__ import annotations

import json
import time
from typing import Any

from aiohttp import web

from . import VERSION

SERVER = f"kong/{VERSION}"
JSON_TYPE = "application/json; charset=utf-8"
REASONS = {405: "Not Allowed", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


def admin_reply(status: int, body: Any, started: float, cors: bool = True) -> web.Response:
    """A reply of the Admin API (or, without the credentials header, of the status API)."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "X-Kong-Admin-Latency": str(int((time.monotonic() - started) * 1000)),
        "Server": SERVER,
    }
    if cors:
        headers["Access-Control-Allow-Credentials"] = "true"
    if body is None:
        return web.Response(status=status, reason=REASONS.get(status), headers=headers)
    if isinstance(body, str):
        headers["Content-Type"] = "text/plain; charset=UTF-8"
        return web.Response(status=status, body=body.encode(), headers=headers)
    headers["Content-Type"] = JSON_TYPE
    payload = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(status=status, reason=REASONS.get(status), body=payload, headers=headers)


def proxy_error(status: int, message: str, request_id: str, headers: dict[str, str]) -> web.Response:
    """An error that the gateway itself answers in the upstream's place."""
    text = f'{{\n  "message":{json.dumps(message)},\n  "request_id":"{request_id}"\n}}'
    headers = {"Content-Type": JSON_TYPE} | headers | {"Server": SERVER, "X-Kong-Request-Id": request_id}
    return web.Response(status=status, reason=REASONS.get(status), body=text.encode(), headers=headers)

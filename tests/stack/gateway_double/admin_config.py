"""``/config``: hand out the loaded configuration, and take another one."""

from __future__ import annotations

import hashlib
import json
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from .declarative import build, dump, parse_text
from .problems import ConfigError
from .state import State, Store

Answer = tuple[int, Any]
NOTHING = {"message": "expected a declarative configuration"}


def get_config(state: State) -> Answer:
    """The loaded configuration as YAML inside JSON, secrets included."""
    return 200, {"config": dump(state.entities)}


async def post_config(request: web.BaseRequest, store: Store) -> Answer:
    """Accept a configuration, or say why not; in the second case the loaded one goes on serving."""
    raw = await request.content.read()
    kind = request.content_type
    plugins = store.read().plugins
    try:
        given = _extract(raw, kind, request.headers.get("Content-Type", ""))
    except ValueError:
        return 400, {"message": "Cannot parse JSON body"}
    if not given:
        return 400, NOTHING
    digest = hashlib.md5(given if isinstance(given, bytes) else raw).hexdigest()
    if request.query.get("check_hash") in ("1", "true") and digest == store.read().hash:
        return 304, None
    try:
        config = parse_text(given, plugins) if isinstance(given, bytes) else build(given, plugins, digest)
    except ConfigError as exc:
        return 400, exc.body(flatten=request.query.get("flatten_errors") in ("1", "true"))
    store.write(store.read().with_config(config))
    return 201, {kind: {item["id"]: item for item in items} for kind, items in config.entities.items()}


def _extract(raw: bytes, kind: str, header: str) -> bytes | dict[str, Any]:
    """The configuration in a body: text as bytes (hashed as it is), or a JSON document that is one itself."""
    if kind == "application/json" and raw:
        document = json.loads(raw)
        if not isinstance(document, dict):
            raise ValueError
        text = document.get("config")
        return text.encode() if isinstance(text, str) else document
    if kind == "application/x-www-form-urlencoded":
        return parse_qs(raw.decode(), keep_blank_values=True).get("config", [""])[0].encode()
    if kind == "multipart/form-data":
        message = message_from_bytes(b"Content-Type: " + header.encode() + b"\r\n\r\n" + raw)
        parts = message.get_payload()
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, str) and part.get_param("name", header="content-disposition") == "config":
                payload = part.get_payload(decode=True)
                return payload if isinstance(payload, bytes) else b""
        return b""
    return raw

"""The Admin API of a gateway without a database: reads, and refusals of writes."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from . import information, upstreams
from .admin_config import get_config, post_config
from .declarative import REFERENCES, Entity
from .replies import admin_reply
from .settings import Settings
from .state import State, Store

COLLECTIONS = {
    "services": "services", "routes": "routes", "plugins": "plugins", "upstreams": "upstreams",
    "consumers": "consumers", "targets": "targets", "certificates": "certificates", "snis": "snis",
    "ca_certificates": "ca_certificates", "vaults": "vaults", "keys": "keys", "key-sets": "key_sets", "acls": "acls",
    "basic-auths": "basicauth_credentials", "hmac-auths": "hmacauth_credentials", "jwts": "jwt_secrets",
    "key-auths": "keyauth_credentials", "oauth2": "oauth2_credentials", "oauth2_tokens": "oauth2_tokens",
    "filter-chains": "filter_chains",
}  # fmt: skip
CHILDREN = {
    "services": ("routes", "plugins"), "routes": ("plugins",), "upstreams": ("targets",), "consumers": ("plugins",),
}  # fmt: skip
PARENTS = {"routes": ("service",), "plugins": ("service", "route", "consumer"), "targets": ("upstream",)}
SINGLE = ("", "status", "timers", "endpoints", "plugins/enabled", "clustering/status")
VERBS = {"POST": "create", "PUT": "create or update", "PATCH": "update", "DELETE": "remove"}
NOT_FOUND = {"message": "Not found"}
NOT_ALLOWED = {"message": "Method not allowed"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Answer = tuple[int, Any]


@dataclass
class Admin:
    """Answers for one worker."""

    settings: Settings
    store: Store
    connections: dict[str, int] = field(default_factory=dict)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request to the Admin API."""
        started = time.monotonic()
        status, body = await self._answer(request)
        return admin_reply(status, body, started)

    async def handle_status(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request to the status API (``KONG_STATUS_LISTEN``)."""
        started = time.monotonic()
        state = self.store.read()
        answers: dict[str, Answer] = {
            "/status": (200, information.status(state, self.connections)),
            "/status/ready": (200, {"message": "ready"}),
            "/status/dns": (501, {"message": "not implemented with the legacy DNS client"}),
            "/metrics": (200, information.metrics(state)),
        }
        if not state.entities:
            message = "no configuration available (empty configuration present)"
            answers["/status/ready"] = (503, {"message": message})
        status, body = answers.get(request.path, (404, NOT_FOUND))
        return admin_reply(status, body, started, cors=False)

    async def _answer(self, request: web.BaseRequest) -> Answer:
        state = self.store.read()
        parts = [unquote(part) for part in request.rel_url.raw_path.split("/") if part]
        path, query, method = "/".join(parts), request.query, request.method
        if path == "config":
            if method == "POST":
                return await post_config(request, self.store)
            return get_config(state) if method in ("GET", "HEAD") else (405, NOT_ALLOWED)
        if path in SINGLE:
            return self._about(path, state, query) if method in ("GET", "HEAD") else (405, NOT_ALLOWED)
        if parts[0] == "tags":
            return self._tags(parts, query, state)
        if parts[0] not in COLLECTIONS:
            return 404, NOT_FOUND
        if method in ("GET", "HEAD"):
            return await self._read(parts, query, state)
        if len(parts) >= 5 and parts[0] == "upstreams" and parts[-1] in ("healthy", "unhealthy") and method == "PUT":
            return upstreams.mark(self.store, parts[1], parts[3], parts[-1])
        return self._refuse(method, parts, state)

    def _about(self, path: str, state: State, query: Mapping[str, str]) -> Answer:
        if path == "status":
            try:
                unit, scale = query.get("unit", "m"), query.get("scale", "2")
                return 200, information.status(state, self.connections, unit, scale)
            except information.UnitError as exc:
                return 400, {"message": str(exc)}
        if path == "clustering/status":
            message = "this endpoint is only available when Kong is configured to run as Control Plane for the cluster"
            return 400, {"message": message}
        if path == "plugins/enabled":
            return 200, {"enabled_plugins": list(state.plugins)}
        if path == "":
            return 200, information.root(state, self.settings)
        return 200, information.timers() if path == "timers" else information.endpoints()

    @staticmethod
    def _tags(parts: list[str], query: Mapping[str, str], state: State) -> Answer:
        """Entities by tag; the first page is empty and points on, as recorded: who does not follow finds nothing."""
        if len(parts) > 1 and "offset" not in query:
            offset = "hmacauth_credentials|nil"
            return 200, {"data": [], "offset": offset, "next": f"/tags/{parts[1]}?offset={quote(offset)}"}
        found = [
            {"entity_name": kind, "entity_id": item["id"], "tag": tag}
            for kind in sorted(state.entities)
            for item in state.all(kind)
            for tag in item.get("tags") or []
            if len(parts) == 1 or tag == parts[1]
        ]
        return 200, {"data": found, "next": None}

    async def _read(self, parts: list[str], query: Mapping[str, str], state: State) -> Answer:
        kind = COLLECTIONS[parts[0]]
        if len(parts) == 1:
            return _page("/" + parts[0], state.all(kind), query)
        item = state.find(kind, parts[1])
        if item is None:
            return 404, NOT_FOUND
        if len(parts) == 2:
            return 200, item
        if kind == "upstreams" and parts[2] == "health" and len(parts) == 3:
            return await upstreams.health(state, self.settings, item, query.get("balancer_health") == "1")
        if parts[2] in PARENTS.get(kind, ()) and len(parts) == 3:
            parent = item.get(parts[2]) and state.find(REFERENCES[kind][parts[2]], item[parts[2]]["id"])
            return (200, parent) if parent else (404, NOT_FOUND)
        if parts[2] not in CHILDREN.get(kind, ()):
            return 404, NOT_FOUND
        reference = kind[:-1]
        children = [c for c in state.all(parts[2]) if (c.get(reference) or {}).get("id") == item["id"]]
        if parts[2] == "targets":
            children.sort(key=lambda target: target["target"])
        if len(parts) == 3 or parts[3:] == ["all"]:
            return _page("/" + "/".join(parts[:3]), children, query)
        child = next((c for c in children if parts[3] in (c["id"], c.get("name"), c.get("target"))), None)
        return (200, child) if child else (404, NOT_FOUND)

    @staticmethod
    def _refuse(method: str, parts: list[str], state: State) -> Answer:
        """What a gateway without a database says to those who want to change an entity."""
        verb = VERBS.get(method)
        kind = COLLECTIONS.get(parts[-1] if len(parts) == 3 else parts[0], parts[0])
        if verb is None or (method == "POST") != (len(parts) in (1, 3)):
            return 405, NOT_ALLOWED
        if len(parts) > 1 and method != "PUT" and state.find(COLLECTIONS[parts[0]], parts[1]) is None:
            return (204, None) if method == "DELETE" else (404, NOT_FOUND)
        named = len(parts) > 1 and method != "POST" and not UUID.fullmatch(parts[-1])
        by = " by 'name'" if named else ""
        message = f"cannot {verb} '{kind}' entities{by} when not using a database"
        return 405, {"code": 12, "name": "operation unsupported", "message": message}


def _page(path: str, items: list[Entity], query: Mapping[str, str]) -> Answer:
    """One page of a listing; ``offset`` is opaque to clients and here holds the position."""
    try:
        size = int(query.get("size", "100"))
        start = int(base64.urlsafe_b64decode(query["offset"] + "==").decode()) if "offset" in query else 0
    except ValueError:
        return 400, {"code": 7, "name": "invalid offset", "message": f"'{query.get('offset')}' is not a valid offset"}
    if not 1 <= size <= 1000:
        return 400, {"code": 9, "name": "invalid size", "message": "size must be an integer between 1 and 1000"}
    body: dict[str, Any] = {"data": items[start : start + size], "next": None}
    if start + size < len(items):
        offset = base64.urlsafe_b64encode(str(start + size).encode()).decode().rstrip("=")
        body |= {"offset": offset, "next": f"{path}?offset={offset}&size={size}"}
        if "size" not in query:
            body["next"] = f"{path}?offset={offset}"
    return 200, body

"""Which route a request takes, and which plugins act on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .declarative import Entity
from .state import State


@dataclass(frozen=True)
class Match:
    """A route, its service, and the part of the path that the route matched."""

    route: Entity
    service: Entity | None
    matched: str

    def upstream_path(self, path: str) -> str:
        """The path that the upstream gets."""
        rest = path[len(self.matched) :] if self.route["strip_path"] else path
        base = (self.service or {}).get("path") or "/"
        joined = base.rstrip("/") + "/" + rest.lstrip("/") if rest else base
        return joined if joined.startswith("/") else "/" + joined


def _host_fits(patterns: list[str] | None, host: str) -> bool:
    bare = host.rsplit(":", 1)[0] if re.search(r":\d+$", host) else host
    return not patterns or any(
        re.fullmatch(re.escape(p).replace(r"\*", ".+"), name, re.IGNORECASE) for p in patterns for name in (host, bare)
    )


def _headers_fit(wanted: Mapping[str, list[str]] | None, headers: Mapping[str, str]) -> bool:
    return all(headers.get(name, "").lower() in [v.lower() for v in values] for name, values in (wanted or {}).items())


def _path_fits(patterns: list[str] | None, path: str) -> tuple[int, str] | None:
    """How well a path fits (expressions before prefixes, longer ones first), and what of it was matched."""
    if not patterns:
        return 0, ""
    best: tuple[int, str] | None = None
    for pattern in patterns:
        if pattern.startswith("~"):
            match = re.match(pattern[1:], path)
            candidate = (1 << 16, match[0]) if match else None
        else:
            candidate = (len(pattern), pattern) if path.startswith(pattern) else None
        if candidate and (best is None or candidate[0] > best[0]):
            best = candidate
    return best


def find_route(state: State, method: str, path: str, headers: Mapping[str, str]) -> Match | None:
    """The route for a request, or None."""
    best: tuple[tuple[int, int, int], Match] | None = None
    host = headers.get("Host", "")
    for route in state.all("routes"):
        fit = _path_fits(route["paths"], path)
        if (
            fit is None
            or (route["methods"] and method not in route["methods"])
            or not _host_fits(route["hosts"], host)
            or not _headers_fit(route["headers"], headers)
        ):
            continue
        conditions = sum(1 for name in ("methods", "hosts", "paths", "headers") if route[name])
        rank = (conditions, fit[0], route["regex_priority"] or 0)
        if best is None or rank > best[0]:
            service = state.find("services", route["service"]["id"]) if route["service"] else None
            if service is None or service["enabled"]:
                best = (rank, Match(route, service, fit[1]))
    return best[1] if best else None


def plugins_for(state: State, match: Match | None) -> dict[str, dict[str, Any]]:
    """The configuration of each enabled plugin that acts on a request; the narrowest binding of a name wins."""
    chosen: dict[str, tuple[int, dict[str, Any]]] = {}
    for plugin in state.all("plugins"):
        route, service = plugin["route"], plugin["service"]
        if not plugin["enabled"] or plugin["consumer"]:
            continue
        if route and (match is None or match.route["id"] != route["id"]):
            continue
        if service and (match is None or match.service is None or match.service["id"] != service["id"]):
            continue
        rank = 2 * bool(route) + bool(service)
        if plugin["name"] not in chosen or rank > chosen[plugin["name"]][0]:
            chosen[plugin["name"]] = (rank, plugin["config"] or {})
    return {name: config for name, (_unused, config) in chosen.items()}

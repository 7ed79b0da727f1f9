# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Kong's declarative file declares: services, routes, where the masking plugin is bound. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import RecoveryError
from ..libraries import yaml


@dataclass(frozen=True)
class Declared:
    """Names of services and routes, and the plugin's bindings: ``route NAME``, ``service NAME`` or ``everywhere``."""

    services: frozenset[str]
    routes: frozenset[str]
    bindings: tuple[str, ...]


def parse(content: bytes, name: str) -> Mapping[str, Any]:
    """Return the document of a YAML or JSON file; raise with the line where it breaks, never with its text.

    JSON comes first: with tabs in it, it is no YAML.
    """
    try:
        document = json.loads(content)
    except ValueError:
        try:
            document = yaml.safe_load(content)
        except (yaml.YAMLError, UnicodeError) as exc:
            mark = getattr(exc, "problem_mark", None)
            raise RecoveryError(
                f"{name} is no valid YAML{f' (line {mark.line + 1})' if mark else ''}.",
                "Mend it, or roll back; Kong dies of it at its next start.",
            ) from exc
    if not isinstance(document, dict):
        raise RecoveryError(f"{name} holds no configuration.", "Mend it, or roll back.")
    return document


def problem(content: bytes) -> str:
    """Return what is plainly wrong with a declarative file that never served; empty when nothing is."""
    try:
        document = parse(content, "it")
    except RecoveryError as exc:
        return exc.msg.removeprefix("it ").removeprefix("is ").rstrip(".")
    if "_format_version" not in document:
        return "has no _format_version"
    if not any(document.get(kind) for kind in ("services", "routes")):
        return "holds no service and no route: Kong would answer 404 to everything"
    return ""


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _reference(value: Any) -> Any:
    """Return what a reference names, written as a name or as a mapping with one."""
    return (value.get("name") or value.get("id")) if isinstance(value, Mapping) else value


def declared(document: Mapping[str, Any], plugin: str) -> Declared:
    """Read a declarative file, nested or flat."""
    services = _rows(document.get("services"))
    routes = [*_rows(document.get("routes")), *(route for item in services for route in _rows(item.get("routes")))]
    # What Kong itself exports refers by id, what people write by name.
    names = {item["id"]: item.get("name") for item in [*services, *routes] if item.get("id")}
    placed = [
        (item, _reference(item.get("route")), _reference(item.get("service")))
        for item in _rows(document.get("plugins"))
    ]
    placed += [(item, None, service.get("name")) for service in services for item in _rows(service.get("plugins"))]
    placed += [(item, route.get("name"), None) for route in routes for item in _rows(route.get("plugins"))]
    bindings = [
        binding(names.get(route, route), names.get(service, service))
        for item, route, service in placed
        if item.get("name") == plugin and item.get("enabled", True)
    ]
    return Declared(_named(services), _named(routes), tuple(bindings))


def _named(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(str(row["name"]) for row in rows if row.get("name"))


def binding(route: Any, service: Any) -> str:
    """Return where a plugin is bound; references are names in a file, names resolved from ids in the Admin API."""
    if route:
        return f"route {route}"
    return f"service {service}" if service else "everywhere"


def live_bindings(
    plugins: Iterable[Mapping[str, Any]],
    routes: Iterable[Mapping[str, Any]],
    services: Iterable[Mapping[str, Any]],
    plugin: str,
) -> list[str]:
    """Return where the Admin API says that the plugin is enabled, in the form of a declaration's bindings."""
    names = {item["id"]: item.get("name") or item["id"] for item in [*routes, *services]}
    return sorted(
        binding(names.get((item.get("route") or {}).get("id")), names.get((item.get("service") or {}).get("id")))
        for item in plugins
        if item.get("name") == plugin and item.get("enabled")
    )


def configured_kinds(plugins: Iterable[Mapping[str, Any]], plugin: str) -> set[str]:
    """Return the ``mask_…`` switches that are on in the plugin's own configuration, wherever it is enabled."""
    return {
        name
        for item in plugins
        if item.get("name") == plugin and item.get("enabled")
        for name, value in (item.get("config") or {}).items()
        if name.startswith("mask_") and value is True
    }


def uses_redis(plugins: Iterable[Mapping[str, Any]], plugin: str) -> bool:
    """Say whether the plugin keeps its mappings in Redis: it does unless its configuration says no."""
    return not any(
        item.get("name") == plugin and item.get("enabled") and (item.get("config") or {}).get("use_redis") is False
        for item in plugins
    )


def catches_all(routes: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether some route takes any path, so that no request is without a route."""
    return any(
        not item.get("expression") and (not item.get("paths") or "/" in item["paths"]) and not item.get("hosts")
        for item in routes
        if "http" in (item.get("protocols") or ["http"])
    )


def takes_get(routes: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether every route takes GET: only then does "no route" for a GET mean that the path has none."""
    return all(not item.get("methods") or "GET" in item["methods"] for item in routes)

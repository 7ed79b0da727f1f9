# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Kong's declarative file declares: services, routes, where the masking plugin is bound. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import RecoveryError
from ..libraries import yaml

ROUTE, SERVICE = "route", "service"


@dataclass(frozen=True)
class Binding:
    """Where a plugin is bound: to a route or a service, with what is known of it, or everywhere (no kind).

    traits: what a route matches, or a service's host; a person may give neither a name nor an id.
    """

    kind: str = ""
    id: str = ""
    name: str = ""
    traits: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.id or ' '.join(self.traits)}".rstrip() if self.kind else "everywhere"

    def fits(self, live: Binding) -> bool:
        """Say whether this declared binding may be that live one: by its id, else its name, else its traits."""
        if self.kind != live.kind:
            return False
        if self.id or self.name:
            return self.id == live.id if self.id else self.name == live.name
        # Kong gives ids of its own, and no names.
        return not live.name and self.traits in ((), live.traits)


@dataclass(frozen=True)
class Declared:
    """Names of services and routes, and where the plugin is bound."""

    services: frozenset[str]
    routes: frozenset[str]
    bindings: tuple[Binding, ...]


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


def declared(document: Mapping[str, Any], plugin: str) -> Declared:
    """Read a declarative file, nested or flat."""
    services = _rows(document.get("services"))
    routes = [*_rows(document.get("routes")), *(route for item in services for route in _rows(item.get("routes")))]
    placed = [
        (item, _referred(ROUTE, item.get("route"), routes) or _referred(SERVICE, item.get("service"), services))
        for item in _rows(document.get("plugins"))
    ]
    for kind, owners in ((ROUTE, routes), (SERVICE, services)):
        placed += [(item, binding(kind, owner)) for owner in owners for item in _rows(owner.get("plugins"))]
    bindings = [
        where or Binding() for item, where in placed if item.get("name") == plugin and item.get("enabled", True)
    ]
    return Declared(_named(services), _named(routes), tuple(bindings))


def _referred(kind: str, value: Any, owners: Iterable[Mapping[str, Any]]) -> Binding | None:
    """Return what a reference names, written as a name, as an id (Kong's own export does so) or as a mapping of one."""
    named = (value.get("name") or value.get("id")) if isinstance(value, Mapping) else value
    if not named:
        return None
    owner = next((item for item in owners if named in (item.get("id"), item.get("name"))), {"name": named})
    return binding(kind, owner)


def _named(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(str(row["name"]) for row in rows if row.get("name"))


def binding(kind: str, owner: Mapping[str, Any]) -> Binding:
    """Return a binding to a route or a service, as a file or the Admin API has it."""
    if kind == SERVICE:
        host = owner.get("host") or urlsplit(str(owner.get("url") or "")).hostname
        traits = [str(host).lower()] if host else []
    else:
        # Out of a file of an older format Kong marks paths that are patterns with a tilde.
        traits = sorted(
            str(value).removeprefix("~") for name in ("paths", "hosts", "methods") for value in owner.get(name) or ()
        )
    return Binding(kind, str(owner.get("id") or ""), str(owner.get("name") or ""), tuple(traits))


def live_bindings(
    plugins: Iterable[Mapping[str, Any]],
    routes: Iterable[Mapping[str, Any]],
    services: Iterable[Mapping[str, Any]],
    plugin: str,
) -> list[Binding]:
    """Return where the Admin API says that the plugin is enabled."""
    known = {(kind, item["id"]): item for kind, rows in ((ROUTE, routes), (SERVICE, services)) for item in rows}
    found = []
    for item in plugins:
        if item.get("name") == plugin and item.get("enabled"):
            kind = next((kind for kind in (ROUTE, SERVICE) if item.get(kind)), "")
            place = (kind, (item.get(kind) or {}).get("id"))
            found.append(binding(kind, known.get(place, {"id": place[1]})) if kind else Binding())
    return sorted(found, key=str)


def agree(wanted: Iterable[Binding], live: Iterable[Binding]) -> bool:
    """Say whether a plugin is bound just where it is declared; what is known by id or name is looked for first."""
    left = list(live)
    for one in sorted(wanted, key=lambda item: (not item.id, not item.name, not item.traits)):
        found = next((item for item in left if one.fits(item)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


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
    """Say whether every route takes GET: only then does "no route" for a GET mean that the path has none.

    What an expression takes is not looked into.
    """
    return all(not item.get("expression") and (not item.get("methods") or "GET" in item["methods"]) for item in routes)

"""The three ways in which the real gateway words what is wrong with a declarative configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .entities import NESTED
from .schema import Errors

SINGULAR = {"services": "service", "routes": "route", "plugins": "plugin", "upstreams": "upstream",
            "targets": "target", "consumers": "consumer"}  # fmt: skip


class ConfigError(Exception):
    """A declarative configuration that is not accepted."""

    def __init__(self, fields: Errors, source: Mapping[str, Any] | None = None) -> None:
        super().__init__(as_text(fields))
        self.fields = fields
        self.source = source

    def body(self, flatten: bool = False) -> dict[str, Any]:
        """The body of the Admin API's 400."""
        left, flattened = _flatten(self.fields, self.source) if flatten and self.source else (self.fields, [])
        body: dict[str, Any] = {
            "code": 14,
            "name": "invalid declarative configuration",
            "fields": as_json(left),
            "message": f"declarative config is invalid: {as_lua(left)}",
        }
        if flatten:
            body["flattened_errors"] = flattened
        return body


def as_json(value: Any) -> Any:
    """Tables that begin to count at one become arrays, with null in their gaps."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [as_json(value.get(n)) for n in range(1, max(value) + 1)]
    return {str(key): as_json(item) for key, item in value.items()}


def as_lua(value: Any) -> str:
    """A Lua table constructor, as it stands in ``message``."""
    if not isinstance(value, dict):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    parts = []
    for position, key in enumerate(sorted(value, key=lambda k: (isinstance(k, str), k)), 1):
        text = as_lua(value[key])
        if key == position:
            parts.append(text)
        elif isinstance(key, int):
            parts.append(f"[{key}]={text}")
        elif re.fullmatch(r"[A-Za-z_]\w*", key):
            parts.append(f"{key}={text}")
        else:
            parts.append(f'["{key}"]={text}')
    return "{" + ",".join(parts) + "}"


def as_text(fields: Errors, item: str = "", indent: str = "") -> str:
    """The nested lines of the command line and of the error log."""
    if not indent and set(fields) == {"error"}:
        return str(fields["error"])
    lines = []
    for key, value in fields.items():
        label = f"- in entry {key} of '{item}'" if isinstance(key, int) else f"in '{key}'"
        if isinstance(value, dict):
            lines.append(f"{indent}{label}:\n{as_text(value, str(key), indent + '  ')}")
        else:
            lines.append(f"{indent}{label}: {value}")
    return "\n".join(lines)


def _leaves(errors: Any, path: str = "") -> list[dict[str, Any]]:
    if not isinstance(errors, dict):
        return [{"type": "field", "field": path, "message": errors}]
    found: list[dict[str, Any]] = []
    for key, value in errors.items():
        if key == "@entity":
            found += [{"type": "entity", "message": message} for message in value.values()]
        else:
            found += _leaves(value, f"{path}.{key}" if path else str(key))
    return found


def _entity_errors(kind: str, errors: Errors, entity: Mapping[str, Any]) -> list[dict[str, Any]]:
    inner = NESTED.get(kind, {})
    own = {key: value for key, value in errors.items() if key not in inner}
    found: list[dict[str, Any]] = []
    if own:
        flat: dict[str, Any] = {"entity_type": SINGULAR[kind]}
        if entity.get("tags"):
            flat["entity_tags"] = entity["tags"]
        name = entity.get("name", entity.get("username", entity.get("target")))
        flat |= {"entity_name": name} if name else {}
        flat |= {"entity_id": entity["id"]} if entity.get("id") else {}
        flat["errors"] = _leaves(own)
        flat["entity"] = {key: value for key, value in entity.items() if key not in inner}
        found.append(flat)
    for child in inner:
        if isinstance(errors.get(child), dict):
            for number, nested in errors[child].items():
                found += _entity_errors(child, nested, entity[child][number - 1])
    return found


def _flatten(fields: Errors, source: Mapping[str, Any]) -> tuple[Errors, list[dict[str, Any]]]:
    """What belongs to single entities, taken out of the nested form."""
    left: Errors = {}
    flattened: list[dict[str, Any]] = []
    for kind, entries in fields.items():
        if kind not in SINGULAR or not isinstance(entries, dict):
            left[kind] = entries
            continue
        for number, errors in entries.items():
            if isinstance(number, int) and isinstance(errors, dict):
                flattened += _entity_errors(kind, errors, source[kind][number - 1])
            else:
                left.setdefault(kind, {})[number] = errors
    return left, flattened

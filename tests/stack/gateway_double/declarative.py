"""Reading a declarative file: parse, check, complete, resolve references, name by stable ids, hash."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from .entities import COMMON, FIELDS, KEYS, NESTED, OTHER_COLLECTIONS, PLUGIN_CONFIGS
from .problems import ConfigError
from .schema import Errors, check_record, complete

EMPTY_HASH = "0" * 32
FORMATS = ("1.1", "2.1", "3.0")
# The namespace from which the real gateway derives ids, so that services, routes and upstreams have the very same.
NAMESPACE = uuid.UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")
ORDER = ("consumers", "services", "routes", "upstreams", "targets", "plugins")
REFERENCES = {
    "routes": {"service": "services"},
    "plugins": {"route": "routes", "service": "services", "consumer": "consumers"},
    "targets": {"upstream": "upstreams"},
}
ROUTE_NEEDS = ("methods", "hosts", "paths", "headers", "snis")

Entity = dict[str, Any]
Entities = dict[str, list[Entity]]


@dataclass(frozen=True)
class Config:
    """A configuration that was accepted."""

    entities: Entities
    hash: str


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml words its errors as the real gateway does; dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def parse_file(path: Path, plugins: Collection[str]) -> Config:
    """Read a file; one that cannot be read is a configuration error like any other."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise ConfigError({"error": f"{path}: {exc.strerror}"}) from exc
    return parse_text(raw, plugins)


def parse_text(raw: bytes, plugins: Collection[str]) -> Config:
    """Parse YAML (or JSON, which is YAML); the hash is the MD5 of the very bytes."""
    prefix = "failed parsing declarative configuration: "
    try:
        document = yaml.load(raw, Loader=_Loader)  # a safe loader, see above
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        where = f"{mark.line + 1}:{mark.column + 1}: " if mark else ""
        raise ConfigError({"error": f"{prefix}{where}{exc.problem}"}) from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise ConfigError({"error": f"{prefix}{exc}"}) from exc
    if not isinstance(document, dict):
        raise ConfigError({"error": f"{prefix}expected an object"})
    return build(document, plugins, hashlib.md5(raw).hexdigest())


def build(document: Mapping[str, Any], plugins: Collection[str], digest: str) -> Config:
    """Check a document and turn it into entities."""
    errors = _check_document(document, plugins)
    if errors:
        raise ConfigError(errors, document)
    flat: Entities = {}
    for kind in (*ORDER, *OTHER_COLLECTIONS):
        for item in document.get(kind) or []:
            _lift(kind, item, flat)
    errors = _duplicates(flat) or _resolve(flat)
    if errors:
        raise ConfigError(errors, document)
    now = time.time()
    entities = {kind: [_finish(kind, item, now) for item in items] for kind, items in flat.items()}
    return Config(entities, digest if entities else EMPTY_HASH)


def _check_document(document: Mapping[str, Any], plugins: Collection[str]) -> Errors:
    errors: Errors = {}
    version = document.get("_format_version")
    if version is None:
        errors["_format_version"] = "required field missing"
    elif not isinstance(version, str):
        errors["_format_version"] = "expected a string"
    elif version not in FORMATS:
        errors["_format_version"] = "expected one of: " + ", ".join(FORMATS)
    for kind, items in document.items():
        if kind in FIELDS or kind in OTHER_COLLECTIONS:
            if items is not None and not isinstance(items, list):
                errors[kind] = "expected an array"
            elif kind in FIELDS and (found := _check_entities(kind, items or [], plugins)):
                errors[kind] = found
        elif not str(kind).startswith("_"):
            errors[kind] = "unknown field"
    return errors


def _check_entities(kind: str, items: list[Any], plugins: Collection[str]) -> Errors:
    return {n: found for n, item in enumerate(items, 1) if (found := _check_entity(kind, item, plugins))}


def _check_entity(kind: str, item: Any, plugins: Collection[str]) -> Any:
    if not isinstance(item, dict):
        return "expected a record"
    inner = NESTED.get(kind, {})
    own = {key: value for key, value in _expand_url(kind, item).items() if key not in inner and key[:1] != "_"}
    errors = check_record(own, FIELDS[kind])
    if kind == "plugins" and isinstance(own.get("name"), str) and "name" not in errors:
        name = own["name"]
        if name not in plugins:
            errors["name"] = f"plugin '{name}' not enabled; add it to the 'plugins' configuration property"
        elif name in PLUGIN_CONFIGS and isinstance(own.get("config") or {}, dict):
            found = check_record(own.get("config") or {}, PLUGIN_CONFIGS[name])
            errors |= {"config": found} if found else {}
    if kind == "routes" and not errors and not any(own.get(name) for name in ROUTE_NEEDS):
        errors["@entity"] = {
            1: "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"
        }
    for child in inner:
        nested = item.get(child)
        if nested is not None and not isinstance(nested, list):
            errors[child] = "expected an array"
        elif nested and (found := _check_entities(child, nested, plugins)):
            errors[child] = found
    return errors


def _expand_url(kind: str, item: Mapping[str, Any]) -> Entity:
    """``url`` is a shorthand for protocol, host, port and path."""
    result = dict(item)
    if kind == "services" and isinstance(item.get("url"), str):
        parts = urlsplit(result.pop("url"))
        result["protocol"] = parts.scheme
        result["host"] = parts.hostname
        result["port"] = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.path:
            result["path"] = parts.path
    return result


def _lift(kind: str, item: Mapping[str, Any], flat: Entities, parent: tuple[str, str] | None = None) -> None:
    """Move entities that were written inside others to the top, with a reference to where they came from."""
    inner = NESTED.get(kind, {})
    own = {key: value for key, value in _expand_url(kind, item).items() if key not in inner and key[:1] != "_"}
    if parent:
        own[parent[0]] = {"id": parent[1]}
    own["id"] = own.get("id") or _identity(kind, own)
    flat.setdefault(kind, []).append(own)
    for child, reference in inner.items():
        for nested in item.get(child) or []:
            _lift(child, nested, flat, (reference, own["id"]))


def _identity(kind: str, item: Mapping[str, Any]) -> str:
    space = uuid.uuid5(NAMESPACE, kind)
    if kind in KEYS and kind != "targets" and item.get(KEYS[kind]):
        return str(uuid.uuid5(space, str(item[KEYS[kind]])))
    return str(uuid.uuid5(space, repr(sorted(item.items(), key=lambda pair: pair[0]))))


def _duplicates(flat: Entities) -> Errors:
    errors: Errors = {}
    for kind, items in flat.items():
        key = KEYS.get(kind)
        seen: set[str] = set()
        for number, item in enumerate(items, 1):
            value = item.get(key) if key and kind != "targets" else None
            if value is not None and value in seen:
                errors.setdefault(kind, {})[number] = (
                    f"uniqueness violation: '{kind}' entity with {key} set to '{value}' already declared"
                )
            if value is not None:
                seen.add(value)
    return errors


def _resolve(flat: Entities) -> Errors:
    """Replace names by ``{"id": …}``; a name without an entity is an error under the referring entity's own name."""
    errors: Errors = {}
    for kind, references in REFERENCES.items():
        for item in flat.get(kind, []):
            for name, target in references.items():
                value = item.get(name)
                if value is None:
                    continue
                wanted = value.get("id", value.get("name")) if isinstance(value, dict) else value
                match = next((e for e in flat.get(target, []) if wanted in (e["id"], e.get(KEYS[target]))), None)
                if match is None:
                    at = item.get(KEYS.get(kind, ""), item["id"])
                    message = f"invalid reference '{name}: {wanted}' (no such entry in '{target}')"
                    found = errors.setdefault(kind, {}).setdefault(at, {})
                    found[len(found) + 1] = message
                else:
                    item[name] = {"id": match["id"]}
    return errors


def _finish(kind: str, item: Entity, now: float) -> Entity:
    if kind not in FIELDS:
        return complete(item, COMMON) | item
    result = complete(item, FIELDS[kind])
    if kind == "plugins" and item["name"] in PLUGIN_CONFIGS:
        result["config"] = complete(item.get("config") or {}, PLUGIN_CONFIGS[item["name"]])
    stamp = round(now, 3) if kind == "targets" else int(now)
    result["created_at"] = result["created_at"] or stamp
    result["updated_at"] = result["updated_at"] or stamp
    return result


def dump(entities: Entities) -> str:
    """The YAML of ``GET /config``: everything completed, references as bare ids, secrets in clear text."""
    document: dict[str, Any] = {"_format_version": "3.0", "_transform": False}
    for kind in (*ORDER, *OTHER_COLLECTIONS):
        if items := entities.get(kind):
            names = REFERENCES.get(kind, {})
            document[kind] = [
                {key: value["id"] if key in names and value else value for key, value in item.items()} for item in items
            ]
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=1 << 20)


class _Dumper(yaml.SafeDumper):
    """Writes null as ``~``, as the real gateway does, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Repeat equal values instead of referring to them."""
        return True


_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "~"))

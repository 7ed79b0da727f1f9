"""Reads the raw recordings of a real gateway, and brings what varies from run to run into one form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).with_name("fixtures")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Values that differ between two runs of the real gateway too.
VARYING = {"created_at", "updated_at", "request_id", "node_id", "hostname", "pid", "http_allocated_gc", "ip", "offset",
           "next", "allocated_slabs"}  # fmt: skip


@dataclass(frozen=True)
class Response:
    """A reply, recorded or received."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    milliseconds: float

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Recording:
    """A request and the real gateway's reply to it."""

    name: str
    method: str
    path: str
    port: int
    headers: list[tuple[str, str]]
    body: bytes
    response: Response


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    return [(name.strip(), value.strip()) for name, _unused, value in (line.partition(":") for line in lines)]


def recording(path: Path) -> Recording:
    """Read one ``.http`` file."""
    request, reply = path.read_text().split("\n# response  (", 1)
    head, _unused, body = request.removeprefix("# request\n").partition("\n\n")
    first, *lines = head.splitlines()
    method, target, _unused = first.split(" ")
    headers = _headers(lines)
    named = {name.lower(): value for name, value in headers}
    length = int(named.get("content-length", 0))
    took, _unused, rest = reply.partition(" ms)\n")
    reply_head, _unused, reply_body = rest.partition("\n\n")
    status_line, *reply_lines = reply_head.splitlines()
    _unused, status, reason = status_line.split(" ", 2)
    return Recording(
        name=path.stem,
        method=method,
        path=target,
        port=int(named["host"].rpartition(":")[2]),
        headers=headers,
        body=body.encode()[:length],
        response=Response(int(status), reason, dict(_headers(reply_lines)), reply_body.strip().encode(), float(took)),
    )


def recordings(folder: str, pattern: str) -> list[Recording]:
    """All recordings of a folder whose names fit, in their order."""
    found = [recording(path) for path in sorted((FIXTURES / folder).glob(pattern))]
    assert found, f"no recording {pattern} in {folder}"
    return found


def declarative(name: str) -> bytes:
    """The body of a recorded ``POST /config``: the very file that was used."""
    return recordings("3.9.1", f"*-POST-config-{name}.http")[0].body


def _sort_key(item: Any) -> str:
    if isinstance(item, dict):
        names = ("name", "target", "entity_name", "host", "username", "pid")
        return next((str(item[name]) for name in names if item.get(name)), json.dumps(item, sort_keys=True))
    return ""


def normalise(value: Any) -> Any:
    """Equal for two replies that say the same: varying values become their type, tables by id become lists."""
    if isinstance(value, list):
        items = [normalise(item) for item in value]
        return sorted(items, key=_sort_key) if all(isinstance(item, dict) for item in items) else items
    if not isinstance(value, dict):
        return value
    if value and all(UUID.fullmatch(key) for key in value):
        return normalise(list(value.values()))
    # Identifiers of plugins and targets are stable in the double too, but other ones.
    other_id = "target" in value or ("config" in value and "name" in value)
    return {
        key: type(item).__name__ if (key in VARYING and item is not None) or (key == "id" and other_id)
        else normalise(item)
        for key, item in value.items()
    }  # fmt: skip


def shape(value: Any) -> Any:
    """Keys and types only."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if type(value) in (int, float) else type(value).__name__

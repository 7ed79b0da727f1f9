# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read an environment file as data: never evaluated, never interpolated, never rewritten beyond one value. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LINE = re.compile(
    rb"^(?P<head>\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\s*[=:][ \t]*)(?P<value>[^\r\n]*)", re.ASCII
)
_QUOTED = re.compile(r'"(?P<double>(?:[^"\\]|\\.)*)"|\'(?P<single>(?:[^\'\\]|\\.)*)\'')
_BOM = b"\xef\xbb\xbf"


def parse(content: bytes) -> dict[str, str]:
    """Return name → value as written, quotes and trailing comments taken off.

    Bytes that are no UTF-8 become surrogates, so that nothing is lost and nothing raises.
    """
    found = {}
    for line in content[len(_BOM) :].splitlines() if content.startswith(_BOM) else content.splitlines():
        match = _LINE.match(line)
        if match:
            name = match.group("name").decode("ascii")
            found[name] = _unquote(match.group("value").decode("utf-8", "surrogateescape"))
    return found


def _unquote(raw: str) -> str:
    """Return a value as Compose reads it; in single quotes only the quote itself can be escaped."""
    raw = raw.strip()
    quoted = _QUOTED.match(raw)
    if not quoted:
        return re.split(r"\s#", raw, maxsplit=1)[0].rstrip()
    escapes = r"\\(')" if raw[0] == "'" else r"\\([\"\\$])"
    return re.sub(escapes, r"\1", quoted.group("double") or quoted.group("single") or "")


def with_values(content: bytes, values: Mapping[str, str]) -> bytes:
    """Return content with the given variables set, every other byte as it was.

    A value is written in single quotes where Compose would otherwise read something else into it.
    """
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines):
        body = line[len(_BOM) :] if number == 0 and line.startswith(_BOM) else line
        match = _LINE.match(body)
        name = match.group("name").decode("ascii") if match else ""
        if match and name in values:
            start = len(line) - len(body)
            quoted = _quote(values[name]).encode("utf-8", "surrogateescape")
            lines[number] = line[: start + match.end("head")] + quoted + line[start + match.end("value") :]
    return b"".join(lines)


def taking(content: bytes, other: bytes) -> bytes:
    """Return content with the values that another file has for its variables; those that it alone has stay."""
    here, there = parse(content), parse(other)
    return with_values(content, {name: there[name] for name in here if there.get(name, here[name]) != here[name]})


def _quote(value: str) -> str:
    """Return a value so that Compose reads it back; single quotes cannot hold their own kind or end in a backslash."""
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,=-]*", value):
        return value
    if "'" in value or value.endswith("\\"):
        return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'
    return f"'{value}'"

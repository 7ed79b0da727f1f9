# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read an environment file as data: never evaluated, never interpolated, never rewritten beyond one value. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# A value in quotes may have several lines, as a certificate's; lines within it are no assignments.
_ASSIGNMENT = re.compile(
    rb"(?P<head>(?:\A(?:\xef\xbb\xbf)?|(?<=[\r\n]))[^\S\r\n]*(?:export[^\S\r\n]+)?"
    rb"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[^\S\r\n]*[=:][ \t]*)"
    rb"(?P<value>(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')?[^\r\n]*)",
    re.ASCII | re.DOTALL,
)
_BOM = b"\xef\xbb\xbf"
_REFERENCE = re.compile(rb"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_QUOTED = re.compile(r'"(?P<double>(?:[^"\\]|\\.)*)"|\'(?P<single>(?:[^\'\\]|\\.)*)\'', re.DOTALL)


def parse(content: bytes) -> dict[str, str]:
    """Return name → value as written, quotes and trailing comments taken off.

    Bytes that are no UTF-8 become surrogates, so that nothing is lost and nothing raises.
    """
    return {name: _unquote(value.decode("utf-8", "surrogateescape")) for name, value in _written(content).items()}


def _written(content: bytes) -> dict[str, bytes]:
    """Return name → value with its quotes, and with what stands behind it in its line."""
    return {match["name"].decode("ascii"): match["value"] for match in _ASSIGNMENT.finditer(content)}


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
    return _with(content, {name: _quote(value).encode("utf-8", "surrogateescape") for name, value in values.items()})


def with_assignments(content: bytes, other: bytes, names: Iterable[str]) -> bytes:
    """Return content with the given variables as another file writes them: references to variables stay references.

    What they refer to and content does not have comes before it, for Compose fills in what it has read already.
    """
    here, there = _written(content), _written(other)
    taken = {name: there[name] for name in names if name in there}
    lacking = [name for name in made_of(other, [name for name in taken if name in here]) if name not in here]
    first = b"".join(name.encode() + b"=" + there[name] + b"\n" for name in reversed(lacking))
    rest = _with(content, taken)
    return _BOM + first + rest[len(_BOM) :] if first and rest.startswith(_BOM) else first + rest


def made_of(content: bytes, names: Iterable[str]) -> list[str]:
    """Return the names, and those of the file's variables that their values refer to, at any distance."""
    there = _written(content)
    found: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found.append(name)
        value = there.get(name, b"")
        # In single quotes nothing is filled in.
        named = [] if value.startswith(b"'") else [one.decode("ascii") for one in _REFERENCE.findall(value)]
        waiting += [one for one in named if one in there]
    return found


def _with(content: bytes, written: Mapping[str, bytes]) -> bytes:
    return _ASSIGNMENT.sub(
        lambda match: match["head"] + written.get(match["name"].decode("ascii"), match["value"]), content
    )


def taking(content: bytes, other: bytes) -> bytes:
    """Return content with the values that another file has for its variables; those that it alone has stay."""
    here, there = parse(content), parse(other)
    return with_assignments(content, other, [name for name in here if there.get(name, here[name]) != here[name]])


def _quote(value: str) -> str:
    """Return a value so that Compose reads it back; single quotes cannot hold their own kind or end in a backslash."""
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,=-]*", value):
        return value
    if "'" in value or value.endswith("\\"):
        return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'
    return f"'{value}'"

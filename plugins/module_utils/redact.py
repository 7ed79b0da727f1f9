# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep secrets out of everything that people or logs see. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

MASK = "********"
SHORTEST_SECRET = 6

_NAME = re.compile(
    r"pass(wor[dt]s?|wd|phrase)?($|[^a-z])|pwd|secret|token|credential|private|(^|[^a-z])auth|"
    r"(^|[^a-z])(api|access|signing|encryption|license)?[-_.]?key($|[^a-z]|s$)|apikey|dsn($|[^a-z])|cookie|session|bearer",
    re.IGNORECASE,
)
# Up to the last @: a password may hold one, or a slash.
_URL_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s]+@", re.IGNORECASE)
_URL_QUERY = re.compile(r"(?P<name>[?&][A-Za-z0-9_.-]+=)[^&\s]+")
# "x-api-key:sk-…", "Authorization: Bearer …": how Kong's request-transformer carries headers.
_PAIR = re.compile(r"^(?P<name>[A-Za-z0-9_.-]{1,64})\s*[:=]\s*(?P<value>\S.*)$", re.DOTALL)
# "redis-server --requirepass …", "--password=…": what a command line gives away.
_OPTION = re.compile(r"(?<!\S)(?P<option>--?(?P<name>[A-Za-z][\w-]*)(?:=|[ \t]+))(?!-)(?:\"[^\"]*\"|'[^']*'|\S+)")
_BARE_OPTION = re.compile(r"--?([A-Za-z][\w-]*)")
# The client's short form is no name that tells anything.
_CLIENT = "redis-cli"
_CLIENT_AUTH = re.compile(rf"(?P<option>\b{_CLIENT}(?:[ \t]+\S+)*?[ \t]+-a[ \t]+)(?:\"[^\"]*\"|'[^']*'|\S+)")
# A field of a document, also of one that cannot be parsed.
_FIELD = re.compile(
    r"""(?:^|[{,])[ \t]*-?[ \t]*["']?(?P<name>[\w.-]+)["']?[ \t]*:[ \t]*["']?(?P<value>[^"'\s#{\[][^"'\n]*)""",
    re.MULTILINE,
)
_DOCUMENT = re.compile(r"\n.*\S|^\s*[{\[].*[}\]]\s*$", re.DOTALL)
_TOKEN = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_+/=.~-]{20,}$")
_PEM_KEY = "PRIVATE KEY-----"
_WORDS = re.compile(r"[/.:]")


def is_secret_name(name: str) -> bool:
    """Say whether a variable or field of this name usually holds a secret."""
    return bool(_NAME.search(name))


def shown(name: str, value: Any) -> str:
    """Return value as it may be shown under name: masked by its name, its shape, or the part that is secret."""
    text = "" if value is None else str(value)
    if not text:
        return text
    # A whole document in one variable, as Kong's configuration: what in it is secret has names of its own.
    if _secret_fields(text) or _PEM_KEY in text:
        return MASK
    if is_secret_name(next((part for part in reversed(name.split(".")) if not part.isdigit()), "")):
        return MASK
    pair = _PAIR.match(text)
    if pair and is_secret_name(pair.group("name")):
        return f"{pair.group('name')}:{MASK}"
    if _TOKEN.match(text) and not _WORDS.search(text):
        return MASK
    return _hide_parts(text)


def field_secrets(text: str) -> list[str]:
    """Return the values of fields with a secret name in a document, YAML or JSON; too short ones aside."""
    return [value for value in _secret_fields(text) if len(value) >= SHORTEST_SECRET]


def _secret_fields(text: str) -> set[str]:
    if not _DOCUMENT.search(text):
        return set()
    return {match["value"].strip() for match in _FIELD.finditer(text) if is_secret_name(match["name"])}


def _hide_parts(text: str) -> str:
    """Mask the user part of a URL, and the values of query fields and command line options with a secret name."""

    def option(match: re.Match[str]) -> str:
        return match.group("option") + MASK if is_secret_name(match.group("name")) else match.group(0)

    def query(match: re.Match[str]) -> str:
        return match.group("name") + MASK if is_secret_name(match.group("name")[1:-1]) else match.group(0)

    text = _CLIENT_AUTH.sub(rf"\g<option>{MASK}", _URL_USER.sub(rf"\g<scheme>{MASK}@", text))
    return _OPTION.sub(option, _URL_QUERY.sub(query, text))


def carried_secrets(containers: Iterable[Any]) -> list[str]:
    """Return the secret values in the environments of containers."""
    return [value for item in containers for value in secret_values(item.env)]


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Return the values that must never be seen, longest first so that none hides in another.

    Of a URL with a user part, the password itself counts too, also as it reads without percent signs.
    """
    found = {value for name, value in environment.items() if shown(name, value) != value}
    found |= {secret for value in environment.values() for secret in field_secrets(value)}
    for value in list(found):
        user = _URL_USER.match(value)
        if user:
            password = user.group(0)[len(user.group("scheme")) : -1].partition(":")[2]
            found |= {password, unquote(password)}
    return sorted((value for value in found if len(value) >= SHORTEST_SECRET), key=lambda value: (-len(value), value))


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Replace every known secret in free text, a log line or a process's error for instance."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _hide_parts(text)


def scrub_tree(value: Any, secrets: list[str]) -> Any:
    """Apply scrub to every string of a JSON-like value, keys included."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, dict):
        return {scrub_tree(key, secrets): scrub_tree(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub_tree(item, secrets) for item in value]
    return value


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return a nested structure as path → scalar; list items of named things are addressed by their name.

    What follows an option with a secret name in a command, as after --requirepass, has that name in its path.
    """
    if isinstance(value, Mapping):
        items = {str(key): item for key, item in value.items()}
    elif isinstance(value, list):
        items = {_item_name(value, index): item for index, item in enumerate(value)}
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in items.items():
        flat.update(flatten(item, f"{prefix}.{key}" if prefix else key))
    return flat


def _item_name(items: list[Any], index: int) -> str:
    item = items[index]
    if isinstance(item, Mapping) and isinstance(item.get("name"), str):
        return str(item["name"])
    before = items[index - 1] if index else ""
    if not isinstance(item, str) or not isinstance(before, str):
        return str(index)
    if before == "-a" and _CLIENT in items:
        return f"{index}.auth"
    option = _BARE_OPTION.fullmatch(before)
    return f"{index}.{option.group(1)}" if option and is_secret_name(option.group(1)) else str(index)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the settings that differ, in order of name: name, old, new, both sides redacted; absent is ``(unset)``."""
    return [
        {
            "name": name,
            "old": shown(name, old[name]) if name in old else "(unset)",
            "new": shown(name, new[name]) if name in new else "(unset)",
        }
        for name in sorted(set(old) | set(new))
        if old.get(name) != new.get(name) or (name in old) != (name in new)
    ]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which further files a stack's Compose files name: environment files, labels, what they extend and include."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine import env_file
from ..libraries import yaml
from . import compose_file

# An absolute path → relative to the stack, empty where it lies outside.
Inside = Callable[[str], str]
# A doubled dollar sign is a plain one; it is matched first so that nothing after it passes for a variable.
_VARIABLE = re.compile(
    r"(?P<escaped>\$\$)|\$\{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?[^}]*\}|\$(?P<plain>[A-Za-z_]\w*)"
)


def referenced(
    compose_files: Iterable[str], read: Callable[[str], bytes | None], environment: Mapping[str, str], inside: Inside
) -> list[str]:
    """Return every further file that Compose reads beside its own, at any distance, relative to the stack.

    read(path) returns a file's content, None where it is not there. Paths in a file that is included or extended are
    relative to its directory, or to the one that the include names; absolute ones go through inside. What lies outside
    the stack is left out.
    """
    found: list[str] = []
    waiting = [(name, ".", environment) for name in compose_files]
    seen = set()
    while waiting:
        name, folder, variables = waiting.pop(0)
        if (name, folder) in seen:
            continue  # a circle
        seen.add((name, folder))
        for item in references(read(name) or b""):
            files = _places(folder, item.files, variables, inside)
            found += files
            if not item.compose or not files:
                continue
            below = [os.path.dirname(files[0]) or "."]
            if item.folder:
                below = _places(folder, [item.folder], variables, inside)
            inner = dict(variables)
            if item.included:
                settings = _places(folder, item.env_files, variables, inside)
                if not item.env_files:
                    settings = [os.path.normpath(os.path.join(part, ".env")) for part in below]
                found += settings
                for path in reversed(settings):
                    inner = {**env_file.parse(read(path) or b""), **inner}
            waiting += [(path, part, inner) for path in files for part in below]
    return found


def _places(folder: str, names: Iterable[str], variables: Mapping[str, str], inside: Inside) -> list[str]:
    """Return names in a folder of the stack as paths relative to the stack, those outside left out."""
    paths = [os.path.normpath(os.path.join(folder, fill_in(name, variables))) for name in names]
    paths = [inside(path) if os.path.isabs(path) else path for path in paths]
    return [path for path in paths if path and path.split(os.sep)[0] != ".."]


@dataclass(frozen=True)
class Reference:
    """Files that a Compose file names together, as written.

    compose: they are Compose files themselves; included: filled in from env_files too, and what they name is relative
    to folder where one is given.
    """

    files: tuple[str, ...]
    compose: bool = False
    included: bool = False
    folder: str = ""
    env_files: tuple[str, ...] = ()


def references(content: bytes) -> list[Reference]:
    """Return what a Compose file names: env_file, label_file, extends and include."""
    try:
        document = _mapping(compose_file.parse(content))
    except yaml.YAMLError:
        return []
    found = []
    included = document.get("include")
    for item in included if isinstance(included, list) else [included]:
        about = _mapping(item)
        folder = str(about.get("project_directory") or "")
        found.append(Reference(_names(item), True, True, folder, _names(about.get("env_file"))))
    for service in map(_mapping, _mapping(document.get("services")).values()):
        found += [Reference(_names(service.get(name))) for name in ("env_file", "label_file")]
        found.append(Reference(_names(_mapping(service.get("extends")).get("file")), True))
    return [item for item in found if item.files]


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return value when it is a mapping, else an empty one: a broken file refers to nothing."""
    return value if isinstance(value, Mapping) else {}


def _names(item: Any) -> tuple[str, ...]:
    if isinstance(item, str):
        return (item,)
    if isinstance(item, list):
        return tuple(name for part in item for name in _names(part))
    return _names(item.get("path")) if isinstance(item, Mapping) else ()


def fill_in(text: str, environment: Mapping[str, str]) -> str:
    """Return text with ``$NAME``, ``${NAME}`` and ``${NAME:-default}`` filled in."""

    def value(match: re.Match[str]) -> str:
        if match.group("escaped"):
            return "$"
        name = match.group("braced") or match.group("plain")
        return environment.get(name) or match.group("default") or ""

    return _VARIABLE.sub(value, text)


def solve(template: str, value: str) -> dict[str, str]:
    """Return the variable that makes template read value, when template holds exactly one; else nothing."""
    holes = [match for match in _VARIABLE.finditer(template) if not match.group("escaped")]
    if len(holes) != 1:
        return {}
    hole = holes[0]
    before, after = (part.replace("$$", "$") for part in (template[: hole.start()], template[hole.end() :]))
    if not (value.startswith(before) and value.endswith(after) and len(value) >= len(before) + len(after)):
        return {}
    name = hole.group("braced") or hole.group("plain")
    return {name: value[len(before) : len(value) - len(after)]}

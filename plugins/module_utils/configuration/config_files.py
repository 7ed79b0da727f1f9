# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files make up the stack's configuration: Compose's own, environment files, and what containers mount."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..engine import env_file
from ..engine.container import Container
from ..libraries import yaml
from ..runner import Runner
from ..stack_args import OVERRIDES, StackArgs
from . import compose_file, mounted_tree
from .lua_path import holds_code

OWN_FOLDERS = (".recovery", "logs")
# A doubled dollar sign is a plain one; it is matched first so that nothing after it passes for a variable.
_VARIABLE = re.compile(
    r"(?P<escaped>\$\$)|\$\{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?[^}]*\}|\$(?P<plain>[A-Za-z_]\w*)"
)


@dataclass(frozen=True)
class MountedPath:
    """A part of the configuration as one container mounts it: path relative to the stack, path inside.

    source: the absolute path that the container names, which may lead to path by links; covered: the places in it where
    the container sees another mount; spared: the folders in it, relative to the stack, that hold data or logs.
    """

    path: str
    inside: str
    directory: bool
    source: str = field(default="", compare=False)
    covered: tuple[str, ...] = field(default=(), compare=False)
    spared: tuple[str, ...] = field(default=(), compare=False)

    def shows(self, path: str) -> bool:
        """Say whether the container sees this file of it, a path relative to the stack, and no other in its place."""
        inside = self.place(path)
        return not any(inside == place or inside.startswith(place + "/") for place in self.covered)

    def place(self, path: str) -> str:
        """Return where the container would see a path that is relative to the stack."""
        return os.path.normpath(os.path.join(self.inside, os.path.relpath(path, self.path)))


def definition_files(stack: StackArgs, runner: Runner) -> tuple[list[str], list[str]]:
    """Return (present, absent): the files that decide what ``docker compose up`` would deploy, relative to the stack.

    .env and the override files count even when they are not named: a plain ``docker compose up`` reads them, so one
    that appears later would undo a rollback. A name that is a link counts, and so does the file behind it;
    one whose file is gone is neither present nor absent.
    """
    wanted = [*stack.definition_names, stack.wanted_env_file, stack.env_file, ".env", *OVERRIDES]

    def read(name: str) -> bytes | None:
        return runner.read(stack.path(name)) if os.path.isfile(stack.path(name)) else None

    wanted += referenced(stack.definition(), read, _parsed(read(stack.env_file)))
    present: list[str] = []
    absent: list[str] = []
    for name in dict.fromkeys(os.path.normpath(name) for name in wanted if name):
        if name.startswith("..") or os.path.isabs(name):
            continue
        if os.path.isfile(stack.path(name)):
            present.append(name)
        elif not os.path.islink(stack.path(name)):
            absent.append(name)
    behind = [stack.relative(stack.path(name)) for name in present]
    return list(dict.fromkeys([*present, *filter(None, behind)])), absent


def referenced(
    compose_files: Iterable[str], read: Callable[[str], bytes | None], environment: Mapping[str, str]
) -> list[str]:
    """Return every further file that Compose reads beside its own, at any distance, relative to the stack.

    read(path) returns a file's content, None where it is not there. Paths in a file that is included or extended are
    relative to its directory, or to the one that the include names; what lies outside the stack is left out.
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
            files = _places(folder, item.files, variables)
            found += files
            if not item.compose or not files:
                continue
            below = _places(folder, [item.folder], variables) if item.folder else [os.path.dirname(files[0]) or "."]
            inner = dict(variables)
            if item.included:
                given = _places(folder, item.env_files, variables)
                settings = given if item.env_files else _places("", [os.path.join(part, ".env") for part in below], {})
                found += settings
                inner = {**{key: value for path in settings for key, value in _parsed(read(path)).items()}, **inner}
            waiting += [(path, part, inner) for path in files for part in below]
    return found


def _places(folder: str, names: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """Return names in a folder of the stack as paths relative to the stack, those outside left out."""
    paths = [os.path.normpath(os.path.join(folder, fill_in(name, variables))) for name in names]
    return [path for path in paths if not os.path.isabs(path) and path.split(os.sep)[0] != ".."]


def _parsed(content: bytes | None) -> dict[str, str]:
    return env_file.parse(content or b"")


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


def mounted(stack: StackArgs, containers: Mapping[str, Container]) -> dict[str, list[MountedPath]]:
    """Return service → the configuration that its container mounts from the stack's directory.

    Single files always count. Directories count when they are mounted read-only, hold Kong's plugins or its declarative
    file, or are named in config_paths; the others are data or logs, also below one that counts. Of the stack's own
    directory only Kong's declarative file counts.
    """
    found: dict[str, list[MountedPath]] = {}
    for service, container in containers.items():
        found[service] = []
        declarative = container.env.get("KONG_DECLARATIVE_CONFIG", "")
        for mount in container.mounts:
            path = stack.relative(mount.source) if mount.type == "bind" and mount.source else ""
            below = mount.destination.rstrip("/") + "/"
            covered = tuple(item.destination for item in container.mounts if item.destination.startswith(below))
            if path == "." and declarative.startswith(below):
                found[service] += _kong_file_alone(stack, mount.source, declarative[len(below) :], declarative, covered)
            if (
                not path
                or path == "."
                or path.split(os.sep)[0] in OWN_FOLDERS
                or _inside(stack.path(path), stack.backup_dir)
            ):
                continue
            directory = os.path.isdir(stack.path(path))
            holds_kong = "/kong/plugins" in mount.destination or declarative.startswith(below)
            holds_kong |= service == stack.kong_service and holds_code(mount.destination, container)
            if not directory or not mount.writable or holds_kong or path in stack.config_paths:
                found[service].append(MountedPath(path, mount.destination, directory, mount.source, covered))
    counted = {item.path for items in found.values() for item in items if item.directory}
    left = tuple(sorted(_written(stack, containers) - counted))
    return {name: [replace(item, spared=left) for item in items] for name, items in found.items()}


def _kong_file_alone(
    stack: StackArgs, folder: str, name: str, inside: str, covered: tuple[str, ...]
) -> list[MountedPath]:
    """Return Kong's file in the stack's own directory as if it were mounted by itself; nothing where it is not seen.

    folder: that directory as the container names it; name: the file in it, which may be a link, as Kong is told it.
    """
    source = os.path.normpath(f"{folder}/{name}")
    path = stack.relative(source)
    alone = MountedPath(path, inside, False, source, covered)
    return [alone] if path and os.path.isfile(source) and alone.shows(path) else []


def _written(stack: StackArgs, containers: Mapping[str, Container]) -> set[str]:
    """Return the stack's directories that containers mount writable."""
    mounts = [item for container in containers.values() for item in container.mounts]
    found = {stack.relative(item.source) for item in mounts if item.type == "bind" and item.writable and item.source}
    return {path for path in found - {"", "."} if os.path.isdir(stack.path(path))}


def doubtful(stack: StackArgs, containers: Mapping[str, Container]) -> list[str]:
    """Return the stack's directories that look like configuration and are none here: writable, below /etc inside.

    What a container writes there itself, certificates for instance, must not be rolled back, and nobody can tell which
    is which.
    """
    counted = set(mounted_directories(stack, containers))
    found = {
        stack.relative(mount.source)
        for container in containers.values()
        for mount in container.mounts
        if mount.type == "bind" and mount.writable and mount.destination.startswith("/etc/")
    }
    return sorted(path for path in found - counted - {"", "."} if os.path.isdir(stack.path(path)))


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def tree(stack: StackArgs, directory: str, spared: Collection[str] = ()) -> list[str]:
    """Return every name in a mounted directory that a backup can hold, files and links, relative to the stack."""
    found = mounted_tree.look(stack, [directory], spared)
    return sorted([*found.files, *found.links])


def mounted_directories(stack: StackArgs, containers: Mapping[str, Container]) -> list[str]:
    """Return the directories among what containers mount of the configuration."""
    return sorted({item.path for found in mounted(stack, containers).values() for item in found if item.directory})


def spared(stack: StackArgs, containers: Mapping[str, Container]) -> list[str]:
    """Return the folders of data or logs: mounted writable, and none of mounted_directories.

    They need not lie in one of these now: a backup may hold a directory above them that is mounted no more.
    """
    return sorted(_written(stack, containers) - set(mounted_directories(stack, containers)))


def kong_file(stack: StackArgs, containers: Mapping[str, Container]) -> str:
    """Return Kong's declarative file (relative to the stack), found through its environment; empty when not mounted."""
    kong = containers.get(stack.kong_service)
    inside = kong.env.get("KONG_DECLARATIVE_CONFIG", "") if kong else ""
    source = kong.mounted_at(inside) if kong and inside else ""
    return stack.relative(source) if source else ""

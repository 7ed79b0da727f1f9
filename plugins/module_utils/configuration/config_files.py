# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files make up the stack's configuration: Compose's own, environment files, and what containers mount."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..engine import compose, env_file
from ..engine.container import Container
from ..errors import RecoveryError
from ..libraries import yaml
from ..runner import Runner
from ..stack_args import StackArgs

OWN_FOLDERS = (".recovery", "logs")
# A doubled dollar sign is a plain one; it is matched first so that nothing after it passes for a variable.
_VARIABLE = re.compile(
    r"(?P<escaped>\$\$)|\$\{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?[^}]*\}|\$(?P<plain>[A-Za-z_]\w*)"
)


@dataclass(frozen=True)
class MountedPath:
    """A part of the configuration as one container mounts it: path relative to the stack, path inside."""

    path: str
    inside: str
    directory: bool


def definition_files(stack: StackArgs, runner: Runner) -> tuple[list[str], list[str]]:
    """Return (present, absent): the files that decide what ``docker compose up`` would deploy, relative to the stack.

    .env and the override files count even when they are not named: a plain ``docker compose up`` reads them, so one
    that appears later would undo a rollback.
    """
    wanted = [*stack.compose_files, stack.env_file, ".env", *compose.OVERRIDES]
    for name in stack.compose_files:
        if runner.exists(stack.path(name)):
            wanted += references(runner.read(stack.path(name)), _environment(stack, runner))
    present: list[str] = []
    absent: list[str] = []
    for name in dict.fromkeys(os.path.normpath(name) for name in wanted if name):
        if name.startswith("..") or os.path.isabs(name):
            continue
        (present if os.path.isfile(stack.path(name)) else absent).append(name)
    return present, absent


def _environment(stack: StackArgs, runner: Runner) -> dict[str, str]:
    path = stack.path(stack.env_file)
    return env_file.parse(runner.read(path)) if os.path.isfile(path) else {}


def references(content: bytes, environment: Mapping[str, str]) -> list[str]:
    """Return the further files that a Compose file reads: env_file, extends and include, variables filled in."""
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError:
        return []
    services = _mapping(_mapping(document).get("services")).values()
    found = [_mapping(document).get("include")]
    for service in map(_mapping, services):
        found += [service.get("env_file"), _mapping(service.get("extends"))]
    return [fill_in(name, environment) for item in found for name in _names(item)]


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return value when it is a mapping, else an empty one: a broken file refers to nothing."""
    return value if isinstance(value, Mapping) else {}


def _names(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    if isinstance(item, list):
        return [name for part in item for name in _names(part)]
    if isinstance(item, Mapping):
        return _names(item.get("path") or item.get("file"))
    return []


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
    file, or are named in config_paths; the others are data or logs.
    """
    found: dict[str, list[MountedPath]] = {}
    for service, container in containers.items():
        found[service] = []
        declarative = container.env.get("KONG_DECLARATIVE_CONFIG", "")
        for mount in container.mounts:
            path = stack.relative(mount.source) if mount.type == "bind" and mount.source else ""
            if (
                not path
                or path == "."
                or path.split(os.sep)[0] in OWN_FOLDERS
                or _inside(stack.path(path), stack.backup_dir)
            ):
                continue
            directory = os.path.isdir(stack.path(path))
            holds_kong = "/kong/plugins" in mount.destination or declarative.startswith(
                mount.destination.rstrip("/") + "/"
            )
            if not directory or not mount.writable or holds_kong or path in stack.config_paths:
                found[service].append(MountedPath(path, mount.destination, directory))
    return found


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def tree(stack: StackArgs, directory: str) -> list[str]:
    """Return every file of a mounted directory, relative to the stack; links are refused, they could lead anywhere."""
    found = []
    for parent, folders, names in os.walk(stack.path(directory)):
        for name in [*folders, *names]:
            full = os.path.join(parent, name)
            mode = os.lstat(full).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise RecoveryError(
                    f"{full} is a {'symbolic link' if stat.S_ISLNK(mode) else 'pipe or device'} inside a mounted "
                    "directory; a backup cannot hold it.",
                    "Put the file itself there.",
                )
        found += [os.path.relpath(os.path.join(parent, name), stack.dir) for name in names]
    return sorted(found)


def kong_file(stack: StackArgs, containers: Mapping[str, Container]) -> str:
    """Return Kong's declarative file (relative to the stack), found through its environment; empty when not mounted."""
    kong = containers.get(stack.kong_service)
    inside = kong.env.get("KONG_DECLARATIVE_CONFIG", "") if kong else ""
    source = kong.mounted_at(inside) if kong and inside else ""
    return stack.relative(source) if source else ""

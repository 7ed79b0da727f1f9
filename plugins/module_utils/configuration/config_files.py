# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files make up the stack's configuration: Compose's own, environment files, and what containers mount."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..engine import env_file
from ..engine.container import Container
from ..runner import Runner
from ..stack_args import OVERRIDES, StackArgs
from . import links, mounted_tree, references
from .lua_path import holds_code

OWN_FOLDERS = (".recovery", "logs")


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

    variables = env_file.parse(read(stack.env_file) or b"")
    wanted += references.referenced(stack.definition(), read, variables, partial(links.as_written, stack))
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
    """Return the stack's directories that containers mount writable, and the one in which its backups lie.

    A backup that held those before it would grow with each one, and going back to it would take the later ones away.
    """
    mounts = [item for container in containers.values() for item in container.mounts]
    found = {stack.relative(item.source) for item in mounts if item.type == "bind" and item.writable and item.source}
    found.add(stack.relative(stack.backup_dir))
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
    source = _kong_source(stack, containers)[1]
    return stack.relative(source) if source else ""


def kong_file_elsewhere(stack: StackArgs, containers: Mapping[str, Container]) -> str:
    """Return the path inside of Kong's declarative file where it is mounted, but not from the stack's directory.

    Empty where it is from there, or where it is part of the image, which comes back as a whole.
    """
    inside, source = _kong_source(stack, containers)
    return inside if source and not stack.relative(source) else ""


def kong_declares(stack: StackArgs, containers: Mapping[str, Container]) -> bool:
    """Say whether Kong is told its configuration at its start; what it is given later goes with its container."""
    kong = containers.get(stack.kong_service)
    names = ("KONG_DECLARATIVE_CONFIG", "KONG_DECLARATIVE_CONFIG_STRING")
    return kong is not None and any(kong.env.get(name) for name in names)


def _kong_source(stack: StackArgs, containers: Mapping[str, Container]) -> tuple[str, str]:
    """Return Kong's declarative file as Kong is told it, and where it lies on the host; empty where it is not."""
    kong = containers.get(stack.kong_service)
    inside = kong.env.get("KONG_DECLARATIVE_CONFIG", "") if kong else ""
    return inside, kong.mounted_at(inside) if kong and inside else ""

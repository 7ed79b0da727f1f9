# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands in the directories that containers mount: files, links that a backup can hold, and what none can."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ..stack_args import StackArgs
from . import links


@dataclass
class Tree:
    """The names in some directories, relative to the stack.

    links: link → where it leads; left_out: path → a line about what no backup holds.
    """

    files: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def look(stack: StackArgs, directories: Iterable[str], spared: Collection[str] = ()) -> Tree:
    """Return what stands in mounted directories; links are never followed, and spared folders are not looked into.

    A link that leads out of one directory may still lie, as a whole, inside another one above it.
    """
    found = Tree()
    for directory in directories:
        for parent, folders, names in os.walk(stack.path(directory)):
            folders[:] = [
                name for name in folders if os.path.relpath(os.path.join(parent, name), stack.dir) not in spared
            ]
            for name in [*folders, *names]:
                full = os.path.join(parent, name)
                _note(stack, found, directory, os.path.relpath(full, stack.dir), os.lstat(full).st_mode)
    found.left_out = {path: line for path, line in found.left_out.items() if path not in found.links}
    return found


def below(directories: Collection[str], paths: Iterable[str]) -> list[str]:
    """Return the paths that lie in one of the directories."""
    return [path for path in paths if any(path != folder and _within(path, folder) for folder in directories)]


def _note(stack: StackArgs, found: Tree, directory: str, path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        found.files.add(path)
    elif stat.S_ISLNK(mode):
        leads = _leads_inside(stack, directory, path)
        if leads:
            found.links[path] = leads
        else:
            found.left_out[path] = (
                f"{path} is a link to {os.readlink(stack.path(path))}, which no backup holds: it does not lead, by a "
                f"relative path, to a place in the mounted {directory}"
            )
    elif not stat.S_ISDIR(mode):
        found.left_out[path] = f"{path} is a pipe, socket or device, which no backup holds"


def _leads_inside(stack: StackArgs, directory: str, path: str) -> str:
    """Return where a link leads when host and container read it alike, else empty.

    An absolute path means another place inside the container, and so does one that leaves what is mounted.
    """
    leads = "" if os.path.isabs(os.readlink(stack.path(path))) else links.leads_to(stack, path)
    if not leads or not _within(leads, directory):
        return ""
    return leads if _within(os.path.realpath(stack.path(leads)), os.path.realpath(stack.path(directory))) else ""


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The links of a backup: as they led when what runs was started, not as they were pointed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..configuration import links, mounted_tree
from ..runner import Runner
from ..stack_args import StackArgs
from .captured import Captured, CapturedFile


def pointed_elsewhere(stack: StackArgs, runner: Runner, captured: Captured, path: str, sha256: str) -> bool:
    """Say whether a link was pointed at path and that is not deployed; where it led is taken then.

    sha256: of what the container sees in place of path.
    """
    link, before = links.deployed(stack, captured.links, path, sha256, runner)
    if not link:
        return False
    full = stack.path(before)
    captured.links[link] = before
    captured.files[before] = CapturedFile(runner.read(full), runner.stamp(full))
    captured.ahead[path] = captured.files.pop(path).data
    captured.notes.append(
        f"{link} leads to {path} on disk, which is ahead of what runs; kept is that it led to {before}"
    )
    return True


def in_directories(stack: StackArgs, captured: Captured) -> None:
    """Add the links inside mounted directories; what no backup can hold is what this one lacks.

    A file of the definition that is such a link has been taken with its content.
    """
    found = mounted_tree.look(stack, captured.directories, captured.spared)
    captured.links = {**found.links, **captured.links}
    known = {*captured.links, *captured.files}
    captured.lacks += [line for path, line in sorted(found.left_out.items()) if path not in known]


def as_loaded(
    stack: StackArgs,
    runner: Runner,
    captured: Captured,
    path: str,
    service: str,
    alike: Iterable[Mapping[str, Any]],
) -> None:
    """Take where a link led before it was pointed anew from an older backup, or say that nobody knows.

    alike: the backups of the same container or definition.
    """
    for item in alike:
        leads = item["links"].get(path)
        if leads and runner.exists(stack.path(leads)):
            if leads != captured.links[path]:
                captured.notes.append(
                    f"{path} leads to {captured.links[path]} on disk, which is ahead of what runs; kept is that it led "
                    f"to {leads} (from {item['id']})"
                )
            captured.links[path] = leads
            return
    captured.gaps.append(f"{path} was pointed elsewhere after {service} last read it, and where it led is not known")

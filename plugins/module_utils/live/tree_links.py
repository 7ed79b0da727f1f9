# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan has to know of live links inside mounted directories."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..configuration import config_files, mounted_tree
from ..engine.container import Container
from ..guards import Guard
from ..stack_args import StackArgs


def compare(
    stack: StackArgs,
    containers: Mapping[str, Container],
    backup: Mapping[str, Any],
    target: Mapping[str, Any],
    live: dict[str, Any],
) -> None:
    """Add to live (in build_plan's terms) what links change; backup: the record of backup_discover.

    One in place of a file is replaced, also where both show the same: what it leads to may be about to be taken away.
    One in place of a directory refuses, because everything below would be written to where it leads.
    """
    folders = sorted({*backup["directories"], *config_files.mounted_directories(stack, containers)})
    here = mounted_tree.look(stack, folders, {*backup.get("spared", ()), *config_files.spared(stack, containers)})
    wanted = target["files"]
    live["warnings"] += [
        line for path, line in here.left_out.items() if path not in wanted and line not in target["notes"]
    ]
    for path in {*here.links, *here.left_out} & {path for path, item in wanted.items() if "link" not in item}:
        if path in here.links or stack.relative(stack.path(path)) in live["extra_files"]:
            live["files"][path] = {**wanted[path], "sha256": ""}
    standing = [
        path for path in sorted({*here.links, *here.left_out} - set(wanted)) if os.path.islink(stack.path(path))
    ]
    for link in standing:
        if any(path.startswith(link + os.sep) for path in wanted):
            full = stack.path(link)
            live["guards"].append(
                Guard(
                    "link_blocked",
                    f"{link} is a link to {os.readlink(full)}, expected a directory with the backup's files.",
                    f"Take the link away: rm {full}",
                )
            )

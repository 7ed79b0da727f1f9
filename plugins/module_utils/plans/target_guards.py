# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What speaks against the files that a backup would bring back, and what is wrong with those on disk. Reads only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..configuration import config_rules
from ..gateway import kong_file
from ..guards import Guard
from ..runner import Runner
from ..stack_args import StackArgs
from .target_files import TargetFiles

ROOM = 64 << 20


def guards(
    stack: StackArgs, runner: Runner, files: TargetFiles, target: Mapping[str, Any], problem: str
) -> list[Guard]:
    """Return every guard; target: in build_plan's terms; problem: why Compose cannot read the backup's definition."""
    found = []
    if problem:
        found.append(
            Guard(
                "config_invalid",
                f"Compose cannot read the backup's definition: {problem}",
                "Choose another backup.",
            )
        )
    found += [
        Guard("config_invalid", f"{path} of the backup: {item.text}.", "Choose another backup.")
        for path in [name for name in (files.env_file, ".env") if name in target["files"]][:1]
        for item in config_rules.refusals(_findings(stack, files.content(path)))
    ]
    kong_file_path = target["kong"].get("file") or ""
    if kong_file_path in target["files"] and not target["kong"].get("proven"):
        reason = kong_file.problem(files.content(kong_file_path))
        if reason:
            found.append(
                Guard(
                    "config_invalid",
                    f"{kong_file_path} of the backup: {reason}.",
                    "Choose another backup: it never served.",
                )
            )
    found += [
        Guard(
            "link_blocked",
            f"{path} is a directory, expected a link to {item['link']}: it is not taken away with what it holds.",
            f"Move it away: mv {stack.path(path)} {stack.path(path)}.away",
        )
        for path, item in target["files"].items()
        if "link" in item and not os.path.islink(stack.path(path)) and os.path.isdir(stack.path(path))
    ]
    free = runner.free_bytes(stack.dir)
    if free < ROOM:
        found.append(
            Guard(
                "space_low",
                f"{stack.dir} has {free >> 20} MiB free, expected {ROOM >> 20}.",
                "Make room first.",
            )
        )
    return found


def live_findings(stack: StackArgs, runner: Runner) -> list[str]:
    """Return what is wrong with the live environment file; a broken stack is normal, so this only warns."""
    path = stack.path(stack.env_file)
    if not os.path.isfile(path):
        return []
    errors = [item for item in _findings(stack, runner.read(path)) if item.level == config_rules.ERROR]
    return [f"the live {stack.env_file}: {item.text}" for item in errors]


def _findings(stack: StackArgs, content: bytes) -> list[config_rules.Finding]:
    return config_rules.validate(content, stack.environment, stack.required_variables)

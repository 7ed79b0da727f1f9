# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task's result says to a person, as lines for a terminal of 80 columns. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

FLEET_WIDTH = 80
INDENT = "    "
COMMAND = "ansible-playbook "
# Modules that change a stack; taking a backup or writing a report changes none.
CHANGING = ("stack_apply", "redis_restore")
DEBUG = ("debug", "ansible.builtin.debug", "ansible.legacy.debug")


def changes(action: str) -> bool:
    """Say whether a task of this action may change a stack."""
    return action.rsplit(".", 1)[-1] in CHANGING


def said(action: str, args: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """Return what a finished task says: its progress lines; of a debug task, its message or variable."""
    lines = [str(line) for line in result.get("progress") or []]
    if action in DEBUG:
        lines += _lines(result[args["var"]] if args.get("var") in result else result.get("msg"))
    return lines


def _lines(value: Any) -> list[str]:
    """Return a value as lines: the items of a list, name and value of a mapping."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [f"{name}: {item}" for name, item in value.items() if not isinstance(item, (dict, list)) and item != ""]
    if isinstance(value, (list, tuple)):
        return [line for item in value for line in (str(item).splitlines() or [""])]
    return str(value).splitlines()


def wrapped(line: str, width: int = FLEET_WIDTH) -> list[str]:
    """Return a line in pieces that fit; a command or a path stays in one piece, to be copied."""
    label_and_path = line.count(" ") <= 1
    if len(line) <= width or label_and_path:
        return [line]
    before, command, rest = line.partition(COMMAND)
    if command:
        return [*(wrapped(before.rstrip(), width) if before.strip() else []), command + rest]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line,
        width,
        initial_indent="",
        subsequent_indent=indent + INDENT,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [line]


def failure_lines(task: str, message: str) -> list[str]:
    """Return what is said of a failed task."""
    name = task.split(" : ", 1)[-1]
    first, *further = message.splitlines() or ["no message"]
    return [f"FAILED: {name}: {first}", *further]


def lost_lines(host: str, touched: bool, task: str, why: str, runbook: str) -> list[str]:
    """Return what is said of a host that cannot be reached: nothing was changed there, or nobody knows."""
    where = f"RUNBOOK: {runbook or 'none was brought to this controller; one lies in every backup on the host'}"
    reason = [f"  {' '.join(why.split())}"] if why else []
    if not touched:
        return [f"No change made on {host}: it cannot be reached.", *reason, where]
    name = task.split(" : ", 1)[-1]
    return [
        f"{host} was lost in the task {name}. What was begun there ends by itself or waits.",
        *reason,
        "The same command again, when the host is back, goes on from there.",
        where,
    ]

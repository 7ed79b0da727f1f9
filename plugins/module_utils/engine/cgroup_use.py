# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container uses, as its control groups say: at once, where the engine takes a second for its answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

ROOT = "/sys/fs/cgroup"


def usage(pid: int, container_id: str, proc: str = "/proc", root: str = ROOT) -> dict[str, Any]:
    """Return memory and processes of a container in the shape of the engine's own figures.

    pid: of its first process. Empty where this host does not tell: the engine runs elsewhere, or keeps its groups
    where they cannot be read from here.
    """
    groups = _groups(os.path.join(proc, str(pid), "cgroup"))
    memory, pids = groups.get("memory", groups.get("")), groups.get("pids", groups.get(""))
    # A process of this number may be another one's, where the engine runs on another host.
    if memory is None or pids is None or container_id not in memory:
        return {}
    second = "memory" not in groups
    here = os.path.join(root, *([] if second else ["memory"]), memory.strip("/"))
    beside = os.path.join(root, *([] if second else ["pids"]), pids.strip("/"))
    used = text_of(os.path.join(here, "memory.current" if second else "memory.usage_in_bytes"))
    processes = text_of(os.path.join(beside, "pids.current"))
    if not used.isdigit() or not processes.isdigit():
        return {}
    most = text_of(os.path.join(beside, "pids.max"))
    fields = dict(
        line.split() for line in text_of(os.path.join(here, "memory.stat")).splitlines() if line.count(" ") == 1
    )
    return {
        "memory_stats": {"usage": int(used), "stats": _numbers(fields)},
        "pids_stats": {"current": int(processes), "limit": int(most) if most.isdigit() else 0},
    }


def _groups(path: str) -> dict[str, str]:
    """Return controller → path of its group; the one of version 2 has no name."""
    rows = [line.split(":", 2) for line in text_of(path).splitlines()]
    return {name: row[2] for row in rows if len(row) == 3 for name in row[1].split(",")}


def _numbers(fields: Mapping[str, str]) -> dict[str, int]:
    return {name: int(value) for name, value in fields.items() if value.isdigit()}


def text_of(path: str) -> str:
    """Return a file's text; empty where it cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What containers use against their limits, and what is left on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..checks import NotMeasured
from ..engine import cgroup_use
from ..engine.container import Container
from ..engine.docker_stack import DockerStack

FULL = 0.9
LEAST_BYTES, LEAST_SHARE = 256 << 20, 0.03


@dataclass(frozen=True)
class Use:
    """What one container uses: bytes and processes; a limit of 0 is none."""

    name: str
    memory: int
    memory_limit: int
    processes: int = 0
    processes_limit: int = 0


def read(name: str, limit: int, answer: Mapping[str, Any]) -> Use:
    """Read the engine's figures; page cache that can be given back is no use."""
    memory = answer.get("memory_stats") or {}
    cached = (memory.get("stats") or {}).get("inactive_file") or (memory.get("stats") or {}).get(
        "total_inactive_file", 0
    )
    pids = answer.get("pids_stats") or {}
    return Use(
        name,
        max(0, int(memory.get("usage") or 0) - int(cached or 0)),
        limit,
        int(pids.get("current") or 0),
        _limit(pids.get("limit")),
    )


def _limit(value: Any) -> int:
    """Return a limit of processes; what the kernel writes for "none" is none."""
    number = int(value or 0)
    return number if number < 1 << 31 else 0


def gather(engine: DockerStack, containers: Mapping[str, Container]) -> list[Use]:
    """Ask the kernel about all containers, and where it does not tell the engine, at the same time."""
    listed = list(containers.values())
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(listed)))) as pool:
        answers = list(pool.map(lambda item: cgroup_use.usage(item.pid, item.id) or engine.usage(item), listed))
    return [
        read(item.name, int(item.settings.get("memory") or 0), answer)
        for item, answer in zip(listed, answers)
        if answer
    ]


def judge(uses: Iterable[Use]) -> tuple[bool, str]:
    """Judge all containers; one without a limit has nothing to be measured against."""
    rows = list(uses)
    if not rows:
        raise NotMeasured("the engine gives no figures")
    wrong = [
        f"{item.name} uses {item.memory >> 20} of {item.memory_limit >> 20} MiB"
        for item in rows
        if item.memory_limit and item.memory >= FULL * item.memory_limit
    ]
    wrong += [
        f"{item.name} has {item.processes} of {item.processes_limit} processes"
        for item in rows
        if item.processes_limit and item.processes >= FULL * item.processes_limit
    ]
    shown = ", ".join(
        f"{item.name} {item.memory >> 20}{f' of {item.memory_limit >> 20}' if item.memory_limit else ''} MiB"
        for item in rows
    )
    return not wrong, "; ".join(wrong) or shown


def judge_disk(places: Iterable[str]) -> tuple[bool, str]:
    """Judge what is left where the stack and its backups lie: bytes and inodes."""
    wrong, shown = [], []
    for place in places:
        about = os.statvfs(place)
        free, size = about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize
        text = f"{place} has {free >> 20} MiB free of {size >> 20}"
        shown.append(text)
        if free < max(LEAST_BYTES, min(LEAST_SHARE * size, 4 * LEAST_BYTES)):
            wrong.append(text)
        if about.f_files and about.f_favail < LEAST_SHARE * about.f_files:
            wrong.append(f"{place} has {about.f_favail} inodes left")
    return not wrong, "; ".join(wrong or shown)

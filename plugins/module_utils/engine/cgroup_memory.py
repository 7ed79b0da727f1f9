# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much memory the control groups above this process still allow, which may be less than the host has."""

from __future__ import annotations

import os
from collections.abc import Iterator

ROOT = "/sys/fs/cgroup"
# Version 1 writes the largest number it knows where there is no limit.
NO_LIMIT = 1 << 60


def room(own: str = "/proc/self/cgroup", root: str = ROOT) -> int | None:
    """Return the bytes that the narrowest group above this process has left; None where there is no limit."""
    left = [limit - used for folder, limit, used in _limits(own, root) if folder]
    return max(0, min(left)) if left else None


def _limits(own: str, root: str) -> Iterator[tuple[str, int, int]]:
    for folder, limit_name, used_name in _folders(own, root):
        limit = _number(os.path.join(folder, limit_name))
        used = _number(os.path.join(folder, used_name))
        if limit is not None and used is not None and limit < NO_LIMIT:
            yield folder, limit, used - _reclaimable(folder)


def _folders(own: str, root: str) -> Iterator[tuple[str, str, str]]:
    """Yield (folder, name of its limit, name of its use) from this process's group up to the root, both versions."""
    try:
        with open(own, encoding="utf-8", errors="replace") as handle:
            lines = [line.rstrip("\n").split(":", 2) for line in handle]
    except OSError:
        return
    for number, controllers, path in (parts for parts in lines if len(parts) == 3):
        if number == "0":
            base, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            base, names = os.path.join(root, "memory"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        inside = path.strip("/")
        while True:
            yield os.path.join(base, inside), *names
            if not inside:
                break
            inside = os.path.dirname(inside)


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as handle:
            text = handle.read().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _reclaimable(folder: str) -> int:
    """Return the bytes of cached files, which the kernel gives back first."""
    try:
        with open(os.path.join(folder, "memory.stat"), encoding="ascii") as handle:
            fields = dict(line.split() for line in handle)
    except (OSError, ValueError):
        return 0
    return int(fields.get("inactive_file", fields.get("total_inactive_file", "0")))

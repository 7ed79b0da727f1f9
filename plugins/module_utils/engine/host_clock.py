# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Did this host's clock jump? Compared with the clock since its start, which nobody sets."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ..runner import Runner
from ..stack_args import StackArgs
from ..times import parse_time, span

PATH = ".recovery/clock.json"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
SLACK = timedelta(minutes=5)


def reading(runner: Runner, now: datetime) -> dict[str, Any]:
    """Return wall time, boot id and seconds since boot."""
    boot = runner.read(BOOT_ID).decode("ascii").strip()
    return {
        "wall": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "boot": boot,
        "seconds": time.clock_gettime(time.CLOCK_BOOTTIME),
    }


def jump(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return how the clock moved between two readings, when that is not how time passed; else empty.

    After a new start of the host only a clock that went backwards shows.
    """
    first, second = parse_time(str(before.get("wall", ""))), parse_time(str(after["wall"]))
    if first is None or second is None:
        return ""
    moved = second - first
    passed = timedelta(0)
    if before.get("boot") == after["boot"]:
        passed = timedelta(seconds=float(after["seconds"]) - float(before["seconds"]))
        if moved - passed > SLACK:
            return f"this host's clock jumped ahead by {span((moved - passed).total_seconds())}"
    if passed - moved > SLACK:
        return f"this host's clock went back by {span((passed - moved).total_seconds())}"
    return ""


def remembered(stack: StackArgs, runner: Runner) -> dict[str, Any]:
    """Return the reading of the last time that the clock was found right; empty when there is none."""
    try:
        found = json.loads(runner.read(stack.path(PATH)))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(stack: StackArgs, runner: Runner, now: Mapping[str, Any]) -> None:
    """Keep a reading for the next time."""
    runner.make_dir(os.path.dirname(stack.path(PATH)), 0o700)
    runner.write(stack.path(PATH), json.dumps(now, sort_keys=True).encode() + b"\n")

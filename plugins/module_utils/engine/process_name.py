# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of processes that outlive the reuse of their numbers, and of the machine that the numbers belong to."""

from __future__ import annotations

import os
import time

BOOT_ID = "/proc/sys/kernel/random/boot_id"
ZOMBIE = ("Z", "X")


def process_id(pid: int) -> str:
    """Return a name of a process that another one with the same number does not have; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            fields = handle.read().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] in ZOMBIE else f"{pid}:{fields[19]}"


def alive(name: str) -> bool:
    """Say whether the process of that name still exists, stopped ones included."""
    number = name.partition(":")[0]
    return number.isdigit() and process_id(int(number)) == name


def machine_id() -> str:
    """Return what two processes share that can see each other's numbers: this boot and this process namespace."""
    with open(BOOT_ID, encoding="ascii") as handle:
        boot = handle.read().strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}"


def uptime() -> float:
    """Return seconds since this machine booted, sleep included: no clock that somebody sets moves it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

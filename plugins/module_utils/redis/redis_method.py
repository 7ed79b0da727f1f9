# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How live data is to be changed, and whether it may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import RecoveryError
from ..guards import Guard

KEEP, RESTORE, MERGE, EMPTY = "keep", "restore", "merge", "empty"
# Takes a change back: the snapshot's keys return, those that the change brought go, what clients wrote since stays.
UNDO = "undo"
AUTO, DELTA, FILE = "auto", "delta", "file"
# Up to here a transaction holds other clients up for less than half a second (docs/performance-redis.md).
DELTA_KEYS, DELTA_BYTES = 50_000, 64 << 20
# From here on the data are placed as a file: Kong is off anyway, and a file is read faster than commands.
FILE_KEYS = 400_000
MANY = f"more than {FILE_KEYS:,} keys differ"
# What a command of the transaction takes beside key and value until it is executed.
QUEUED_BYTES = 350


def wanted_mode(given: str, preserve: bool, backup: Mapping[str, Any], touches_redis: bool = True) -> str:
    """Return the mode for a run: what is given, else what takes a snapshot's run back, else the inventory's.

    touches_redis: False where the run is limited to other services; the data then stays.
    """
    if not touches_redis:
        if given not in ("", KEEP):
            raise RecoveryError(
                f"redis_data={given} contradicts services, which leaves Redis out.",
                "Name the Redis service too, or neither.",
            )
        return KEEP
    if given:
        return given
    if backup.get("kind") == "rollback":
        return str(backup.get("undo_data") or KEEP)
    return KEEP if preserve else EMPTY


def contradiction(preserve: bool | None, given: str) -> str:
    """Return why these two settings of one command cannot both be meant; None and empty stand for not given."""
    if preserve is None or given not in (KEEP, MERGE, RESTORE, EMPTY) or preserve == (given in (KEEP, MERGE)):
        return ""
    return f"preserve_data={str(preserve).lower()} contradicts redis_data={given}."


def choose(method: str, running: bool, why_not: str, managed: bool = False) -> tuple[str, str]:
    """Return (delta or file, why)."""
    if managed:
        if method == FILE:
            raise RecoveryError(
                "The files of a Redis outside the project cannot be replaced.", "Leave method out: a delta is used."
            )
        if not running:
            raise RecoveryError(f"The Redis outside the project cannot answer: {why_not}", "Bring it back first.")
        return DELTA, "Redis is outside the project: only a delta applies"
    if method == DELTA:
        return DELTA, "asked for"
    if method == FILE:
        return FILE, "asked for"
    return (DELTA, "Redis runs") if running else (FILE, f"Redis cannot answer: {why_not}")


def kong_must_be_off(method: str, keys: int, size: int, limit: int) -> bool:
    """Say whether Redis would be away or blocked so long that Kong must not serve meanwhile."""
    return method == FILE or keys > limit or size > DELTA_BYTES


def room_problem(about: Mapping[str, Any], container_limit: int, writes: int, size: int) -> str:
    """Return why a delta cannot fit into the live server's memory; empty when it can.

    The transaction lies in its memory beside what it writes until it is executed.
    """
    growth = 2 * size + writes * QUEUED_BYTES
    limit, used = int(about.get("maxmemory") or 0), int(about.get("used_memory") or 0)
    if limit and used + growth > limit:
        return _full(about, used, growth, limit)
    resident = int(about.get("used_memory_rss") or used)
    if container_limit and resident + growth > container_limit:
        return (
            f"The Redis container may use {container_limit >> 20} MiB and uses {resident >> 20}; "
            f"{growth >> 20} MiB more would have it killed."
        )
    return ""


def file_room_problem(about: Mapping[str, Any], container_limit: int, size: int) -> str:
    """Return why a whole data set of so many bytes does not fit into the live server; empty when it does."""
    limit = int(about.get("maxmemory") or 0)
    if limit and size > limit:
        return _full(about, 0, size, limit)
    if container_limit and size > container_limit:
        return f"The Redis container may use {container_limit >> 20} MiB, the data needs {size >> 20}."
    return ""


def _full(about: Mapping[str, Any], used: int, growth: int, limit: int) -> str:
    policy = str(about.get("maxmemory_policy") or "noeviction")
    end = "it would refuse writes" if policy == "noeviction" else f"keys would be evicted ({policy})"
    return f"Redis may use {limit >> 20} MiB and uses {used >> 20}; {growth >> 20} MiB more do not fit: {end}."


def alive_text(alive: int | None, expired: int | None) -> str:
    """Return how much of a backup still lives, in words; empty where the server does not say."""
    if alive is None or expired is None:
        return ""
    return f" ({alive:,} of the backup's {alive + expired:,} keys are still alive)"


def line(mode: str, before: int | None, after: int | None, keep_command: str, alive: str = "") -> str:
    """Return the first line of a plan: what happens to the mappings, in words; alive comes from alive_text."""
    now = f"{before:,}" if before is not None else "an unknown number of"
    then = f" {after:,}" if after is not None else ", an unknown number"
    if mode == KEEP:
        return f"DATA: KEEP - {now} live mappings stay"
    copy = f"a copy is kept in the snapshot; to keep them: {keep_command}"
    if mode == EMPTY:
        return f"DATA: EMPTY - {now} live mappings leave service, alias counters stay; {copy}"
    if mode == MERGE:
        return f"DATA: MERGE - {now} live mappings stay, with the backup's there are{then}{alive}; a live one wins"
    if mode == UNDO:
        return f"DATA: UNDO - {now} live mappings, with the snapshot's{then}{alive}; what clients wrote since stays"
    return f"DATA: RESTORE - {now} live mappings are replaced by the backup's{then}{alive}; {copy}"


def loss_guard(mode: str, before: int | None, after: int | None) -> list[Guard]:
    """Refuse a restore that loses over half of the mappings: an old backup holds few, they live 24 h."""
    if mode != RESTORE or before is None or after is None or after * 2 >= before:
        return []
    reason = f"After the restore {after:,} mappings would live, now there are {before:,}."
    return [
        Guard(
            "mappings_loss", reason, "Keep them (-e redis_data=keep), or add the backup's (playbooks/recover_data.yml)."
        )
    ]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How live data is to be changed, and whether it may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import RecoveryError
from .guards import Guard

KEEP, RESTORE, MERGE, EMPTY = "keep", "restore", "merge", "empty"
# Takes a change back: the snapshot's keys return, those that the change brought go, what clients wrote since stays.
UNDO = "undo"
AUTO, DELTA, FILE = "auto", "delta", "file"
DELTA_KEYS, DELTA_BYTES = 50_000, 64 << 20


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


def choose(method: str, running: bool, why_not: str) -> tuple[str, str]:
    """Return (delta or file, why)."""
    if method == DELTA:
        return DELTA, "asked for"
    if method == FILE:
        return FILE, "asked for"
    return (DELTA, "Redis runs") if running else (FILE, f"Redis cannot answer: {why_not}")


def kong_must_be_off(method: str, keys: int, size: int, limit: int) -> bool:
    """Say whether Redis would be away or blocked so long that Kong must not serve meanwhile."""
    return method == FILE or keys > limit or size > DELTA_BYTES


def line(mode: str, before: int | None, after: int | None, keep_command: str) -> str:
    """Return the first line of a plan: what happens to the mappings, in words."""
    now = f"{before:,}" if before is not None else "an unknown number of"
    then = f" {after:,}" if after is not None else ", an unknown number"
    if mode == KEEP:
        return f"DATA: KEEP - {now} live mappings stay"
    copy = f"a copy is kept in the snapshot; to keep them: {keep_command}"
    if mode == EMPTY:
        return f"DATA: EMPTY - {now} live mappings leave service, alias counters stay; {copy}"
    if mode == MERGE:
        return f"DATA: MERGE - {now} live mappings stay, with the backup's there are{then}; a live one wins"
    if mode == UNDO:
        return f"DATA: UNDO - {now} live mappings, with the snapshot's{then}; what clients wrote since stays"
    return f"DATA: RESTORE - {now} live mappings are replaced by the backup's{then}; {copy}"


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

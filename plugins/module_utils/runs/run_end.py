# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The end of a run: its outcome in the journal, the lock given back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..checks import not_measured, passed
from ..engine.process_name import uptime
from ..runner import Runner
from ..stack_args import StackArgs
from .journal import Journal, beginning
from .lock import StackLock

BACK, NOT_BACK, UNKNOWN = "back", "not back", "not measured"


def outcome(result: Mapping[str, Any]) -> str:
    """Return completed, nothing to do, refused, undone or failed; what had changed something was not merely refused."""
    if result["undone"] and result["failure"]:
        return "undone"
    if result["failure"]:
        return "refused" if result["plan"].get("refusals") and not result["applied"] else "failed"
    return "completed" if result["plan"].get("actions") else "nothing to do"


def service(result: Mapping[str, Any]) -> str:
    """Return whether the service is back, as measured; after an undo the checks tell of the restored state."""
    if not result["checks"]:
        return NOT_BACK if result["applied"] else UNKNOWN
    return BACK if passed(result["checks"]) and not (result["failure"] and not result["undone"]) else NOT_BACK


def end(stack: StackArgs, runner: Runner, params: Mapping[str, Any], dry: bool) -> dict[str, Any]:
    """Write the outcome and give the lock back; with dry do neither. Return the result of recovery_journal."""
    run, result = params["run"], params["result"]
    found = {"outcome": outcome(result), "service": service(result)}
    if dry or not run.get("id"):
        return {"run": {}, "log": "", **found}
    journal = Journal(stack, run["id"])
    lock = StackLock(stack, runner)
    try:
        now = uptime()
        journal.append(
            "end",
            **found,
            not_measured=not_measured(result["checks"]),
            seconds=round(now - float(beginning(journal.events()).get("mono") or now), 3),
            failure=result["failure"],
            backup_id=result["backup_id"],
            snapshot_id=result["snapshot_id"],
            checks=result["checks"],
            half_way=bool(result["failure"] and result["applied"] and not result["decided"]),
        )
    finally:
        lock.release(run["id"], run["fence"])
    return {"changed": False, "run": dict(run), "log": f"{os.uname().nodename}:{journal.log}", **found}

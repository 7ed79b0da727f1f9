# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The beginning of a run: the lock, what an interrupted run left, the journal."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ..backups import backup
from ..backups.backup_store import BackupStore
from ..errors import RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs
from ..times import parse_time
from .continuation import NONE, REFUSE, Continuation, decide, taken
from .journal import Journal, beginning, beginnings, wall
from .journal_lines import ended, phase_result
from .lock import StackLock
from .take_back import DATA_ALONE

ROLLBACKS = ("rollback", "force_rollback")
PREFIX = {"rollback": "rollback", "force_rollback": "rollback"}
INTERRUPTED = {"outcome": "failed", "service": "not measured", "not_measured": 0, "seconds": 0.0}


def _carried(going_on: Continuation) -> dict[str, Any]:
    """Return what the next run has to know should this one be interrupted too; empty where it begins afresh."""
    if going_on.how == NONE:
        return {}
    about = going_on.as_dict()
    return {name: about[name] for name in ("snapshot", "deployment", "before", "data_done", "data_changed", "brought")}


def free_id(stack: StackArgs, kind: str, now: datetime) -> str:
    """Return a run's id of this second, or of the next one that neither a journal nor a snapshot has."""
    snapshots = os.path.join(stack.backup_dir, backup.FOLDERS["rollback"])
    while True:
        run = f"{PREFIX.get(kind, kind)}-{now.strftime('%Y%m%d-%H%M%S')}"
        if not os.path.lexists(Journal(stack, run).path) and not os.path.lexists(os.path.join(snapshots, run)):
            return run
        now += timedelta(seconds=1)


def unfinished(stack: StackArgs, kinds: tuple[str, ...] = ROLLBACKS) -> tuple[str, list[dict[str, Any]]]:
    """Return (run, events) of these kinds' newest run where it never ended; ("", []) where it did or there is none."""
    # By the lock's number, which only grows: clocks are set back, and names follow them.
    begun = [
        (int(first.get("fence") or 0), -place, run)
        for place, (run, first) in enumerate(beginnings(stack))
        if first.get("kind") in kinds
    ]
    run = max(begun)[2] if begun else ""
    events = Journal(stack, run).events() if run else []
    return ("", []) if not run or ended(events) else (run, events)


def left_over(
    stack: StackArgs, runner: Runner, params: Mapping[str, Any], now: datetime
) -> tuple[Continuation, list[dict[str, Any]]]:
    """Return what to do about an interrupted rollback, and its events."""
    run, events = unfinished(stack)
    if not run:
        return Continuation(), []
    since = parse_time(str(beginning(events).get("wall") or ""))
    seconds = (now - since).total_seconds() if since else 0.0
    newer = _deployed_since(stack, runner, since, taken(events))
    arguments = {**params["arguments"], "force": params["force"]}
    return decide(run, events, arguments, params["on_unfinished"], seconds, newer), events


def _deployed_since(stack: StackArgs, runner: Runner, since: datetime | None, snapshot: Mapping[str, Any]) -> str:
    """Return the id of a deployment backup of this stack that was taken after a run's snapshot; empty for none.

    Backups tell their order by their numbers; by the time only where the run's own is not known.
    """
    found = ""
    for item in BackupStore(stack.backup_dir, runner).manifests():
        own = (item.get("environment"), item.get("project"), item.get("host")) == (
            stack.environment,
            stack.project,
            os.uname().nodename,
        )
        if not own or item.get("kind") != "deploy":
            continue
        if isinstance(snapshot.get("sequence"), int) and isinstance(item.get("sequence"), int):
            later = item["sequence"] > snapshot["sequence"]
        else:
            created = parse_time(str(item.get("created") or ""))
            later = bool(created and since and created > since)
        found = str(item["id"]) if later else found
    return found


def begin(stack: StackArgs, runner: Runner, params: Mapping[str, Any], dry: bool) -> dict[str, Any]:
    """Begin a run, or with dry only say what would stand in its way; return the result of recovery_journal."""
    now = datetime.now(timezone.utc)
    host = os.uname().nodename
    if not os.path.isdir(stack.dir):
        raise RecoveryError(
            f"There is no directory {stack.dir} on {host}.", "Check stack_dir in the inventory of this environment."
        )
    notes: list[str] = []
    lock = StackLock(stack, runner, notes.append)
    if dry:
        holder = lock.holder()
        # A run that holds the lock has not ended yet, which is not to say that it was interrupted.
        going_on = Continuation() if holder else _continuation(stack, runner, params, now)[0]
        notes += [f"The lock is held by {holder}; the real run would wait for it or be refused."] if holder else []
        notes += [going_on.why] if going_on.why else []
        return {"run": {}, "continuation": going_on.as_dict(), "log": "", "notes": notes}
    run, fence = free_id(stack, params["kind"], now), 0
    try:
        fence = lock.acquire({"run": run, "kind": params["kind"]}, params["controller"], wall(), params["force"])
        journal = Journal(stack, run)
        journal.prepare()
    except OSError as exc:
        if fence:
            with contextlib.suppress(OSError):
                lock.release(run, fence)
        raise RecoveryError(
            f"Neither lock nor journal can be written in {stack.dir} on {host}: {exc.strerror}. Nothing was changed.",
            "Make room there, or correct the owner of .recovery/ and logs/.",
        ) from exc
    try:
        going_on, events = _continuation(stack, runner, params, now)
    except RecoveryError:
        lock.release(run, fence)
        raise
    by = {name: params["controller"].get(name, "") for name in ("user", "host")}
    journal.append(
        "begin",
        run=run,
        kind=params["kind"],
        environment=stack.environment,
        project=stack.project,
        host=host,
        by=by,
        arguments={**params["arguments"], "force": params["force"]},
        fence=fence,
        timeout=params["timeout"],
        detected_at=params["detected_at"],
        resumes=going_on.run if going_on.how != NONE else "",
        carries=_carried(going_on),
    )
    if events:
        # Only now: killed before this line, the next run still finds that one.
        Journal(stack, going_on.run).append("end", **INTERRUPTED, failure=f"interrupted; {run} followed")
    notes += [going_on.why] if going_on.why else []
    for text in notes:
        journal.append("warning", text=text)
    return {
        "changed": False,
        "run": {"id": run, "fence": fence},
        "continuation": going_on.as_dict(),
        "log": f"{host}:{journal.log}",
        "notes": notes,
    }


def _continuation(
    stack: StackArgs, runner: Runner, params: Mapping[str, Any], now: datetime
) -> tuple[Continuation, list[dict[str, Any]]]:
    """Return what to do about an interrupted run of the same sort; raise where it is to be refused.

    A change of the data alone begins afresh: it compares with what is there. The copy of before is named for people.
    """
    if params["kind"] == DATA_ALONE:
        run, events = unfinished(stack, (DATA_ALONE,))
        copy = str((phase_result(events, "snapshot").get("backup") or {}).get("id") or "")
        left = f"its copy of before is {copy}" if copy else "it had changed nothing"
        return Continuation(run=run, why=f"{run} was interrupted; {left}" if run else ""), events
    going_on, events = left_over(stack, runner, params, now)
    if going_on.how == REFUSE:
        raise RecoveryError(
            f"{going_on.why}.", "Choose: -e recovery_on_unfinished=resume, supersede or undo.", run=going_on.run
        )
    return going_on, events

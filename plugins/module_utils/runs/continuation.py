# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a new run does about one that never ended. Pure.

The first snapshot is the way back to what ran before all of it, so no later run takes another one over a half-changed
stack. What was not begun has changed nothing and is only noted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .journal_lines import BEGIN, STEP, began, first_checks, phase_result, since, steps_done

NONE, RESUME, SUPERSEDE, UNDO, REFUSE = "none", "resume", "supersede", "undo", "refuse"
SETTINGS = ("auto", RESUME, SUPERSEDE, UNDO, REFUSE)
# An older one is history: whatever it left has been looked at since.
LONGEST_HOURS = 12
DATA = "replace_data"
COMPARED = ("deployment", "services", "redis_data", "redis_scope", "keep_secrets")


@dataclass(frozen=True)
class Continuation:
    """how: none, resume, supersede, undo or refuse; run: the unfinished one; deployment: the target to take instead.

    snapshot: the backup that leads back to before it all; before: the checks of that state; data_done: this run has
    nothing to change in the data any more; data_changed: they may not be those of the snapshot; brought: the dump that
    changed them, empty for none; why: for people.
    """

    how: str = NONE
    run: str = ""
    deployment: str = ""
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    before: Sequence[Mapping[str, Any]] = ()
    data_done: bool = False
    data_changed: bool = False
    brought: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as modules return it."""
        return asdict(self)


def taken(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the snapshot that leads back to before a run, and to before those that it went on with."""
    first = next((item for item in events if item["event"] == BEGIN), {})
    return (first.get("carries") or {}).get("snapshot") or phase_result(events, "snapshot").get("backup") or {}


def decide(
    run: str,
    events: Sequence[Mapping[str, Any]],
    arguments: Mapping[str, Any],
    setting: str,
    seconds: float,
    newer: str,
) -> Continuation:
    """Return what to do about an unfinished run.

    events: its journal; arguments: the new run's; setting: recovery_on_unfinished; seconds: how long ago it began;
    newer: the id of a deployment backup taken since, empty for none.
    """
    first = next((item for item in events if item["event"] == BEGIN), {})
    # A run that went on with another one carries what that one had; its own phases may not have come so far.
    carried = first.get("carries") or {}
    snapshot = taken(events)
    if not snapshot or not (carried or began(events, "apply")):
        return Continuation(run=run, why=f"{run} was interrupted before it changed anything")
    if newer:
        return Continuation(run=run, why=f"{run} was never finished, but a deployment followed it: {newer}")
    if seconds > LONGEST_HOURS * 3600:
        return Continuation(run=run, why=f"{run} was never finished, but that is over {LONGEST_HOURS} h ago")
    found = phase_result(events, "discover").get("backup") or {}
    target = str(found.get("id") or carried.get("deployment") or "")
    changed = bool(carried.get("data_done")) or any(item["action"] == DATA for item in steps_done(events))
    # What the run had begun to take back itself has to be done again.
    done = changed and not any(item["event"] == STEP and item["action"] == DATA for item in since(events, UNDO))
    # Begun is enough: what leads back compares, and finds that nothing was changed.
    touched = bool(carried.get("data_changed")) or any(
        item["event"] == STEP and item["action"] == DATA for item in events
    )
    planned = phase_result(events, "plan").get("plan") or {}
    source = (planned.get("data") or {}).get("source") or ""
    brought = os.path.join(str(found.get("path") or ""), source) if source else str(carried.get("brought") or "")
    asked = first.get("arguments") or {}
    same = all((asked.get(name) or "") == (arguments.get(name) or "") for name in COMPARED)
    how = setting if setting != "auto" else RESUME if same and not arguments.get("force") else SUPERSEDE
    words = {
        RESUME: f"{run} was interrupted; this run goes on with its target {target} and keeps its snapshot",
        SUPERSEDE: f"{run} was interrupted half way to {target}; this run replaces it and keeps its snapshot",
        UNDO: f"{run} was interrupted half way to {target}; this run goes back to its snapshot {snapshot.get('id')}",
        REFUSE: f"{run} was interrupted half way to {target}, and recovery_on_unfinished is refuse",
    }
    goal = {RESUME: target, UNDO: str(snapshot.get("id"))}.get(how, "")
    before = carried.get("before") or first_checks(events)
    brought = brought if touched else ""
    return Continuation(how, run, goal, dict(snapshot), before, done and how == RESUME, touched, brought, words[how])

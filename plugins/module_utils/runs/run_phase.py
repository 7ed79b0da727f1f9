# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One phase of a run: the lease renewed for its budget, its beginning and end in the journal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..engine.process_name import process_id, uptime
from ..errors import RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs
from .budgets import over_budget_line, progress_line
from .journal import Journal, beginning
from .lock import StackLock
from .phase_words import words

RUN_SPEC: dict[str, Any] = {
    "run": {
        "type": "dict",
        "default": {},
        "options": {
            "id": {"type": "str"},
            "fence": {"type": "int"},
            "phase": {"type": "str"},
        },
    },
}
# Seconds for which a phase's module may be silent; stack_apply renews with every step. Who verifies asks the stack and
# then the gateway, each as long as is left to it.
BUDGET = {
    "before": 120,
    "discover": 120,
    "plan": 180,
    "snapshot": 300,
    "copy": 300,
    "apply": 180,
    "verify": 360,
    "undo": 180,
}
STEP_FIELDS = ("step", "action", "service", "path", "reference")
# What the journal keeps of a phase's result; a backup's list of files would only fill it.
KEPT = {
    "before": ("checks",),
    "discover": ("backup", "why", "older"),
    "plan": ("plan",),
    "snapshot": ("backup",),
    "copy": ("backup",),
    "apply": ("executed",),
    "verify": ("checks",),
    "undo": ("plan", "executed", "checks"),
}


class RunPhase:
    """The phase that the calling module is; without a run (check mode, a module by itself) it does nothing."""

    def __init__(self, stack: StackArgs, run: Mapping[str, Any], runner: Runner) -> None:
        self.id, self.fence, self.phase = run.get("id") or "", run.get("fence") or 0, run.get("phase") or ""
        self.lock, self.journal = StackLock(stack, runner), Journal(stack, self.id)

    def begin(self) -> None:
        """Take the lease for this phase, then say that it begins; raise where the lock is not ours any more."""
        if self.id:
            self.hold(BUDGET.get(self.phase, 60))
            self.journal.append("phase", phase=self.phase, state="begin")

    def hold(self, seconds: float) -> None:
        """Renew the lease; raise where somebody took it over, so that nothing more is written."""
        if self.id:
            self.lock.renew(self.id, self.fence, seconds, process_id(os.getpid()), self.phase)

    def step(self, action: Mapping[str, Any], state: str, **fields: Any) -> None:
        """Note the beginning or the end of one action."""
        if self.id:
            named = {name: action[name] for name in STEP_FIELDS if name in action}
            self.journal.append("step", state=state, **named, **fields)

    def _time(self) -> tuple[float, float]:
        """Return (seconds since the run began, seconds that it should stay below)."""
        first = beginning(self.journal.events())
        return (uptime() - float(first["mono"]), float(first["timeout"])) if first else (0.0, 0.0)

    def in_time(self) -> bool:
        """Say whether the run is still within its time, so that another attempt may begin."""
        spent, budget = self._time()
        return spent <= budget

    def end(self, seconds: float, result: Mapping[str, Any]) -> list[str]:
        """Note that the phase went well, with what it found; return its lines for the screen."""
        lines: list[str] = []
        if self.id:
            spent, budget = self._time()
            late = over_budget_line(self.phase, spent, budget)
            lines = [progress_line(self.phase, spent, budget, words(self.phase, result)), *([late] if late else [])]
            kept = {name: _short(result[name]) for name in KEPT.get(self.phase, ()) if name in result}
            self._ended(seconds, ok=True, result=kept)
        return lines

    def failed(self, seconds: float, error: RecoveryError) -> None:
        """Note that the phase failed and why; a lost lock leaves nothing to note."""
        if self.id:
            executed = error.details.get("executed")
            kept = {"executed": executed} if executed is not None else {}
            self._ended(seconds, ok=False, result=kept, msg=error.msg, hint=error.hint)

    def _ended(self, seconds: float, **fields: Any) -> None:
        self.lock.renew(self.id, self.fence, 0, "", self.phase)
        self.journal.append("phase", phase=self.phase, state="end", seconds=round(seconds, 3), **fields)


def _short(value: Any) -> Any:
    return {name: item for name, item in value.items() if name != "files"} if isinstance(value, dict) else value

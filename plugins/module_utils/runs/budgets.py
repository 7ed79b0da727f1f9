# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback may take: the guide's times, the class of a rollback, and the line that tells how far it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Seconds. The guide's "recovery time": from the start to service back; checking it may take a minute more.
BACK, VERIFY, RECOVERY, DECISION, WITH_PEOPLE = 120.0, 60.0, 30.0, 120.0, 300.0
CONFIGURATION, DATA, FULL, FORCE = "configuration only", "configuration and data", "full", "force"
CLASSES = {CONFIGURATION: 45.0, DATA: 90.0, FULL: 120.0, FORCE: 60.0}
# The guide budgets the whole alone; this is how the class's budget is shared out among the phases.
SHARES = {"before": 0.05, "discover": 0.05, "plan": 0.1, "snapshot": 0.2, "apply": 0.6, "undo": 1.0}
WIDTH = 80


def rollback_class(kind: str, plan: Mapping[str, Any]) -> str:
    """Return which of the guide's four kinds of rollback this one is, by what its plan does."""
    if kind == "force_rollback":
        return FORCE
    services = plan.get("services") or {}
    if services and all(item.get("do") not in ("keep", "reload") for item in services.values()):
        return FULL
    return DATA if (plan.get("data") or {}).get("changes") else CONFIGURATION


def phase_budget(phase: str, which: str) -> float | None:
    """Return the seconds that a phase of a rollback of this class may take; None where the guide sets none."""
    if phase == "verify":
        return VERIFY
    share = SHARES.get(phase)
    return None if share is None else round(CLASSES[which] * share, 2)


def progress_line(phase: str, elapsed: float, budget: float, text: str) -> str:
    """Return one line for the screen: how far, of how much, which phase, what it does; at most 80 columns."""
    line = f"[{elapsed:5.1f} s of {budget:.0f}] {phase}: {' '.join(text.split())}"
    return line if len(line) <= WIDTH else line[: WIDTH - 3].rstrip() + "..."


def over_budget_line(phase: str, elapsed: float, budget: float) -> str:
    """Return the warning that a budget is passed; empty while it is not."""
    if elapsed <= budget:
        return ""
    return progress_line(phase, elapsed, budget, f"WARNING: past the budget by {elapsed - budget:.1f} s; goes on")

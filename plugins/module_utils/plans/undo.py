# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a failed rollback goes back to its snapshot: never into a worse state. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import CRITICAL, FAILED, PASSED

UNDO, LEAVE = "undo", "leave"


def _critical(checks: Sequence[Mapping[str, Any]], status: str) -> int:
    return sum(item["level"] == CRITICAL and item["status"] == status for item in checks)


def decide(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], setting: str, snapshot: str
) -> tuple[bool, str]:
    """Return (whether to undo, why).

    before, after: the checks of both states, made in the same way; setting: recovery_on_failure; snapshot: its id.
    """
    good, now = _critical(before, PASSED), _critical(after, PASSED)
    compared = f"before it {good} critical checks passed, after it {now}"
    if setting == LEAVE:
        return False, f"not undone: recovery_on_failure is leave; {compared}"
    if not snapshot:
        return False, f"not undone: there is no snapshot; {compared}"
    if not before or not after:
        return False, "not undone: one of the two states was not measured"
    if not _critical(after, FAILED):
        return False, f"not undone: no critical check fails; {compared}"
    if good <= now:
        return False, f"not undone: that would be no better; {compared}"
    return True, f"undone: {compared}"

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a phase has done, in the few words of a progress line. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import FAILED, PASSED


def words(phase: str, result: Mapping[str, Any]) -> str:
    """Return the words for a phase that ended well; result: what its module returns."""
    if "checks" in result:
        found = [item["status"] for item in result["checks"]]
        broken = [item["name"] for item in result["checks"] if item["status"] == FAILED]
        return f"{found.count(PASSED)} of {len(found)} checks passed" + (f"; {', '.join(broken)}" if broken else "")
    if "executed" in result:
        return f"{len(result['executed'])} actions done"
    if "plan" in result:
        plan = result["plan"]
        if plan.get("refusals"):
            return f"refused: {', '.join(item['name'] for item in plan['refusals'])}"
        return f"{len(plan['actions'])} actions, about {plan.get('estimate_seconds', 0):.0f} s"
    backup = result.get("backup") or {}
    if backup.get("id"):
        return f"{'saved as' if phase in ('snapshot', 'copy') else 'target'} {backup['id']}"
    return "done"

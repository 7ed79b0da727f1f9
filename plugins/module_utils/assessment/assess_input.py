# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a person gives to the decision: answers that no machine knows, and limits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import RecoveryError
from .assessment import INPUTS, THRESHOLDS


def checked_inputs(given: Mapping[str, Any]) -> dict[str, bool | None]:
    """Return each input as true, false or None (not known); strings as a survey sends them are understood."""
    unknown = sorted(set(given) - set(INPUTS))
    if unknown:
        raise RecoveryError(f"inputs names {', '.join(unknown)}.", f"It may name {', '.join(INPUTS)}.")
    return {name: _truth(name, given.get(name)) for name in INPUTS}


def _truth(name: str, value: Any) -> bool | None:
    word = "" if value is None else str(value).strip().lower()
    if word in ("", "unknown"):
        return None
    if word in ("true", "yes", "1", "false", "no", "0"):
        return word in ("true", "yes", "1")
    raise RecoveryError(f"{name} is {value!r}, expected true, false or empty.", f"Correct -e assess_{name}=")


def checked_thresholds(given: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits that were given as numbers."""
    unknown = sorted(set(given) - set(THRESHOLDS))
    if unknown:
        raise RecoveryError(f"thresholds names {', '.join(unknown)}.", f"It may name {', '.join(sorted(THRESHOLDS))}.")
    try:
        return {name: float(value) for name, value in given.items()}
    except (TypeError, ValueError) as exc:
        raise RecoveryError(f"thresholds holds what is no number: {exc}.", "Correct assess_thresholds.") from exc

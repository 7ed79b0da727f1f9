# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rehearsal says at its end. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import FAILED, Check, passed
from ..errors import RecoveryError
from ..report import check_lines


def failed_check(problem: RecoveryError) -> dict[str, Any]:
    """Return a rehearsal that came to no checks as a check that failed."""
    return Check("scratch_stack", FAILED, "every service becomes ready", problem.msg).as_dict()


def screen(
    found: Mapping[str, Any],
    checks: Sequence[Mapping[str, Any]],
    phases: Mapping[str, float],
    notes: Sequence[str],
    seconds: float,
) -> list[str]:
    """Return the lines of a rehearsal's end, the verdict last of all."""
    lines = [*check_lines(checks), *(f"NOTE: {text}" for text in notes)]
    lines.append(f"TIME: {', '.join(f'{name} {value:.1f} s' for name, value in phases.items())}")
    word = "PASSED" if passed(checks) else "FAILED"
    return [*lines, f"REHEARSAL {word}: {found['id']} in {seconds:.1f} s; the live stack was not touched"]

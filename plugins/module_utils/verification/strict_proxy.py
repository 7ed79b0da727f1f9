# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A proxy that takes its clients' own requests only. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..checks import NOT_MEASURED, PASSED, Check

# What a proxy that asks for credentials, or takes no GET, answers by itself.
FORBIDS = (401, 403, 405)
TELLS = "the masking request tells"


def told(found: Iterable[Check]) -> list[Check]:
    """Return the checks with what only the masking request could tell, and has told: that requests reach Kong."""
    rows = list(found)
    if not any(item.name == "masking" and item.status == PASSED for item in rows):
        return rows
    return [
        replace(item, status=PASSED, found="the masking request reaches Kong")
        if item.name == "proxy_chain" and item.status == NOT_MEASURED and item.found.endswith(TELLS)
        else item
        for item in rows
    ]


def forbids(answer: Any) -> bool:
    """Say whether a proxy itself refuses a stranger's GET: its own pages are HTML, a provider's answers are not.

    What merely looks like Kong's answer without its headers is none: a proxy that passes Kong by gives the same.
    """
    return answer.status_code in FORBIDS and answer.headers.get("Content-Type", "").startswith("text/html")

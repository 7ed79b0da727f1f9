# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A proxy that takes its clients' own requests only, or takes Kong's headers away. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..checks import NOT_MEASURED, PASSED, Check
from ..gateway.kong_answers import shows_kong

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


def may_hide(answer: Any) -> bool:
    """Say whether an answer may be Kong's: a proxy's own pages are HTML."""
    kind = answer.headers.get("Content-Type", "")
    return bool(kind) and not kind.startswith("text/html")


def hides(answer: Any, direct: Any, alone: bool) -> bool:
    """Say whether an answer of the proxy is Kong's without its headers; direct: what Kong answers to the same request.

    alone: no masking request will tell more, so that every byte has to be the same.
    """
    kinds = {item.headers.get("Content-Type", "") for item in (answer, direct)}
    same = answer.status_code == direct.status_code and len(kinds) == 1
    return same and shows_kong(direct.headers, direct.text) and (not alone or answer.content == direct.content)

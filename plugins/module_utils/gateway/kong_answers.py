# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who gave an answer: Kong itself, what stands in front of it, or the provider behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_ROUTE = "no Route matched"
# What Kong itself says when it cannot get an answer out of its upstream.
NOT_REACHED = (
    "An invalid response was received from the upstream server",
    "The upstream server is timing out",
    "name resolution failed",
    "DNS resolution failed",
    "failure to get a peer",
)
# What Kong says when it, or one of its plugins, broke.
BROKE = "An unexpected error occurred"
# Words of what checks find, by which the guilty one is known afterwards.
OWN_ERROR = "status 500 of Kong's own making"
CUT = "the reply was cut: its body grew after its length was announced"
OWN_LATENCY, UPSTREAM_LATENCY = "x-kong-response-latency", "x-kong-upstream-latency"


def shows_kong(headers: Mapping[str, str], text: str) -> bool:
    """Say whether an answer went through Kong, by the name that it leaves in a header or by the words of its errors."""
    named = any(name.lower().startswith("x-kong-") for name in headers)
    named = named or "kong/" in f"{headers.get('Via', '')} {headers.get('Server', '')}"
    return named or any(words in text for words in (NO_ROUTE, *NOT_REACHED))


def is_no_route(answer: Any) -> bool:
    """Say whether an answer is Kong's own for a path without a route."""
    return bool(answer.status_code == 404 and NO_ROUTE in answer.text)


def is_own_error(answer: Any) -> bool:
    """Say whether an answer is a 500 of Kong's own making: it broke before it asked the provider.

    A masking plugin that never reached its Redis makes Kong answer so to everything. Of a provider's 500 Kong tells how
    long it took, and that it was passed on. Where Kong's headers are switched off, its own words tell.
    """
    if answer.status_code != 500:
        return False
    names = {name.lower() for name in answer.headers}
    if UPSTREAM_LATENCY in names or "kong/" in answer.headers.get("Via", ""):
        return False
    return OWN_LATENCY in names or BROKE in answer.text

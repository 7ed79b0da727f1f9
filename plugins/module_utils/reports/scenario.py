# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of the guide's four scenarios a run was, by its journal, and what is left to do afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCENARIOS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Kong configuration error",
        (
            "Review Kong configuration changes",
            "Test configuration in staging",
            "Update deployment procedures",
        ),
    ),
    (
        "Redis data corruption",
        (
            "Investigate Redis corruption cause",
            "Implement additional data validation",
            "Consider Redis clustering for resilience",
        ),
    ),
    (
        "Network connectivity issues",
        (
            "Check network configuration changes",
            "Validate DNS settings",
            "Test network connectivity",
        ),
    ),
    (
        "Memory or resource exhaustion",
        (
            "Review resource allocation changes",
            "Implement better resource monitoring",
            "Consider scaling up infrastructure",
        ),
    ),
)
KONG, REDIS, NETWORK, MEMORY = range(1, 5)
# Words in what was found and done that speak for a scenario; the most specific one comes first.
SIGNS = (
    (MEMORY, ("lack of memory", "memory:", "mem_limit")),
    (NETWORK, ("network", "not found by its name", "resolve")),
    (REDIS, ("redis does not", "redis accepts no", "redis runs but", "does not take writes", "corrupt", "rdb")),
    (KONG, ("kong.yml", "configuration", "admin api", "kong_", "plugin")),
)


def scenario(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return number, name, why and post-actions of the scenario that the evidence speaks for; None when none does."""
    if (record["plan"].get("data") or {}).get("changes"):
        return _told(REDIS, str(record["plan"]["data"].get("line") or "the plan changes the data"))
    evidence = _evidence(record)
    for number, words in SIGNS:
        for text in evidence:
            if any(word in text.lower() for word in words):
                return _told(number, text)
    return None


def _told(number: int, why: str) -> dict[str, Any]:
    name, actions = SCENARIOS[number - 1]
    return {"number": number, "name": name, "why": why, "post_actions": list(actions)}


def _evidence(record: Mapping[str, Any]) -> list[str]:
    """Return what failed before, why each service was touched, and which files were, in words."""
    found = [
        f"{item['name']}: {item['found']}"
        for item in record["checks_before"]
        if item["status"] == "failed" and item["level"] == "critical"
    ]
    for name, item in (record["plan"].get("services") or {}).items():
        found += [f"{name}: {reason}" for reason in item.get("why") or [] if item.get("do") != "keep"]
    return found + [str(item["path"]) for item in record["plan"].get("actions") or [] if item.get("path")]

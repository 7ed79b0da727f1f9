# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rehearsal asks beside the usual checks: are the data those of the backup, and may masking be tried? Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..checks import FAILED, NOT_MEASURED, PASSED, Check

# Clients write between the counting of the live data and the copy of them.
WRITTEN_MEANWHILE = 100
_COUNT = re.compile(r"\[info\] (\d+) (keys read|already expired)")


def counted(output: str) -> tuple[int | None, int]:
    """Return (keys in the dump, how many of them have expired by now) from what redis-check-rdb prints."""
    found = {name: int(number) for number, name in _COUNT.findall(output)}
    return found.get("keys read"), found.get("already expired", 0)


def judge_keys(recorded: Mapping[str, Any], before: tuple[int | None, int], after: int, held: int) -> Check:
    """Return the check of the number of keys.

    recorded: the manifest's facts; before: keys in the dump and how many had expired before it was loaded; after: how
    many have expired since; held: the keys of the scratch server.
    """
    noted, (read, expired) = int(recorded.get("keys", 0)), before
    expected = f"the {noted} keys of the manifest without those that expired"
    if read is None:
        good = bool(held) or not noted
        return Check("redis_keys", PASSED if good else FAILED, expected, f"{held} keys; expired ones were not counted")
    found = f"{held} keys; the dump holds {read}, {after} of them expired"
    near = abs(read - noted) <= max(WRITTEN_MEANWHILE, noted // 10)
    good = near and read - after <= held <= read - expired
    return Check("redis_keys", PASSED if good else FAILED, expected, found)


def judge_counters(recorded: Mapping[str, Any], held: Mapping[str, int]) -> Check:
    """Return the check that no alias counter is lower than the manifest says: they never expire."""
    noted = {str(key): int(value) for key, value in (recorded.get("counters") or {}).items()}
    low = sorted(key for key, value in noted.items() if held.get(key, 0) < value)
    found = f"too low: {', '.join(low)}" if low else f"{len(noted)} counters"
    return Check("redis_counters", FAILED if low else PASSED, "each alias counter as the manifest has it", found)


def upstream_hosts(document: Mapping[str, Any]) -> set[str]:
    """Return the hosts to which a declarative configuration sends requests, upstreams resolved to their targets."""
    services = document.get("services") or []
    hosts = {str(item.get("host") or urlsplit(str(item.get("url") or "")).hostname or "") for item in services}
    for upstream in document.get("upstreams") or []:
        if upstream.get("name") in hosts:
            hosts.discard(str(upstream["name"]))
            targets = upstream.get("targets") or []
            hosts |= {str(item.get("target", "")).rsplit(":", 1)[0] for item in targets}
    return {host for host in hosts if host}


def inside(hosts: Collection[str], names: Collection[str]) -> bool:
    """Say whether every host is one of the project's own names, so that a request cannot leave it."""
    return bool(hosts) and set(hosts) <= set(names)


def outside_reason(checks: list[dict[str, Any]], hosts: Collection[str]) -> list[dict[str, Any]]:
    """Return the checks with the true reason why masking was not tried."""
    why = (
        f"{', '.join(sorted(hosts)) or 'the provider'} is not part of the project, and a rehearsal reaches nothing else"
    )
    return [
        {**item, "found": why} if item["name"] == "masking" and item["status"] == NOT_MEASURED else item
        for item in checks
    ]

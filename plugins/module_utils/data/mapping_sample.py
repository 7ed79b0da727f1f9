# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the live mappings are sound, by a sample of them: pairs that disagree, counters that lag behind."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..redis.redis_data import RedisData
from ..redis.redis_families import CNT, MAP, REV, disagreements, family

SAMPLE = 2000
SCAN_COUNT = 1000
_ALIAS = re.compile(rb"^[A-Z]+_([A-Z0-9]+)_(\d+)$")


def sample(data: RedisData, prefixes: Sequence[str], most: int = SAMPLE) -> dict[str, Any]:
    """Return sampled, disagreements (entries of another type included) and counters_behind of a live Redis."""
    raw = [prefix.encode() for prefix in prefixes]
    entries: dict[bytes, bytes] = {}
    counters: dict[bytes, int] = {}
    strange = 0
    for prefix in raw:
        for kind, limit in ((MAP, most), (REV, most), (CNT, 1000)):
            found = data.client.scan_iter(match=prefix + kind + b"*", count=SCAN_COUNT)
            keys = list(itertools.islice(found, limit))
            pipe = data.client.pipeline(transaction=False)
            for key in keys:
                pipe.get(key)
            for key, value in zip(keys, pipe.execute(raise_on_error=False)):
                if isinstance(value, Exception):
                    strange += 1
                elif value is not None and kind == CNT:
                    counters[key] = int(value) if value.isdigit() else 0
                elif value is not None:
                    entries[key] = value
    return {
        "sampled": len(entries),
        "disagreements": strange + len(disagreements(entries, raw)),
        "counters_behind": len(behind(entries, counters, raw)),
    }


def behind(entries: Mapping[bytes, bytes], counters: Mapping[bytes, int], prefixes: Sequence[bytes]) -> list[bytes]:
    """Return the counters below a number that is already given out: the next alias would mean two resources."""
    highest: dict[bytes, int] = {}
    for key in entries:
        alias = family(key, prefixes, MAP)
        match = _ALIAS.match(alias) if alias is not None else None
        if match and alias is not None:
            counter = key[: len(key) - len(alias) - len(MAP)] + CNT + match.group(1).lower()
            highest[counter] = max(highest.get(counter, 0), int(match.group(2)))
    return sorted(key for key, number in highest.items() if key in counters and counters[key] < number)

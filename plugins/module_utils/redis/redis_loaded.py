# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a server that was started has loaded what was put there, by INFO. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .redis_keyspace import DATABASE, keyspace


@dataclass(frozen=True)
class Held:
    """How many keys a server held: at least and at most; mortal: how many of them have a time to live."""

    least: int
    most: int
    mortal: int

    @classmethod
    def of(cls, *answers: Mapping[str, Any]) -> Held:
        """Build from INFO, asked right before and right after the data were saved: keys expire in between."""
        keys = [sum(keyspace(about).values()) for about in answers]
        return cls(min(keys), max(keys), max(_mortal(about) for about in answers))


def _mortal(about: Mapping[str, Any]) -> int:
    found = [item for name, item in about.items() if DATABASE.fullmatch(name) and isinstance(item, dict)]
    return sum(int(item.get("expires") or 0) for item in found)


def loaded_problem(held: Held, about: Mapping[str, Any]) -> str:
    """Return in words how a started server's keys differ from what was put there; empty where they are those.

    Keys expire while they are loaded and after it, which the server counts (before Redis 7 only after it). Keys that
    clients write since the start are no difference where the server says that it has loaded just as many as were put.
    """
    now = sum(keyspace(about).values())
    at_load = about.get("rdb_last_load_keys_expired")
    gone = int(about.get("expired_keys") or 0) + int(at_load or 0)
    if at_load is None and now:
        gone = max(gone, held.mortal)
    loaded = int(about.get("rdb_last_load_keys_loaded") or 0)
    exact = bool(loaded) and held.least <= loaded + int(at_load or 0) <= held.most
    if now + gone >= held.least and (now <= held.most or exact):
        return ""
    return f"Redis holds {now:,} keys after its start, expected {held.most:,}"

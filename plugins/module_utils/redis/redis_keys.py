# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which keys of a Redis are meant, walked in batches and counted exactly, whatever their number."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..libraries import redis
from . import redis_families as families
from .redis_keyspace import keyspace
from .redis_wire import Wire

SHARES = 64


@dataclass(frozen=True)
class Selection:
    """Which keys are meant: mode, prefixes of the masking plugin, scope (mappings or all), databases (all when empty).

    keep_counters: alias counters are left to themselves; otherwise they are keys like any other.
    """

    mode: str
    prefixes: tuple[bytes, ...]
    scope: str
    databases: tuple[int, ...] = ()
    keep_counters: bool = True

    def chosen(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return those of the keys that a change may touch."""
        ours = tuple(self.prefixes)
        left_alone = tuple(prefix + families.CNT for prefix in ours) if self.keep_counters else ()
        if self.scope == "all":
            return [key for key in keys if not key.startswith(left_alone)] if left_alone else list(keys)
        return [key for key in keys if key.startswith(ours) and not key.startswith(left_alone)]

    def others(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return those of the keys that a change leaves alone, counters aside."""
        keys = list(keys)
        ours = set(self.chosen(keys))
        counters = tuple(prefix + families.CNT for prefix in self.prefixes)
        return [key for key in keys if key not in ours and not key.startswith(counters)]

    def maps(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return those of the keys that are a mapping's own entry."""
        begin = tuple(prefix + families.MAP for prefix in self.prefixes)
        return [key for key in keys if key.startswith(begin)]

    @property
    def patterns(self) -> list[bytes]:
        """What SCAN is asked for, each key once; an empty pattern means every key."""
        if self.scope == "all":
            return [b""]
        ours = [
            prefix for prefix in self.prefixes if not any(prefix.startswith(o) for o in self.prefixes if o != prefix)
        ]
        return [exactly(prefix) + b"*" for prefix in dict.fromkeys(ours)]


def exactly(text: bytes) -> bytes:
    """Return a pattern that matches nothing but text."""
    return re.sub(rb"([*?\[\]\\^])", rb"\\\1", text)


class Tally:
    """Counts distinct keys: SCAN may show one twice. Eight bytes a key, as a set of a million keys takes 140 MB."""

    def __init__(self) -> None:
        self.shares = [array("q") for _number in range(SHARES)]

    def add(self, keys: Iterable[bytes]) -> None:
        """Note keys."""
        shares = self.shares
        for key in keys:
            number = hash(key)
            shares[number & (SHARES - 1)].append(number)

    def __len__(self) -> int:
        return sum(len(set(share)) for share in self.shares)


class KeyList:
    """Distinct keys, each once; past a limit they are only counted, so that memory stays bounded (None: no limit)."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit, self.tally = limit, Tally()
        self.held: dict[bytes, None] = {}
        self.over = False

    def add(self, keys: Iterable[bytes]) -> None:
        """Note keys."""
        keys = list(keys)
        self.tally.add(keys)
        if not self.over:
            self.held.update(dict.fromkeys(keys))
            if self.limit is not None and len(self.held) > self.limit:
                self.over, self.held = True, {}

    def __len__(self) -> int:
        return len(self.tally) if self.over else len(self.held)


@dataclass(frozen=True)
class Census:
    """How many keys of a selection live, and how many of them are mappings."""

    keys: int = 0
    maps: int = 0

    def __add__(self, other: Census) -> Census:
        return Census(self.keys + other.keys, self.maps + other.maps)


class Counting:
    """Counts keys and mappings while somebody walks them."""

    def __init__(self, selection: Selection) -> None:
        self.selection, self.all, self.mappings = selection, Tally(), Tally()

    def add(self, keys: Sequence[bytes]) -> None:
        """Note keys of the selection."""
        self.all.add(keys)
        self.mappings.add(self.selection.maps(keys))

    @property
    def census(self) -> Census:
        """What was counted so far."""
        return Census(len(self.all), len(self.mappings))


def databases(client: redis.Redis, selection: Selection) -> list[int]:
    """Return the numbers of the selected databases that hold keys."""
    used = sorted(keyspace(client.info("keyspace")))
    return [number for number in used if not selection.databases or number in selection.databases]


def walk(client: redis.Redis, database: int, selection: Selection) -> Iterator[list[bytes]]:
    """Yield the selected keys of a database in batches, over a connection of its own."""
    with Wire(client, database) as wire:
        for pattern in selection.patterns:
            for batch in wire.scan(pattern):
                chosen = selection.chosen(batch)
                if chosen:
                    yield chosen


def census(client: redis.Redis, selection: Selection) -> Census:
    """Count a whole server."""
    total = Census()
    for number in databases(client, selection):
        counting = Counting(selection)
        for batch in walk(client, number, selection):
            counting.add(batch)
        total += counting.census
    return total


def counters(client: redis.Redis, database: int, prefixes: Sequence[bytes]) -> dict[bytes, int]:
    """Return the alias counters of a database."""
    with Wire(client, database) as wire:
        patterns = [exactly(prefix + families.CNT) + b"*" for prefix in prefixes]
        found = [key for pattern in patterns for batch in wire.scan(pattern) for key in batch]
        return dict(zip(found, wire.numbers(found)))


def numbers(client: redis.Redis, database: int, keys: Sequence[bytes]) -> dict[bytes, int]:
    """Return the values of these counters; 0 for one that is not there."""
    with Wire(client, database) as wire:
        return dict(zip(keys, wire.numbers(keys)))


def by_family(keys: Iterable[bytes], prefix: bytes) -> dict[str, list[bytes]]:
    """Return family, as prefix and the word after it, → its keys."""
    found: dict[bytes, list[bytes]] = {}
    for key in keys:
        found.setdefault(key[len(prefix) :].split(b":", 1)[0], []).append(key)
    return {(prefix + name).decode("utf-8", "backslashreplace"): group for name, group in found.items()}


def shown(key: bytes, selection: Selection) -> str:
    """Return a key as it may be shown: a reverse key carries a customer's identifier and is cut."""
    text = key.decode("utf-8", "backslashreplace")
    reverse = families.family(key, selection.prefixes, families.REV) is not None
    return text[: text.index("rev:") + 8] + "…" if reverse else text

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a running Redis with another one by reads only: what has to be written, and what has to go."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from ..libraries import redis
from . import redis_families as families
from .redis_keys import Census, Counting, KeyList, Selection, exactly, walk
from .redis_method import EMPTY, MERGE, RESTORE, UNDO
from .redis_pairs import short_values
from .redis_values import GONE, MISSING, OTHER, SAME, TTL, Both, relate
from .redis_wire import Wire, packed, per_key

GROUP = 1000


@dataclass
class Difference:
    """What one database lacks: keys to write as the backup has them, keys to remove, keys of the backup that give way.

    over: more keys than the limit change; they are counted then and not held. collisions: aliases that mean another
    resource afterwards; size: memory that the written keys take; live and wanted: what each side held when they were
    compared; growth and balance: how many keys and how many mappings more there are afterwards.
    """

    database: int
    writes: list[bytes] = field(default_factory=list)
    removals: list[bytes] = field(default_factory=list)
    conflicts: list[bytes] = field(default_factory=list)
    collisions: list[bytes] = field(default_factory=list)
    restored: int = 0
    removed: int = 0
    size: int = 0
    live: Census = field(default_factory=Census)
    wanted: Census = field(default_factory=Census)
    growth: int = 0
    balance: int = 0
    over: bool = False

    @property
    def keys(self) -> int:
        """How many keys change."""
        return self.restored + self.removed


@dataclass(frozen=True)
class Sources:
    """Scratch servers: wanted holds what shall return, brought what an undo takes away; None where there is none."""

    wanted: redis.Redis | None
    brought: redis.Redis | None = None


class Comparison:
    """One comparison of a database, as it grows: written keys that live lacks or holds otherwise, keys that go."""

    def __init__(self, selection: Selection, database: int, limit: int | None) -> None:
        self.selection, self.found = selection, Difference(database)
        self.missing, self.replaced, self.gone = (KeyList(limit) for _number in range(3))

    def finish(self, now: Wire, wanted: Wire) -> Difference:
        """Return the difference, its counts and the memory that its values take."""
        found, maps = self.found, self.selection.maps
        found.over = self.missing.over or self.replaced.over or self.gone.over
        found.writes, found.removals = [*self.missing.held, *self.replaced.held], sorted(self.gone.held)
        found.balance = len(maps(self.missing.held)) - len(maps(found.removals))
        dropped = 0
        if self.selection.mode == MERGE and not found.over:
            wrong = _wrong_pairs(now, wanted, self.selection, found.writes)
            found.conflicts += sorted(wrong)
            found.writes = [key for key in found.writes if key not in wrong]
            found.balance -= len(maps(wrong))
            dropped = len(wrong)
        found.restored, found.removed = len(self.missing) + len(self.replaced) - dropped, len(self.gone)
        found.growth = len(self.missing) - dropped - len(self.gone)
        if found.over and self.selection.mode != UNDO:
            after = found.live.maps if self.selection.mode == MERGE else 0
            found.balance = after + found.wanted.maps - found.live.maps
        found.size = sum(_sizes(wanted, found.writes))
        return found


def compare(
    live: redis.Redis, sources: Sources, selection: Selection, database: int, limit: int | None = None
) -> Difference:
    """Return what must change in live so that it holds what the mode asks for.

    A key that a client writes after it was looked at is in no list and stays. Past limit, keys are only counted.
    """
    work = Comparison(selection, database, limit)
    with Wire(live, database) as now, Wire(sources.wanted or live, database) as wanted:
        if sources.wanted is not None:
            _writes(live, sources.wanted, work)
        _removals(live, now, wanted, work)
        if selection.mode == UNDO and sources.brought is not None:
            _taken_back(live, sources.brought, wanted, work)
        return work.finish(now, wanted)


def _related(
    live: redis.Redis, source: redis.Redis, database: int, batches: Iterable[Sequence[bytes]]
) -> Iterator[tuple[Sequence[bytes], list[int]]]:
    with ExitStack() as opened:
        wires = [opened.enter_context(Wire(client, database)) for client in (source, live)]
        aside = [opened.enter_context(Wire(client, database)) for client in (source, live)]
        yield from relate(batches, Both(*wires), Both(*aside))


def _writes(live: redis.Redis, source: redis.Redis, work: Comparison) -> None:
    """List the keys of the backup that live lacks or holds otherwise."""
    selection, found = work.selection, work.found
    counting = Counting(selection)
    for batch, states in _related(live, source, found.database, walk(source, found.database, selection)):
        counting.add([key for key, state in zip(batch, states) if state != GONE] if GONE in states else batch)
        if not any(states):
            continue
        of: dict[int, list[bytes]] = {}
        for key, state in zip(batch, states):
            of.setdefault(state, []).append(key)
        work.missing.add(of.get(MISSING, ()))
        if selection.mode == MERGE:
            found.conflicts += of.get(OTHER, ())
        else:
            work.replaced.add([*of.get(OTHER, ()), *of.get(TTL, ())])
            found.collisions += selection.maps(of.get(OTHER, ())) if not work.replaced.over else []
    found.wanted = counting.census


def _removals(live: redis.Redis, now: Wire, wanted: Wire, work: Comparison) -> None:
    """Count what lives, and list the keys that have to go because the backup lacks them."""
    selection, found = work.selection, work.found
    counting = Counting(selection)
    batches = walk(live, found.database, selection)
    asked = _with_absent(wanted, batches) if selection.mode == RESTORE else ((batch, batch) for batch in batches)
    for batch, absent in asked:
        counting.add(batch)
        if selection.mode in (RESTORE, EMPTY):
            work.gone.add(absent)
    found.live = counting.census
    if selection.mode == RESTORE:
        work.gone.add(_partners(now, wanted, selection, work.gone.held))


def _taken_back(live: redis.Redis, brought: redis.Redis, wanted: Wire, work: Comparison) -> None:
    """List the keys that the change to take back brought and that nobody wrote since."""
    selection, database = work.selection, work.found.database
    ours = (_absent(wanted, batch) for batch in walk(brought, database, selection))
    for batch, states in _related(live, brought, database, (batch for batch in ours if batch)):
        work.gone.add([key for key, state in zip(batch, states) if state in (SAME, TTL)])


def _with_absent(wire: Wire, batches: Iterable[list[bytes]]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Yield (keys, those of them that a server does not hold); the next batch is asked while one is worked on."""
    waiting: list[bytes] = []
    for batch in batches:
        wire.send(per_key(b"EXISTS", batch))
        if waiting:
            yield waiting, _zero(wire, waiting)
        waiting = batch
    if waiting:
        yield waiting, _zero(wire, waiting)


def _zero(wire: Wire, keys: Sequence[bytes]) -> list[bytes]:
    return [key for key, answer in zip(keys, wire.lines(len(keys))) if answer == b":0"]


def _absent(wire: Wire, keys: Sequence[bytes]) -> list[bytes]:
    """Return those of the keys that a server does not hold."""
    wire.send(per_key(b"EXISTS", keys))
    return _zero(wire, keys)


def _partners(now: Wire, wanted: Wire, selection: Selection, gone: Mapping[bytes, None]) -> list[bytes]:
    """Return the other halves of pairs of which one half has to go.

    A client may write a pair while the keys are walked. One half left alone would mask for hours what nobody unmasks.
    """
    halves: dict[bytes, bytes] = {}
    ordered = sorted(gone)
    for at in range(0, len(ordered), GROUP):
        keys = ordered[at : at + GROUP]
        for key, value in zip(keys, short_values(now, keys)):
            half = families.partner(key, value, selection.prefixes) if value is not None else None
            if half is not None and half[0] not in gone:
                halves[half[0]] = half[1]
    absent = _absent(wanted, list(halves)) if halves else []
    return [key for key, value in zip(absent, now.values(absent)) if value == halves[key]]


def _sizes(wanted: Wire, keys: Sequence[bytes]) -> Iterator[int]:
    """Yield the memory that each key takes in a scratch server; 0 for one that expired meanwhile."""
    for at in range(0, len(keys), GROUP):
        part = keys[at : at + GROUP]
        wanted.send(b"".join([packed(b"MEMORY", b"USAGE", key) for key in part]))
        yield from (int(line[1:]) if line[:1] == b":" else 0 for line in wanted.lines(len(part)))


def _wrong_pairs(now: Wire, wanted: Wire, selection: Selection, writes: Sequence[bytes]) -> set[bytes]:
    """Return what of a merge must stay out, so that no alias unmasks to another resource: the live one wins.

    A reverse entry of the backup whose alias belongs to another resource in the live data; and an entry of the backup
    whose alias a live reverse entry still names for another resource, although its own entry has expired.
    """
    wrong: set[bytes] = set()
    for prefix in selection.prefixes:
        begin = prefix + families.REV
        reverse = [key for key in writes if key.startswith(begin)]
        for at in range(0, len(reverse), GROUP):
            batch = reverse[at : at + GROUP]
            aliases = [alias or b"" for alias in short_values(wanted, batch)]
            originals = short_values(now, [prefix + families.MAP + alias for alias in aliases])
            for key, original in zip(batch, originals):
                if original is not None and original != families.original_of(key[len(begin) :]):
                    wrong.add(key)
        wrong |= _still_named(now, wanted, prefix, writes)
    return wrong


def _still_named(now: Wire, wanted: Wire, prefix: bytes, writes: Sequence[bytes]) -> set[bytes]:
    """Return the written pairs whose alias a live reverse entry gives to another resource."""
    begin, skip = prefix + families.MAP, len(prefix) + len(families.REV)
    new = {key for key in writes if key.startswith(begin)}
    wrong: set[bytes] = set()
    if not new:
        return wrong
    cursor = b"0"
    while True:
        cursor, batch = now.ask(b"SCAN", cursor, b"MATCH", exactly(prefix + families.REV) + b"*", b"COUNT", b"500")
        named = [(key, begin + alias) for key, alias in zip(batch, short_values(now, batch)) if alias is not None]
        clashing = [(key, name) for key, name in named if name in new]
        for (key, name), original in zip(clashing, short_values(wanted, [name for _key, name in clashing])):
            if original is not None and original != families.original_of(key[skip:]):
                wrong |= {name, prefix + families.REV + base64.b64encode(original)}
        if cursor == b"0":
            return wrong & set(writes)

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a running Redis to the data of another one: compare by reads only, then apply in one MULTI/EXEC."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from . import redis_families as families
from .libraries import redis

BATCH = 2000
TTL_SLACK_MS = 1000
RESTORE, MERGE, EMPTY, UNDO = "restore", "merge", "empty", "undo"


@dataclass
class Difference:
    """What one database lacks: writes are (key, dump, expiry in ms since the epoch or 0), removals are keys.

    present: the keys among the writes that live holds with another value or time to live.
    """

    database: int
    writes: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    removals: list[bytes] = field(default_factory=list)
    conflicts: list[bytes] = field(default_factory=list)
    present: set[bytes] = field(default_factory=set)

    @property
    def keys(self) -> int:
        """How many keys change."""
        return len(self.writes) + len(self.removals)

    @property
    def size(self) -> int:
        """How many bytes travel in the transaction."""
        return sum(len(key) + len(dump) for key, dump, _expiry in self.writes) + sum(map(len, self.removals))

    def balance(self, selection: Selection) -> int:
        """How many mappings more there are afterwards, of those that change."""
        written = sum(is_map(key, selection) for key, _dump, _expiry in self.writes if key not in self.present)
        return written - sum(is_map(key, selection) for key in self.removals)


@dataclass(frozen=True)
class Selection:
    """Which keys are meant: mode, prefixes of the masking plugin, scope (mappings or all)."""

    mode: str
    prefixes: tuple[bytes, ...]
    scope: str


def databases(client: redis.Redis) -> list[int]:
    """Return the numbers of the databases that hold keys."""
    return sorted(int(name[2:]) for name in client.info("keyspace"))


def select(client: redis.Redis, database: int) -> redis.Redis:
    """Return a client of the same server for another database."""
    settings = {**client.connection_pool.connection_kwargs, "db": database}
    return redis.Redis(connection_pool=redis.ConnectionPool(client.connection_pool.connection_class, **settings))


def keys(client: redis.Redis, selection: Selection) -> Iterator[list[bytes]]:
    """Yield the selected keys in batches; SCAN may show a key twice."""
    patterns = [prefix + b"*" for prefix in selection.prefixes] if selection.scope == "mappings" else [None]
    for pattern in patterns:
        batch: list[bytes] = []
        for key in client.scan_iter(match=pattern, count=BATCH):
            if families.in_scope(key, selection.prefixes, selection.scope):
                batch.append(key)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def entries(client: redis.Redis, selection: Selection) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield (key, dump, expiry in ms since the epoch or 0) of every selected key that still lives."""
    for batch in keys(client, selection):
        pipe = client.pipeline(transaction=False)
        for key in batch:
            pipe.dump(key)
            pipe.pttl(key)
        answers = pipe.execute()
        now = time.time() * 1000
        for key, dump, ttl in zip(batch, answers[::2], answers[1::2]):
            if dump is not None and ttl != -2:  # -2: expired between the two commands
                yield key, dump, int(now + ttl) if ttl >= 0 else 0


def digest(dump: bytes) -> bytes:
    """Return a short fingerprint, so that comparing a million keys does not hold a million values."""
    return hashlib.blake2b(dump, digest_size=12).digest()


def compare(
    live: redis.Redis,
    wanted: redis.Redis | None,
    selection: Selection,
    database: int,
    brought: redis.Redis | None = None,
) -> Difference:
    """Return what must change in live so that it holds what the mode asks for; wanted is None for empty.

    The live side is read first: a key that a client writes later is then in no list and stays. brought: for undo, what
    the change to take back wrote; of the keys that wanted lacks only those go, and only where nobody wrote them since.
    """
    found = Difference(database)
    now = {key: (digest(dump), expiry) for key, dump, expiry in entries(live, selection)}
    if selection.mode == EMPTY or wanted is None:
        found.removals = sorted(now)
        return found
    for key, dump, expiry in entries(wanted, selection):
        before = now.pop(key, None)
        if before is None:
            found.writes.append((key, dump, expiry))
        elif before[0] != digest(dump):
            if selection.mode == MERGE:
                found.conflicts.append(key)
            else:
                found.writes.append((key, dump, expiry))
                found.present.add(key)
        elif selection.mode in (RESTORE, UNDO) and _ttl_differs(before[1], expiry):
            found.writes.append((key, dump, expiry))
            found.present.add(key)
    if selection.mode == RESTORE:
        found.removals = sorted(now)
    if selection.mode == UNDO and brought is not None:
        ours = {key for key, dump, _expiry in entries(brought, selection) if now.get(key, (b"",))[0] == digest(dump)}
        found.removals = sorted(ours)
    if selection.mode == MERGE:
        _drop_wrong_pairs(live, wanted, selection, found)
    return found


def _ttl_differs(one: int, other: int) -> bool:
    return bool(one) != bool(other) or abs(one - other) > TTL_SLACK_MS


def _drop_wrong_pairs(live: redis.Redis, wanted: redis.Redis, selection: Selection, found: Difference) -> None:
    """Keep out a pair of the backup whose alias belongs to another resource in the live data: the live one wins."""
    reverse = [
        key
        for key, _dump, _expiry in found.writes
        if families.family(key, selection.prefixes, families.REV) is not None
    ]
    for start in range(0, len(reverse), BATCH):
        batch = reverse[start : start + BATCH]
        aliases = [alias if isinstance(alias, bytes) else b"" for alias in wanted.mget(batch)]
        prefixes = [key[: key.index(families.REV)] for key in batch]
        originals = live.mget([prefix + families.MAP + alias for prefix, alias in zip(prefixes, aliases)])
        for key, prefix, original in zip(batch, prefixes, originals):
            if original is not None and original != families.original_of(key[len(prefix) + len(families.REV) :]):
                found.conflicts.append(key)
    wrong = set(found.conflicts)
    found.writes = [item for item in found.writes if item[0] not in wrong]


def counters(client: redis.Redis, prefixes: Sequence[bytes]) -> dict[bytes, int]:
    """Return the alias counters of a database."""
    found = {}
    for prefix in prefixes:
        for key in client.scan_iter(match=prefix + families.CNT + b"*", count=BATCH):
            value = client.get(key)
            found[key] = int(value) if value and value.isdigit() else 0
    return found


def raise_counters(live: redis.Redis, steps: Mapping[bytes, int]) -> None:
    """Raise counters by the given steps, in one transaction and before anything else changes."""
    pipe = live.pipeline(transaction=True)
    for key, step in steps.items():
        pipe.incrby(key, step)
    pipe.execute()


def apply(live: redis.Redis, differences: Sequence[Difference]) -> float:
    """Apply all differences in one transaction, all or nothing; return the milliseconds that other clients waited."""
    if not any(item.keys for item in differences):
        return 0.0
    pipe = live.pipeline(transaction=True)
    for item in differences:
        pipe.execute_command("SELECT", item.database)
        for start in range(0, len(item.removals), BATCH):
            pipe.unlink(*item.removals[start : start + BATCH])
        for key, dump, expiry in item.writes:
            pipe.restore(key, expiry, dump, replace=True, absttl=bool(expiry))
    # The connection goes back to the pool and must be where the pool believes it to be.
    pipe.execute_command("SELECT", live.connection_pool.connection_kwargs.get("db") or 0)
    began = time.monotonic()
    pipe.execute()
    return (time.monotonic() - began) * 1000


def copy(source: redis.Redis, target: redis.Redis, selection: Selection, skip: Selection | None = None) -> None:
    """Copy the selected keys, but for those that skip selects, into a server that nobody else uses."""
    pipe = target.pipeline(transaction=False)
    waiting = 0
    for key, dump, expiry in entries(source, selection):
        if skip is not None and families.in_scope(key, skip.prefixes, skip.scope):
            continue
        pipe.restore(key, expiry, dump, replace=True, absttl=bool(expiry))
        waiting += 1
        if waiting >= BATCH:
            pipe.execute()
            waiting = 0
    pipe.execute()


def is_map(key: bytes, selection: Selection) -> bool:
    """Say whether a key is a mapping's own entry."""
    return families.family(key, selection.prefixes, families.MAP) is not None


def mapping_count(client: redis.Redis, selection: Selection) -> int:
    """Return how many mappings live in a server."""
    mappings = Selection(selection.mode, selection.prefixes, "mappings")
    chosen = (select(client, number) for number in databases(client))
    found = (key for one in chosen for batch in keys(one, mappings) for key in batch)
    return len({key for key in found if is_map(key, selection)})


def key_count(client: redis.Redis, selection: Selection) -> int:
    """Return how many keys of the scope live in a server."""
    chosen = (select(client, number) for number in databases(client))
    return sum(len({key for batch in keys(one, selection) for key in batch}) for one in chosen)


def shown(key: bytes, selection: Selection) -> str:
    """Return a key as it may be shown: a reverse key carries a customer's identifier and is cut."""
    text = key.decode("utf-8", "backslashreplace")
    reverse = families.family(key, selection.prefixes, families.REV) is not None
    return text[: text.index("rev:") + 8] + "…" if reverse else text

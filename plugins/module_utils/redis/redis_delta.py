# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply a difference to a running Redis in one MULTI/EXEC, and move keys into servers that nobody else uses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from ..errors import RecoveryError
from ..libraries import redis
from .redis_compare import GROUP, Difference
from .redis_keys import Selection, walk
from .redis_values import Pace
from .redis_wire import ReplyError, Wire, packed, per_key


def raise_counters(live: redis.Redis, database: int, steps: Mapping[bytes, int]) -> None:
    """Raise counters by the given steps, in one transaction and before anything else changes."""
    if not steps:
        return
    requests = [packed(b"INCRBY", key, b"%d" % step) for key, step in steps.items()]
    with Wire(live, database) as wire:
        wire.ask(b"MULTI")
        _all_answer(wire, requests, b"+QUEUED")
        _done(wire.execute())


def apply(live: redis.Redis, wanted: redis.Redis | None, differences: Sequence[Difference]) -> float:
    """Apply all differences in one transaction, all or nothing; return the milliseconds that other clients waited.

    The values pass through here one group at a time. Should this process end before EXEC, the server forgets it all.
    """
    changing = [item for item in differences if item.keys]
    if not changing:
        return 0.0
    with Wire(live) as out:
        ahead_ms = _clock_difference(out)
        out.ask(b"MULTI")
        for item in changing:
            _all_answer(out, [packed(b"SELECT", b"%d" % item.database)], b"+QUEUED")
            for at in range(0, len(item.removals), GROUP):
                _all_answer(out, [packed(b"UNLINK", *item.removals[at : at + GROUP])], b"+QUEUED")
            if item.writes and wanted is not None:
                with Wire(wanted, item.database) as source:
                    for requests in _restores(source, item.writes, ahead_ms):
                        _all_answer(out, requests, b"+QUEUED")
        began = time.monotonic()
        _done(out.execute())
        return (time.monotonic() - began) * 1000


def _clock_difference(wire: Wire) -> int:
    """Return how far the server's clock is ahead of this host's, in ms; 0 where asking does not show any difference."""
    before = int(time.time() * 1000)
    seconds, micros = wire.ask(b"TIME")
    server, now = int(seconds) * 1000 + int(micros) // 1000, int(time.time() * 1000)
    return 0 if before <= server <= now else server - now


def _restores(source: Wire, keys: Sequence[bytes], ahead_ms: int = 0) -> Iterator[list[bytes]]:
    """Yield groups of commands that write keys as source holds them; one that expired there meanwhile is removed.

    ahead_ms: how far the clock of the server that gets them is ahead of this host's.
    """
    pace, shift, exact = Pace(), ahead_ms, True
    try:
        shift -= _clock_difference(source)
    except ReplyError:  # a user that may read does not have to be let at the time
        exact = False
    for part in pace.parts(keys):
        source.send(per_key(b"DUMP", part))
        dumps = [source.reply() for _key in part]
        ends = _ask_ends(source, b"PEXPIRETIME", part) if exact else None
        if ends is None:  # before Redis 7.0, or where the user may not ask: to a few milliseconds
            exact, ends = False, _ask_ends(source, b"PTTL", part) or []
            shift = int(time.time() * 1000) + ahead_ms
        pace.largest = max(len(dump or b"") for dump in dumps)
        yield [
            packed(b"UNLINK", key)
            if dump is None or end == -2  # expired between the two questions
            else packed(b"RESTORE", key, b"%d" % (shift + end), dump, b"REPLACE", b"ABSTTL")
            if end >= 0
            else packed(b"RESTORE", key, b"0", dump, b"REPLACE")
            for key, dump, end in zip(part, dumps, ends)
        ]


def _ask_ends(source: Wire, question: bytes, keys: Sequence[bytes]) -> list[int] | None:
    """Return each key's end, -1 for never and -2 for a key that is not there; None where it cannot be asked so."""
    source.send(per_key(question, keys))
    lines = source.lines(len(keys))
    return None if any(line[:1] != b":" for line in lines) else [int(line[1:]) for line in lines]


def _all_answer(wire: Wire, requests: Sequence[bytes], expected: bytes) -> None:
    """Send requests and hold each reply against what is expected; a number stands for a removal."""
    wire.send(b"".join(requests))
    for line in wire.lines(len(requests)):
        if line != expected and not (expected == b"+OK" and line[:1] == b":"):
            raise RecoveryError(
                f"Redis refuses a part of the change: {line[1:].decode('utf-8', 'replace').split(' ', 1)[0]}.",
                "Nothing of it was applied. Look at the rights of the Redis user and at the server's log.",
            )


def _done(answers: object) -> None:
    """Raise when the server did not execute every part of a transaction."""
    refused = [item for item in answers if isinstance(item, RecoveryError)] if isinstance(answers, list) else [answers]
    if refused:
        raise RecoveryError(
            f"Redis applied the change in part only: {len(refused)} commands failed.",
            "Run the same command again; it compares anew.",
        )


def copy(source: redis.Redis, target: redis.Redis, database: int, chosen: Selection, others: bool = False) -> None:
    """Copy the chosen keys, or with others all but those and the counters, into a server that nobody else uses."""
    wide = Selection(chosen.mode, chosen.prefixes, "all") if others else chosen
    with Wire(source, database) as reading, Wire(target, database) as writing:
        for batch in walk(source, database, wide):
            for requests in _restores(reading, chosen.others(batch) if others else batch):
                _all_answer(writing, requests, b"+OK")


def remove_others(target: redis.Redis, database: int, chosen: Selection) -> None:
    """Remove all but the chosen keys and the counters from a server that nobody else uses."""
    for batch in walk(target, database, Selection(chosen.mode, chosen.prefixes, "all")):
        remove(target, database, chosen.others(batch))


def remove(target: redis.Redis, database: int, keys: Sequence[bytes]) -> None:
    """Remove keys from a server that nobody else uses."""
    if keys:
        with Wire(target, database) as wire:
            wire.ask(b"UNLINK", *keys)


def empty(target: redis.Redis, database: int) -> None:
    """Remove all keys of a database of a server that nobody else uses."""
    with Wire(target, database) as wire:
        wire.ask(b"FLUSHDB")

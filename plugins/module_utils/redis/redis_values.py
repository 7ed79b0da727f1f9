# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do two servers hold the same values? Compared by what they mean, as two servers may write one value differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import RecoveryError
from .redis_wire import ReplyError, Wire, packed, per_key

# What a key of one server is in the other: the same, of another time to live or value, not there, or expired by itself.
SAME, TTL, OTHER, MISSING, GONE = range(5)
TTL_SLACK_MS = 1000
GROUP_BYTES, GROUP_KEYS = 1 << 20, 1000
SHORT = 1024
LARGE, AHEAD = 64 << 10, 32
FOOTER = 10
# Types in a dump whose whole meaning HGETALL, SMEMBERS, ZRANGE or LRANGE tell: neither streams nor fields that expire.
PLAIN = {1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 16, 17, 18, 20}
# Redis → the version of its dumps; a server reads its own and older ones.
DUMP_VERSIONS = {(6, 2): 9, (7, 0): 10, (7, 2): 11, (7, 4): 12, (8, 0): 12}


class Both:
    """Two servers that are asked the same questions at the same time."""

    def __init__(self, one: Wire, other: Wire) -> None:
        self.one, self.other = one, other

    def send(self, request: bytes) -> None:
        """Ask both."""
        self.one.send(request)
        self.other.send(request)

    def values(self, keys: Sequence[bytes]) -> tuple[list[bytes | None], list[bytes | None]]:
        """Return the values of string keys on both sides."""
        self.send(packed(b"MGET", *keys))
        return self.one.reply(), self.other.reply()


def relate(batches: Iterable[Sequence[bytes]], asked: Both, aside: Both) -> Iterator[tuple[Sequence[bytes], list[int]]]:
    """Yield (keys, what each key of one server is in the other), by time to live and value.

    The servers work on the next batch while one is looked at; the few values that need more questions are asked for
    aside. Only the beginning of a value is read at first, so that no batch of large ones is ever held.
    """
    waiting: Sequence[bytes] = ()
    for batch in batches:
        asked.send(per_key(b"PTTL", batch) + per_key(b"GETRANGE", batch, b"0", b"%d" % (SHORT - 1)))
        if waiting:
            yield waiting, _states(waiting, asked, aside)
        waiting = batch
    if waiting:
        yield waiting, _states(waiting, asked, aside)


def _states(keys: Sequence[bytes], asked: Both, aside: Both) -> list[int]:
    count = len(keys)
    ends, now_ends = asked.one.lines(count), asked.other.lines(count)
    begins, now_begins = asked.one.replies(count), asked.other.replies(count)
    found = [SAME] * count
    long: list[int] = []
    rest: list[int] = []
    for at in _suspects(ends, now_ends, begins, now_begins):
        end, now_end, begin, now_begin = ends[at], now_ends[at], begins[at], now_begins[at]
        if end == b":-2":
            found[at] = GONE
        elif now_end == b":-2":
            found[at] = MISSING
        elif begin.__class__ is bytes and now_begin.__class__ is bytes:
            if begin != now_begin:
                found[at] = OTHER
                continue
            if len(begin) == SHORT:
                long.append(at)
            if end != now_end and ttl_differs(end, now_end):
                found[at] = TTL
        elif begin.__class__ is now_begin.__class__:
            rest.append(at)
            if ttl_differs(end, now_end):
                found[at] = TTL
        else:
            found[at] = OTHER
    for at, state in [*_long(keys, long, aside), *_rest(keys, rest, aside)]:
        found[at] = found[at] if state == SAME else state
    return found


def _suspects(
    ends: Sequence[bytes], now_ends: Sequence[bytes], begins: Sequence[Any], now_begins: Sequence[Any]
) -> Iterable[int]:
    """Return the places where a closer look is due: nearly all keys are short strings, the same on both sides."""
    if {*map(type, begins), *map(type, now_begins)} != {bytes} or max(map(len, begins)) >= SHORT:
        return range(len(begins))
    try:
        pairs = zip(_numbers(ends), _numbers(now_ends), begins, now_begins)
        return [
            at
            for at, (end, now_end, begin, now_begin) in enumerate(pairs)
            if begin != now_begin or not -TTL_SLACK_MS <= end - now_end <= TTL_SLACK_MS or end < 0 or now_end < 0
        ]
    except ValueError:
        return range(len(begins))


def _numbers(lines: Sequence[bytes]) -> Iterable[int]:
    """Return what lines like ``:12`` say, in one go."""
    return map(int, b"".join(lines)[1:].split(b":"))


def _long(keys: Sequence[bytes], chosen: Sequence[int], aside: Both) -> Iterator[tuple[int, int]]:
    """Compare long strings: first by their length, then whole, in groups of a bounded size."""
    aside.send(per_key(b"STRLEN", [keys[at] for at in chosen]))
    lengths, now_lengths = aside.one.lines(len(chosen)), aside.other.lines(len(chosen))
    sized: list[tuple[int, int]] = []
    for at, length, now_length in zip(chosen, lengths, now_lengths):
        if length == now_length:
            sized.append((at, int(length[1:])))
        else:
            yield at, OTHER
    for group in grouped(sized):
        values, now_values = aside.values([keys[at] for at in group])
        for at, value, now_value in zip(group, values, now_values):
            yield at, SAME if value == now_value else OTHER


def _rest(keys: Sequence[bytes], chosen: Sequence[int], aside: Both) -> Iterator[tuple[int, int]]:
    """Compare what is no string: by the dumps, else by meaning; one by one where they are large."""
    pace = Pace()
    for part in pace.parts(chosen):
        aside.send(per_key(b"DUMP", [keys[at] for at in part]))
        pairs = [(at, aside.one.reply(), aside.other.reply()) for at in part]
        pace.largest = max(len(dump or b"") for _at, dump, _now in pairs)
        for at, dump, now_dump in pairs:
            if dump is None or now_dump is None:
                yield at, GONE if dump is None else MISSING
            elif dump[:-FOOTER] != now_dump[:-FOOTER] and not _same_meaning(keys[at], dump[0], now_dump[0], aside):
                yield at, OTHER


def ttl_differs(one: bytes, other: bytes) -> bool:
    """Say whether two answers to PTTL lie further apart than asking takes; one without end differs from any other."""
    for line in (one, other):
        if line[:1] == b"-":
            raise ReplyError(line[1:])
    first, second = int(one[1:]), int(other[1:])
    return (first < 0) != (second < 0) or abs(first - second) > TTL_SLACK_MS


def grouped(sized: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield groups of what may be fetched at once: up to a number and a size, a large one by itself."""
    group: list[int] = []
    total = 0
    for at, size in sized:
        if group and (total + size > GROUP_BYTES or len(group) >= GROUP_KEYS):
            yield group
            group, total = [], 0
        group.append(at)
        total += size
    if group:
        yield group


class Pace:
    """How many values are asked for ahead: they lie in the server's memory, so after a large one they come singly."""

    def __init__(self) -> None:
        self.largest = LARGE  # the first one by itself: nothing is known yet

    def parts(self, items: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Yield the items in parts; largest is to be set after each."""
        at = 0
        while at < len(items):
            size = AHEAD if self.largest < LARGE else 1
            yield items[at : at + size]
            at += size


def _same_meaning(key: bytes, kind: int, other_kind: int, aside: Both) -> bool:
    """Compare what has no order of its own, a hash or a set, and what another encoding holds."""
    if kind not in PLAIN or other_kind not in PLAIN:
        return False
    one, other = aside.one, aside.other
    name = one.ask(b"TYPE", key)
    if other.ask(b"TYPE", key) != name:
        return False
    ask: dict[bytes, tuple[bytes, ...]] = {
        b"hash": (b"HGETALL", key),
        b"set": (b"SMEMBERS", key),
        b"zset": (b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
        b"list": (b"LRANGE", key, b"0", b"-1"),
    }
    if name not in ask:
        return False
    values, now_values = one.ask(*ask[name]), other.ask(*ask[name])
    if name == b"hash":
        return sorted(zip(values[::2], values[1::2])) == sorted(zip(now_values[::2], now_values[1::2]))
    return bool(sorted(values) == sorted(now_values) if name == b"set" else values == now_values)


def need_readable(version: str, now_version: str) -> None:
    """Raise when a server of now_version cannot take the dumps of one of version: the change would stop half way."""
    if _dump_version(now_version) < _dump_version(version):
        raise RecoveryError(
            f"Redis {now_version} cannot read what Redis {version} writes.",
            "The scratch server's image (stack_redis_image) and the live Redis must be of one version.",
        )


def _dump_version(version: str) -> int:
    numbers = [int(word) for word in version.split(".")[:2] if word.isdigit()]
    known = [dump for release, dump in DUMP_VERSIONS.items() if list(release) <= numbers]
    return max(known, default=0)

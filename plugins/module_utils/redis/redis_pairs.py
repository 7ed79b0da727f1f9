# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do map and reverse entries of a server agree? Where they do not, an answer unmasks to another's resource."""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from ..libraries import redis
from . import redis_families as families
from .redis_keys import exactly
from .redis_values import LARGE
from .redis_wire import Wire, per_key

GROUP = 1000


def wrong_pairs(client: redis.Redis, database: int, prefixes: Sequence[bytes]) -> list[bytes]:
    """Return the reverse keys whose alias maps to another original; read in batches, the found ones twice.

    A client may write a pair between two reads, so only what is wrong twice counts.
    """
    suspects: list[bytes] = []
    with Wire(client, database) as walker, Wire(client, database) as asking:
        for prefix in prefixes:
            for batch in walker.scan(exactly(prefix + families.REV) + b"*"):
                suspects += _wrong(asking, prefix, batch)
        found: set[bytes] = set()
        for prefix in prefixes:
            ours = [key for key in suspects if key.startswith(prefix + families.REV)]
            for at in range(0, len(ours), GROUP):
                found.update(_wrong(asking, prefix, ours[at : at + GROUP]))
    return sorted(found)


def wrong_among(client: redis.Redis, database: int, prefixes: Sequence[bytes], keys: Sequence[bytes]) -> list[bytes]:
    """Return those pairs of the given map and reverse keys that do not agree, by their reverse keys."""
    found: set[bytes] = set()
    with Wire(client, database) as wire:
        for prefix in prefixes:
            reverse = {key for key in keys if key.startswith(prefix + families.REV)}
            maps = [key for key in keys if key.startswith(prefix + families.MAP)]
            for at in range(0, len(maps), GROUP):
                part = maps[at : at + GROUP]
                known = [(key, value) for key, value in zip(part, short_values(wire, part)) if value is not None]
                halves = [families.partner(key, value, [prefix]) for key, value in known]
                reverse.update(half[0] for half in halves if half is not None)
            ordered = sorted(reverse)
            for at in range(0, len(ordered), GROUP):
                found.update(_wrong(wire, prefix, ordered[at : at + GROUP]))
    return sorted(found)


def short_values(wire: Wire, keys: Sequence[bytes]) -> list[bytes | None]:
    """Return the values of string keys; None also for one too long to be an identifier, which is not fetched."""
    wire.send(per_key(b"STRLEN", keys))
    sizes = wire.lines(len(keys))
    short = [key for key, size in zip(keys, sizes) if size[:1] == b":" and int(size[1:]) < LARGE]
    values = dict(zip(short, wire.values(short)))
    return [values.get(key) for key in keys]


def _wrong(wire: Wire, prefix: bytes, batch: Sequence[bytes]) -> list[bytes]:
    aliases = wire.values(batch)
    known = [(key, alias) for key, alias in zip(batch, aliases) if alias is not None]
    begin = prefix + families.MAP
    originals = wire.values([begin + alias for _key, alias in known])
    skip = len(prefix) + len(families.REV)
    return [
        key
        for (key, _alias), original in zip(known, originals)
        if original is not None
        and binascii.b2a_base64(original, newline=False) != key[skip:]
        and original != families.original_of(key[skip:])
    ]

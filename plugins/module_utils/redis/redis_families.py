# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the masking plugin's keys mean: map, rev and counter entries. Pure; keys and values are bytes.

``PREFIXmap:ALIAS`` → original, ``PREFIXrev:BASE64(original)`` → alias, ``PREFIXcnt:KIND`` → last number given out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence

MAP, REV, CNT = b"map:", b"rev:", b"cnt:"


def family(key: bytes, prefixes: Iterable[bytes], kind: bytes) -> bytes | None:
    """Return what follows prefix and kind in a key; None when the key is not of that family."""
    for prefix in prefixes:
        if key.startswith(prefix + kind):
            return key[len(prefix) + len(kind) :]
    return None


def original_of(encoded: bytes) -> bytes | None:
    """Return the original that a reverse key names; None when it is no Base64."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def partner(key: bytes, value: bytes, prefixes: Iterable[bytes]) -> tuple[bytes, bytes] | None:
    """Return the other half of a pair as (key, value) should be; None when the key is neither map nor reverse."""
    for prefix in prefixes:
        if key.startswith(prefix + MAP):
            return prefix + REV + base64.b64encode(value), key[len(prefix) + len(MAP) :]
        if key.startswith(prefix + REV):
            original = original_of(key[len(prefix) + len(REV) :])
            return (prefix + MAP + value, original) if original is not None else None
    return None


def disagreements(entries: Mapping[bytes, bytes], prefixes: Sequence[bytes]) -> list[bytes]:
    """Return the reverse keys whose alias maps to another original: a wrong unmasking waiting to happen.

    A reverse entry whose alias has no map entry is no disagreement: the pair's times to live may end apart.
    """
    wrong = []
    for key, alias in entries.items():
        encoded = family(key, prefixes, REV)
        if encoded is None:
            continue
        prefix = key[: len(key) - len(encoded) - len(REV)]
        original = entries.get(prefix + MAP + alias)
        if original is not None and original != original_of(encoded):
            wrong.append(key)
    return sorted(wrong)


def increments(live: Mapping[bytes, int], other: Mapping[bytes, int]) -> dict[bytes, int]:
    """Return how far each counter must be raised so that it is at least the larger of the two; never a lowering.

    An increment commutes with the plugin's own, so no request can slip in between.
    """
    return {key: value - live.get(key, 0) for key, value in sorted(other.items()) if value > live.get(key, 0)}

"""Keys of the masking plugin, and counters that are never lowered."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_families as families

PREFIX = [b"aws_masker:"]
COUNTERS = st.dictionaries(st.sampled_from([b"cnt:a", b"cnt:b", b"cnt:c"]), st.integers(0, 1 << 40))


def rev(original):
    return b"aws_masker:rev:" + base64.b64encode(original)


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ({}, []),
        ({rev(b"i-1"): b"A1", b"aws_masker:map:A1": b"i-1"}, []),
        ({rev(b"i-1"): b"A1"}, []),
        ({rev(b"i-1"): b"A1", b"aws_masker:map:A1": b"i-2"}, [rev(b"i-1")]),
        ({b"aws_masker:rev:no base64": b"A1", b"aws_masker:map:A1": b"i-2"}, [b"aws_masker:rev:no base64"]),
        ({b"other:rev:aQ==": b"A1", b"aws_masker:map:A1": b"i-2"}, []),
    ],
    ids=["nothing", "agree", "map-expired", "disagree", "no-base64", "another-family"],
)
def test_disagreements(entries, wrong):
    assert families.disagreements(entries, PREFIX) == wrong


@given(COUNTERS, COUNTERS)
def test_counters_reach_the_larger_and_never_fall(live, other):
    steps = families.increments(live, other)
    assert all(step > 0 for step in steps.values())
    after = {key: live.get(key, 0) + steps.get(key, 0) for key in {*live, *other}}
    assert after == {key: max(live.get(key, 0), other.get(key, 0)) for key in {*live, *other}}


@pytest.mark.parametrize(
    ("key", "value", "half"),
    [
        (b"aws_masker:map:A1", b"i-1", (rev(b"i-1"), b"A1")),
        (rev(b"i-1"), b"A1", (b"aws_masker:map:A1", b"i-1")),
        (b"aws_masker:rev:no base64", b"A1", None),
        (b"aws_masker:cnt:ec2", b"5", None),
        (b"other:map:A1", b"i-1", None),
    ],
)
def test_partner(key, value, half):
    assert families.partner(key, value, PREFIX) == half

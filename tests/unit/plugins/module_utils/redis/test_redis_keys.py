"""Which keys are meant, and that they are counted exactly whatever SCAN shows twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_keys as keys

PREFIX = (b"aws_masker:",)
ALL = [b"aws_masker:map:A", b"aws_masker:rev:aQ==", b"aws_masker:cnt:ec2", b"session:1", b"\xff"]


@pytest.mark.parametrize(
    ("scope", "keep_counters", "chosen", "others"),
    [
        ("mappings", True, [0, 1], [3, 4]),
        ("all", True, [0, 1, 3, 4], []),
        ("mappings", False, [0, 1, 2], [3, 4]),
        ("all", False, [0, 1, 2, 3, 4], []),
    ],
)
def test_what_a_change_may_touch(scope, keep_counters, chosen, others):
    selection = keys.Selection("restore", PREFIX, scope, keep_counters=keep_counters)
    assert selection.chosen(ALL) == [ALL[at] for at in chosen]
    assert selection.others(ALL) == [ALL[at] for at in others]


@pytest.mark.parametrize(
    ("prefixes", "scope", "patterns"),
    [
        ((b"a:", b"b:"), "mappings", [b"a:*", b"b:*"]),
        ((b"a:", b"a:x:", b"a:"), "mappings", [b"a:*"]),
        ((b"[a]*:",), "mappings", [b"\\[a\\]\\*:*"]),
        ((b"a:",), "all", [b""]),
    ],
)
def test_each_key_is_asked_for_once(prefixes, scope, patterns):
    assert keys.Selection("", prefixes, scope).patterns == patterns


@given(st.lists(st.binary(max_size=3)))
def test_a_tally_counts_distinct_keys(found):
    tally = keys.Tally()
    tally.add(found)
    tally.add(found[::2])
    assert len(tally) == len(set(found))


@given(st.lists(st.binary(max_size=2)), st.one_of(st.none(), st.integers(0, 20)))
def test_a_list_holds_each_key_once_and_past_its_limit_only_the_number(found, limit):
    listed = keys.KeyList(limit)
    for key in found:
        listed.add([key])
    distinct = len(set(found))
    assert len(listed) == distinct
    assert listed.over == (limit is not None and distinct > limit)
    assert listed.over or set(listed.held) == set(found)


def test_a_reverse_key_is_shown_without_its_identifier():
    selection = keys.Selection("", PREFIX, "mappings")
    assert keys.shown(b"aws_masker:map:A\xff", selection) == "aws_masker:map:A\\xff"
    assert keys.shown(b"aws_masker:rev:aS1zZWNyZXQ=", selection) == "aws_masker:rev:aS1z…"


def test_families():
    assert keys.by_family([b"p:map:1", b"p:map:2", b"p:cnt:x", b"p:plain"], b"p:") == {
        "p:map": [b"p:map:1", b"p:map:2"],
        "p:cnt": [b"p:cnt:x"],
        "p:plain": [b"p:plain"],
    }

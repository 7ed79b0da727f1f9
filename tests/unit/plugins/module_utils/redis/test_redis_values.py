"""How values are fetched for a comparison: in bounded groups, and only where both servers read each other's dumps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_values as values
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_wire import ReplyError


@given(st.lists(st.integers(0, 3 << 20)))
def test_groups_hold_everything_once_and_no_more_than_a_size(sizes):
    groups = list(values.grouped(list(enumerate(sizes))))
    assert [at for group in groups for at in group] == list(range(len(sizes)))
    for group in groups:
        assert len(group) == 1 or sum(sizes[at] for at in group) <= values.GROUP_BYTES


def test_large_values_come_singly():
    pace, seen = values.Pace(), []
    for part in pace.parts(list(range(100))):
        seen.append(len(part))
        pace.largest = values.LARGE if len(seen) == 2 else 10
    assert seen[:4] == [1, values.AHEAD, 1, values.AHEAD]
    assert sum(seen) == 100


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (b":5000", b":5400", False),
        (b":5000", b":6001", True),
        (b":-1", b":-1", False),
        (b":-1", b":500", True),
        (b":0", b":-1", True),
    ],
)
def test_ttl_differs(one, other, differs):
    assert values.ttl_differs(one, other) is differs


def test_a_server_that_does_not_tell_a_time_to_live_is_an_error():
    with pytest.raises(ReplyError, match="NOPERM"):
        values.ttl_differs(b":5", b"-NOPERM x")


@pytest.mark.parametrize(
    ("source", "target", "readable"),
    [
        ("7.0.15", "7.0.15", True),
        ("6.2.14", "7.0.15", True),
        ("7.0.15", "6.2.14", False),
        ("7.4.1", "7.2.4", False),
        ("8.0.2", "7.4.0", True),
        ("7.0.0", "8.2.1", True),
        ("", "7.0.15", True),
    ],
)
def test_need_readable(source, target, readable):
    if readable:
        values.need_readable(source, target)
    else:
        with pytest.raises(RecoveryError, match="cannot read"):
            values.need_readable(source, target)

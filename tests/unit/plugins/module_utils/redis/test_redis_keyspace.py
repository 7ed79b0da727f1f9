"""How many keys each database holds."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_keyspace import keyspace


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ({"redis_version": "7.0.15"}, {}),
        ({"db0": {"keys": 3, "expires": 1, "avg_ttl": 5}, "db11": {"keys": 4}}, {0: 3, 11: 4}),
        (
            {"db0": {"keys": 3}, "db0_distrib_strings_sizes": {"1": 10, "8": 2}, "db0_distrib_lists_items": "1=2"},
            {0: 3},
        ),
    ],
    ids=["empty", "redis-7", "redis-8"],
)
def test_only_whole_databases_are_counted(about, found):
    assert keyspace(about) == found

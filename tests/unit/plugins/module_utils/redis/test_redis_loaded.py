"""When a started server counts as one that has loaded what was put there."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_loaded import Held, loaded_problem


def info(keys, expires=0, expired=0, loaded=None, at_load=None):
    """INFO as redis-py parses it; loaded and at_load are not told before Redis 7."""
    about = {"db0": {"keys": keys, "expires": expires, "avg_ttl": 0}} if keys else {}
    about["expired_keys"] = expired
    if loaded is not None:
        about.update(rdb_last_load_keys_loaded=loaded, rdb_last_load_keys_expired=at_load or 0)
    return about


CASES = {
    "all": (Held(100, 100, 99), info(100, loaded=100), True),
    "nothing-of-nothing": (Held(0, 0, 0), info(0, loaded=0), True),
    "starts-empty": (Held(100, 100, 99), info(0, loaded=0), False),
    "other-fewer-data": (Held(100, 100, 99), info(40, loaded=40), False),
    "other-more-data": (Held(1, 1, 0), info(200, loaded=200), False),
    "other-data-instead-of-none": (Held(0, 0, 0), info(200, loaded=200), False),
    "other-data-of-an-append-only-file": (Held(1, 1, 0), info(200, loaded=0), False),
    "expired-while-it-loaded": (Held(100, 100, 99), info(70, loaded=70, at_load=30), True),
    "expired-since": (Held(100, 100, 99), info(70, loaded=100, expired=30), True),
    "expired-while-it-was-saved": (Held(95, 100, 99), info(97, loaded=97), True),
    "written-since": (Held(100, 100, 99), info(105, loaded=100), True),
    "gone-for-no-reason": (Held(100, 100, 99), info(70, loaded=100, expired=10), False),
    "before-7-all": (Held(100, 100, 99), info(100), True),
    "before-7-expired-while-it-loaded": (Held(100, 100, 99), info(20), True),
    "before-7-starts-empty": (Held(100, 100, 100), info(0), False),
    "before-7-lost-what-never-expires": (Held(100, 100, 10), info(20), False),
    "before-7-other-more-data": (Held(1, 1, 0), info(200), False),
}


@pytest.mark.parametrize(("held", "about", "same"), CASES.values(), ids=CASES)
def test_what_was_put_is_what_it_serves(held, about, same):
    said = loaded_problem(held, about)
    assert said == "" if same else said.startswith("Redis holds ")


def test_both_numbers_are_named():
    assert loaded_problem(Held(1200, 1234, 0), info(0, loaded=0)) == (
        "Redis holds 0 keys after its start, expected 1,234"
    )


def test_what_a_server_held_when_it_saved_lies_between_what_it_said_before_and_after():
    before = {**info(100, expires=60), "db3": {"keys": 5, "expires": 5}, "db0_distrib_strings_sizes": "1=3"}
    assert Held.of(before, info(97, expires=57)) == Held(97, 105, 65)

"""What a comparison of two servers finds, by reads only, and that applying it is all or nothing. No Docker here."""

from __future__ import annotations

import base64
import os
import threading
import time

import pytest
from plain_servers import plain_server
from redis_lab import contents, reverse, same

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import (
    redis_compare,
    redis_delta,
    redis_keys,
    redis_pairs,
    redis_values,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_wire import Wire

PREFIX = b"aws_masker:"
# Expiry as a moment: on a busy machine, seconds pass between writing one server and the other.
HOUR = int(time.time() * 1000) + 3_600_000


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Three servers: live, wanted and brought."""
    folder = tmp_path_factory.mktemp("plain")
    with (
        plain_server(folder / "l") as live,
        plain_server(folder / "w") as wanted,
        plain_server(folder / "b") as brought,
    ):
        yield live, wanted, brought


@pytest.fixture
def three(servers):
    for server in servers:
        server.flushall()
    return servers


def selection(mode: str, scope: str = "mappings", **further) -> redis_keys.Selection:
    return redis_keys.Selection(mode, (PREFIX,), scope, **further)


def change(live, wanted, mode: str, scope: str = "mappings", brought=None, **further) -> redis_compare.Difference:
    """Compare, apply, and return what was found."""
    sources = redis_compare.Sources(wanted, brought)
    found = redis_compare.compare(live, sources, selection(mode, scope, **further), 0)
    redis_delta.apply(live, wanted, [found])
    return found


def pair(server, alias: str, original: str, end: int = HOUR) -> None:
    server.set(f"aws_masker:map:{alias}", original, pxat=end)
    server.set(reverse(original), alias, pxat=end)


def content(server) -> dict:
    """Return the content of database 0."""
    return contents(lambda _database: server)


def every_kind(server) -> None:
    """Write keys whose dumps two servers may write in another order or encoding, and large and binary ones."""
    server.hset("hash", mapping={f"field {number}": "v" * 70 for number in range(600)})
    server.sadd("set", *[f"member {number}" for number in range(600)])
    server.zadd("sorted", {f"member {number}": number / 7 for number in range(300)})
    server.rpush("list", *["x" * 100 for _number in range(300)])
    server.xadd("stream", {"n": 1}, id="1-1")
    server.set("long", "x" * 5000)
    server.set("edge", "x" * redis_values.SHORT)
    server.set(b"\r\n$3\r\nkey", b"\r\n*2\r\n")
    server.set("empty", "")
    server.set("expires", "soon", pxat=HOUR)


def test_equal_data_differ_in_nothing_whatever_their_order_and_encoding(three):
    live, wanted, _brought = three
    live.config_set("rdbcompression", "no")
    live.config_set("hash-max-listpack-entries", 1000)
    every_kind(live)
    every_kind(wanted)
    found = redis_compare.compare(live, redis_compare.Sources(wanted), selection("restore", "all"), 0)
    live.config_set("rdbcompression", "yes")
    assert (found.writes, found.removals, found.keys) == ([], [], 0)
    assert (found.live.keys, found.wanted.keys) == (10, 10)


CHANGES = {
    "hash": lambda live: live.hset("hash", "field 3", "w" * 70),
    "set": lambda live: (live.srem("set", "member 5"), live.sadd("set", "member x")),
    "sorted": lambda live: live.zincrby("sorted", 1, "member 7"),
    "list": lambda live: live.lset("list", 150, "y" * 100),
    "stream": lambda live: live.xadd("stream", {"n": 2}, id="1-2"),
    "long-end": lambda live: live.setrange("long", 4999, "y"),
    "long-length": lambda live: live.append("long", "x"),
    "edge": lambda live: live.append("edge", "y"),
    "empty": lambda live: live.set("empty", "no"),
    "expiry-gone": lambda live: live.persist("expires"),
    "expiry-later": lambda live: live.pexpireat("expires", HOUR + 2000),
    "type": lambda live: (live.delete("list"), live.set("list", "a string")),
    "string-to-hash": lambda live: (live.delete("empty"), live.hset("empty", "a", "b")),
    "missing": lambda live: live.delete(b"\r\n$3\r\nkey"),
    "more": lambda live: live.set("later", "x"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_single_change_is_found_and_taken_back_exactly(three, name):
    live, wanted, _brought = three
    every_kind(live)
    every_kind(wanted)
    CHANGES[name](live)
    found = change(live, wanted, "restore", "all")
    assert found.keys == 1
    same(content(wanted), content(live))


def test_a_time_to_live_within_a_second_is_the_same(three):
    live, wanted, _brought = three
    pair(live, "A1", "i-1", HOUR)
    pair(wanted, "A1", "i-1", HOUR + 300)
    assert change(live, wanted, "restore").keys == 0


def test_pages_of_keys_are_compared_as_one(three):
    live, wanted, _brought = three
    for number in range(3000):
        pair(wanted, f"A{number}", f"i-{number}")
    for number in range(10, 3010):
        pair(live, f"A{number}", f"i-{number}")
    found = change(live, wanted, "restore")
    assert (found.restored, found.removed, found.balance, found.growth) == (20, 20, 0, 0)
    assert (found.live, found.wanted) == (redis_keys.Census(6000, 3000), redis_keys.Census(6000, 3000))
    same(content(wanted), content(live))


def test_past_the_limit_keys_are_counted_exactly_and_not_held(three):
    live, wanted, _brought = three
    for number in range(600):
        pair(wanted, f"A{number}", f"i-{number}")
    found = redis_compare.compare(live, redis_compare.Sources(wanted), selection("restore"), 0, limit=100)
    assert found.over
    assert (found.writes, found.restored, found.balance, found.growth) == ([], 1200, 600, 1200)


def test_counters_and_what_is_not_ours_stay(three):
    live, wanted, _brought = three
    for server, number in ((live, 70), (wanted, 7)):
        server.set("aws_masker:cnt:ec2", number)
        server.set("other", number)
    pair(wanted, "A1", "i-1")
    change(live, wanted, "restore")
    assert (live.get("aws_masker:cnt:ec2"), live.get("other")) == (b"70", b"70")
    change(live, wanted, "restore", "all")
    assert (live.get("aws_masker:cnt:ec2"), live.get("other")) == (b"70", b"7")


def test_counters_are_keys_like_any_other_where_they_are_not_kept(three):
    live, wanted, _brought = three
    live.set("aws_masker:cnt:ec2", 70)
    wanted.set("aws_masker:cnt:ec2", 7)
    change(live, wanted, "restore", keep_counters=False)
    assert live.get("aws_masker:cnt:ec2") == b"7"
    change(live, None, "empty", keep_counters=False)
    assert live.exists("aws_masker:cnt:ec2") == 0


def test_a_prefix_with_signs_of_a_pattern_is_taken_literally(three):
    live, _wanted, _brought = three
    live.set("a*[x]:map:1", "v")
    live.set("abcx:map:1", "v")
    assert redis_keys.census(live, redis_keys.Selection("empty", (b"a*[x]:",), "mappings")) == redis_keys.Census(1, 1)


def test_a_merge_lets_the_live_one_win_and_makes_no_wrong_pair(three):
    live, wanted, _brought = three
    pair(live, "A1", "i-live")
    pair(wanted, "A1", "i-backup")
    pair(wanted, "A2", "i-2")
    found = change(live, wanted, "merge")
    assert found.conflicts == [b"aws_masker:map:A1", reverse("i-backup").encode()]
    assert redis_pairs.wrong_pairs(live, 0, [PREFIX]) == []
    assert live.get("aws_masker:map:A1") == b"i-live"
    assert live.get(reverse("i-2")) == b"A2"
    assert live.exists(reverse("i-backup")) == 0


def test_a_merge_gives_no_alias_that_a_live_reverse_entry_still_names(three):
    live, wanted, _brought = three
    pair(live, "A1", "i-live")
    live.delete("aws_masker:map:A1")
    pair(wanted, "A1", "i-backup")
    change(live, wanted, "merge")
    assert redis_pairs.wrong_pairs(live, 0, [PREFIX]) == []
    assert live.exists("aws_masker:map:A1", reverse("i-backup")) == 0


def test_wrong_pairs_are_found_by_their_reverse_keys(three):
    live, _wanted, _brought = three
    for number in range(1500):
        pair(live, f"A{number}", f"i-{number}")
    live.set("aws_masker:map:A700", "i-other")
    live.delete("aws_masker:map:A701")
    live.set("aws_masker:map:LONG", os.urandom(1 << 20))
    wrong = [reverse("i-700").encode()]
    assert redis_pairs.wrong_pairs(live, 0, [PREFIX]) == wrong
    keys = list(live.scan_iter(count=1000))
    assert redis_pairs.wrong_among(live, 0, [PREFIX], keys) == wrong
    assert redis_pairs.wrong_among(live, 0, [PREFIX], [b"aws_masker:map:A1"]) == []


def test_an_alias_of_another_resource_is_named(three):
    live, wanted, _brought = three
    pair(live, "A1", "i-live")
    pair(wanted, "A1", "i-backup")
    assert change(live, wanted, "restore").collisions == [b"aws_masker:map:A1"]


def test_an_undo_removes_only_what_the_change_brought_and_nobody_wrote_since(three):
    live, snapshot, brought = three
    pair(snapshot, "A1", "i-1")
    pair(snapshot, "A2", "i-2")
    for server in (live, brought):
        pair(server, "A2", "i-2")
        pair(server, "A3", "i-3")
        pair(server, "A4", "i-4")
    pair(live, "A9", "i-9")
    live.set("aws_masker:map:A4", "a client's")
    change(live, snapshot, "undo", brought=brought)
    kept = {b"aws_masker:map:A9", reverse("i-9").encode(), b"aws_masker:map:A4"}
    assert set(live.keys()) == {*snapshot.keys(), *kept}


def test_the_other_half_of_a_pair_goes_too_when_a_client_writes_it_in_between(three):
    """A client's pair of which the walk has seen one half only: it goes as a whole or stays as a whole."""
    live, wanted, _brought = three
    pair(live, "A1", "i-1")
    with Wire(live) as now, Wire(wanted) as other:
        one, two = b"aws_masker:map:A1", reverse("i-1").encode()
        assert redis_compare._partners(now, other, selection("restore"), {one: None}) == [two]
        assert redis_compare._partners(now, other, selection("restore"), {two: None}) == [one]
        pair(wanted, "A7", "i-1")
        assert redis_compare._partners(now, other, selection("restore"), {one: None}) == []


def test_keys_that_clients_write_after_the_comparison_are_kept(three):
    live, wanted, _brought = three
    pair(live, "A1", "i-1")
    pair(wanted, "A2", "i-2")
    found = redis_compare.compare(live, redis_compare.Sources(wanted), selection("restore"), 0)
    pair(live, "A10", "i-10")
    redis_delta.apply(live, wanted, [found])
    aliases = {key for key in live.scan_iter() if key.startswith(b"aws_masker:map:")}
    assert aliases == {b"aws_masker:map:A2", b"aws_masker:map:A10"}
    assert redis_pairs.wrong_pairs(live, 0, [PREFIX]) == []


def test_a_request_in_flight_gets_its_own_identifier_back_or_the_alias(three):
    """Masked before the change, unmasked after it: never another's identifier."""
    live, wanted, _brought = three
    counter = 0
    for number in range(200):
        counter += 1
        pair(wanted, f"A{counter}", f"i-{number}")
    for number in range(150, 400):
        counter += 1
        pair(live, f"A{counter}", f"i-{number}")
    flying = {key: live.get(key) for key in live.scan_iter(match="aws_masker:map:*", count=1000)}
    change(live, wanted, "restore")
    for key, original in flying.items():
        assert live.get(key) in (original, None)


def test_a_change_that_the_server_refuses_leaves_nothing_behind(three):
    live, wanted, _brought = three
    for number in range(100):
        pair(wanted, f"A{number}", f"i-{number}")
    pair(live, "B", "i-live")
    before = content(live)
    live.config_set("maxmemory", 1)
    with pytest.raises(RecoveryError, match=r"refuses a part of the change: OOM"):
        change(live, wanted, "restore")
    live.config_set("maxmemory", 0)
    same(before, content(live))


def test_a_user_without_the_right_to_restore_leaves_nothing_behind(three):
    live, wanted, _brought = three
    pair(wanted, "A", "i-1")
    pair(live, "B", "i-live")
    before = content(live)
    live.acl_setuser("default", enabled=True, nopass=True, commands=["-restore"])
    try:
        with pytest.raises(RecoveryError, match=r"refuses a part of the change: NOPERM"):
            change(live, wanted, "restore")
    finally:
        live.acl_setuser("default", enabled=True, nopass=True, commands=["+restore"])
    same(before, content(live))


def test_a_large_value_is_compared_and_moved(three):
    live, wanted, _brought = three
    value = os.urandom(1 << 20) * 64
    wanted.set("aws_masker:map:LARGE", value)
    live.set("aws_masker:map:LARGE", value[:-1] + b"x")
    assert change(live, wanted, "restore").keys == 1
    assert live.get("aws_masker:map:LARGE") == value
    assert change(live, wanted, "restore").keys == 0


@pytest.mark.slow
def test_200_000_small_keys_change_at_once(three):
    """While they do, a client never sees half of them."""
    live, wanted, _brought = three
    pipe = wanted.pipeline(transaction=False)
    for number in range(100_000):
        pipe.set(f"aws_masker:map:A{number}", f"i-{number}", pxat=HOUR)
        pipe.set(b"aws_masker:rev:" + base64.b64encode(b"i-%d" % number), f"A{number}", pxat=HOUR)
        if number % 5000 == 0:
            pipe.execute()
    pipe.execute()
    seen, end = set(), threading.Event()

    def watch() -> None:
        while not end.is_set():
            seen.add(live.dbsize())
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.monotonic()
    found = change(live, wanted, "restore")
    print(f"\n200,000 keys: {time.monotonic() - began:.1f} s")
    end.set()
    thread.join()
    seen.add(live.dbsize())
    assert found.restored == 200_000
    assert seen == {0, 200_000}

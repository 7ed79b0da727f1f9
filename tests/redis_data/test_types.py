"""Every type of Redis comes back as it was, in every database, whatever bytes it is made of."""

from __future__ import annotations

import os
import time

import pytest
from redis_lab import same


def every_type(live) -> None:
    """Write one key of each type and encoding, expiring ones too."""
    live.set("binary", bytes(range(256)))
    live.set(b"key\nwith\nlines", "x")
    live.set(b"\xff\xfe key that is no UTF-8", b"\x00\xff")
    live.set("expires", "soon", px=3_600_000)
    live.set("number", 12345)
    live.hset("hash", mapping={"a": "1", b"\xff": b"\x00"})
    live.hset("large hash", mapping={f"field {number}": "v" * 70 for number in range(600)})
    live.rpush("list", "a", b"\xff", "a")
    live.rpush("large list", *[os.urandom(100) for _number in range(500)])
    live.sadd("integers", *range(100))
    live.sadd("set", "a", b"\xff")
    live.zadd("sorted", {"a": 1.5, "b": float("inf"), "c": -0.1})
    live.pfadd("hyperloglog", *range(2000))
    live.setbit("bitmap", 1_000_003, 1)
    for number in range(5):
        live.xadd("stream", {"n": number})
    live.xgroup_create("stream", "group", id="0")
    live.xreadgroup("group", "consumer", {"stream": ">"}, count=3)
    live.expire("hash", 7200)


@pytest.mark.parametrize("method", ["delta", "file"])
def test_all_types_in_several_databases(lab, tmp_path, method):
    lab.empty()
    for database in (0, 3, 15):
        every_type(lab.client(database))
    content = lab.content()
    dump = lab.dump(tmp_path / "all.rdb")
    lab.client().flushall()
    lab.client(3).set("later", "goes")
    lab.client(7).set("later", "goes")
    lab.job("restore", dump, method, scope="all").run()
    lab.wait()
    same(content, lab.content())


def test_a_key_that_expires_meanwhile_stays_gone(lab, tmp_path):
    lab.empty()
    lab.fill(1, 3)
    lab.client().set("aws_masker:map:SHORT", "i-x", px=300)
    dump = lab.dump(tmp_path / "short.rdb")
    time.sleep(0.5)
    lab.job("restore", dump).run()
    assert lab.client().exists("aws_masker:map:SHORT") == 0
    assert lab.client().exists("aws_masker:map:AWS_EC2_001") == 1


def test_one_large_value(lab, tmp_path):
    lab.empty()
    value = os.urandom(1 << 20) * 64
    lab.client().set("aws_masker:map:LARGE", value)
    dump = lab.dump(tmp_path / "large.rdb")
    lab.empty()
    lab.job("restore", dump).run()
    assert lab.client().get("aws_masker:map:LARGE") == value


@pytest.mark.slow
def test_many_small_keys(lab, tmp_path):
    lab.empty()
    lab.fill(1, 100_001)
    dump = lab.dump(tmp_path / "many.rdb")
    lab.empty()
    result = lab.job("restore", dump).run()
    assert result["keys_after"] == 200_000
    assert lab.client().dbsize() == 200_001
    assert lab.client().get("aws_masker:map:AWS_EC2_54321") == f"i-{54321:017x}".encode()

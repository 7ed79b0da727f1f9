"""A Compose project that is a Redis and nothing else, on the real engine."""

from __future__ import annotations

import secrets

import pytest
from redis_lab import RedisLab


@pytest.fixture(scope="module", params=["aof", "rdb"])
def lab(request, tmp_path_factory):
    """A live Redis with append-only files on or off."""
    made = RedisLab(tmp_path_factory.mktemp("redis"), f"kmr-redis-{secrets.token_hex(3)}", request.param == "aof")
    try:
        made.deploy()
        yield made
    finally:
        made.down()

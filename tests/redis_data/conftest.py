"""A Compose project that is a Redis and nothing else, on the real engine."""

from __future__ import annotations

import secrets

import pytest
from redis_lab import RedisLab

# Files and single tests that run without append-only files in the full run alone; all others run both ways each time.
APPEND_ONLY = {
    "test_aliases.py",
    "test_damage.py",
    "test_settings.py",
    "test_undo.py",
    "test_a_server_that_cannot_answer",
}


@pytest.fixture(scope="module", params=["aof", "rdb"])
def lab(request, tmp_path_factory):
    """A live Redis with append-only files on or off."""
    made = RedisLab(tmp_path_factory.mktemp("redis"), f"kmr-redis-{secrets.token_hex(3)}", request.param == "aof")
    try:
        made.deploy()
        yield made
    finally:
        made.down()


def pytest_collection_modifyitems(items):
    """Leave what APPEND_ONLY names to the full run, without append-only files."""
    for item in items:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        if APPEND_ONLY & {item.path.name, item.originalname} and given.get("lab") == "rdb":
            item.add_marker(pytest.mark.slow)

"""A Compose project that is a Redis and nothing else, on the real engine."""

from __future__ import annotations

import secrets

import pytest
from redis_lab import RedisLab

# All others run with append-only files and without them each time, these without them in the full run.
WITH_THEM = ("test_aliases.py", "test_settings.py", "test_undo.py")


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
    """Leave these tests without append-only files to the full run."""
    for item in items:
        if item.path.name in WITH_THEM and getattr(item, "callspec", None) and item.callspec.params.get("lab") == "rdb":
            item.add_marker(pytest.mark.slow)

"""A scratch load is refused beforehand where it could take the memory that the live server lives on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_scratch

DUMP = 100 << 20
WANTED = DUMP * redis_scratch.MEMORY_FACTOR + redis_scratch.MEMORY_RESERVE


@pytest.mark.parametrize(
    ("free", "room", "enough"),
    [(WANTED, None, True), (WANTED - 1, None, False), (WANTED, WANTED - 1, False), (WANTED, WANTED, True)],
    ids=["enough", "host-too-small", "control-group-too-small", "both-enough"],
)
def test_too_little_memory_is_refused_beforehand(monkeypatch, free, room, enough):
    monkeypatch.setattr(redis_scratch.cgroup_memory, "room", lambda: room)
    runner = SimpleNamespace(available_memory=lambda: free)
    if enough:
        redis_scratch.need_memory(runner, DUMP)
    else:
        with pytest.raises(RecoveryError) as caught:
            redis_scratch.need_memory(runner, DUMP)
        assert "redis_data=keep" in caught.value.hint

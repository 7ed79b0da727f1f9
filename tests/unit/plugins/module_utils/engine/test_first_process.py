"""Whether a container's first process is stopped."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import first_process
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit import samples

ID = "abc123" * 10
OWN = f"0::/system.slice/docker-{ID}.scope\n"


@pytest.mark.parametrize(
    ("stat", "groups", "stopped"),
    [
        ("42 (redis-server) T 1 42 42 0\n", OWN, True),
        ("42 (redis-server) t 1 42 42 0\n", OWN, True),
        ("42 (redis-server) S 1 42 42 0\n", OWN, False),
        ("42 (a) T (name) S 1 42 42 0\n", OWN, False),
        ("42 (redis-server) T 1 42 42 0\n", "0::/user.slice\n", False),
        ("", OWN, False),
    ],
    ids=["stopped", "traced", "sleeping", "a-name-that-looks-like-it", "another-process-of-this-number", "gone"],
)
def test_stopped(tmp_path, stat, groups, stopped):
    place = tmp_path / "42"
    place.mkdir()
    (place / "stat").write_text(stat)
    (place / "cgroup").write_text(groups)
    assert first_process.stopped(samples.container("redis", id=ID, pid=42), str(tmp_path)) is stopped


def test_who_sleeps_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(first_process, "stopped", lambda _container: True)
    with pytest.raises(RecoveryError, match="is stopped by a signal"):
        first_process.need_awake(samples.container("redis"))

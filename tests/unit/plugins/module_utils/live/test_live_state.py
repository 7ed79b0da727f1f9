"""What containers see of the files that they mount, and what Kong shows."""

from __future__ import annotations

import hashlib
import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.config_files import MountedPath
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import recorded, serving


def sha(content):
    return hashlib.sha256(content).hexdigest()


class Engine:
    """Answers sha256sum with what a container sees: path inside → content."""

    def __init__(self, seen):
        self.seen = seen

    def execute(self, _container, cmd, env=None):
        names = cmd[cmd.index("--") + 1 :]
        lines = [f"{sha(self.seen[name])}  {name}" for name in names if name in self.seen]
        return (0 if len(lines) == len(names) else 1), "\n".join(lines).encode(), b"sha256sum: no such file"


@pytest.fixture
def stack(tmp_path):
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx/nginx.conf").write_bytes(b"new")
    (tmp_path / "config").mkdir()
    return samples.stack(tmp_path)


@pytest.mark.parametrize(
    ("seen", "stale"),
    [
        ({"/etc/nginx/nginx.conf": b"new"}, {}),
        ({"/etc/nginx/nginx.conf": b"old"}, {"nginx": {"nginx/nginx.conf": sha(b"old")}}),
        ({}, {}),
    ],
    ids=["same", "replaced-by-rename", "unreadable"],
)
def test_stale_files(stack, seen, stale):
    mounts = (samples.bind(stack.path("nginx/nginx.conf"), "/etc/nginx/nginx.conf"),)
    containers = {"nginx": samples.container("nginx", mounts=mounts), "redis": samples.container("redis")}
    assert live_state.stale_files(stack, Engine(seen), Runner(), containers) == stale


def test_a_file_that_is_gone_on_the_host_but_still_seen_inside(stack):
    mounts = (samples.bind(stack.path("nginx/nginx.conf"), "/etc/nginx/nginx.conf"),)
    os.unlink(stack.path("nginx/nginx.conf"))
    found = live_state.stale_files(
        stack, Engine({"/etc/nginx/nginx.conf": b"old"}), Runner(), {"nginx": samples.container("nginx", mounts=mounts)}
    )
    assert found == {"nginx": {"nginx/nginx.conf": sha(b"old")}}


def test_nothing_is_asked_of_a_container_that_does_not_run():
    assert live_state.seen_inside(None, samples.container("nginx", state="exited"), ["/x"]) == {}
    assert live_state.seen_inside(None, samples.container("nginx"), []) == {}


def test_paths_inside_a_directory(stack):
    os.makedirs(stack.path("nginx/conf.d"))
    with open(stack.path("nginx/conf.d/a.conf"), "wb"):
        pass
    found = live_state.inside_paths(stack, [MountedPath("nginx", "/etc/nginx", directory=True)])
    assert found == {"nginx/nginx.conf": "/etc/nginx/nginx.conf", "nginx/conf.d/a.conf": "/etc/nginx/conf.d/a.conf"}


@pytest.mark.parametrize(
    ("version", "name", "shown"),
    [
        ("3.9.1", "003-GET-status", "1a9184771897f978257e8468322fe853"),
        ("3.4.2", "003-GET-status", "1a9184771897f978257e8468322fe853"),
        ("3.9.1", "075-GET-status-after-minimal", ""),
        ("2.8.5", "003-GET-status", None),
        ("3.9.1", None, None),
    ],
    ids=["loaded", "loaded-3.4", "nothing-loaded", "old-kong-cannot-tell", "no-answer"],
)
def test_kong_hash(version, name, shown):
    answers = {("GET", "/"): recorded(version, "001-GET-root")}
    if name:
        answers["GET", "/status"] = recorded(version, name)
    with serving(answers) as server:
        kong = samples.container("kong", ports={"8001/tcp": server.place})
        assert live_state.kong_hash({"kong": kong}, "kong") == shown


@pytest.mark.parametrize("state", ["exited", "paused", "restarting"])
def test_a_kong_that_does_not_run_shows_none(state):
    assert live_state.kong_hash({"kong": samples.container("kong", state=state)}, "kong") is None
    assert live_state.kong_hash({}, "kong") is None


def test_environment(stack):
    assert live_state.environment(stack, Runner()) == {}
    with open(stack.path(stack.env_file), "wb") as handle:
        handle.write(b"A=1\r\n")
    assert live_state.environment(stack, Runner()) == {"A": "1"}


def test_data_facts_of_a_redis_that_does_not_run(stack):
    containers = {"redis": samples.container("redis", state="exited")}
    assert live_state.data_facts(stack, containers, {}) == ({}, "Redis (redis) is exited, expected running.")
    assert live_state.data_facts(stack, {}, {}) == ({}, "Redis (redis) is absent, expected running.")

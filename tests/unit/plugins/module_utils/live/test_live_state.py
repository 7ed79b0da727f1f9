"""What containers see of the files that they mount, and what Kong shows."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import ssl
import subprocess

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.config_files import MountedPath
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_data
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import RedisUnavailable
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stand_ins import plain_redis
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import recorded, serving
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import PONG, place, serving_redis
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import LISTEN, TalkingEngine, kong_answers


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


def test_a_file_under_another_mount_is_not_compared(stack):
    """What the container sees in its place is the content of another file."""
    mount = MountedPath("nginx", "/etc/nginx", directory=True, covered=("/etc/nginx/nginx.conf",))
    assert live_state.inside_paths(stack, [mount]) == {}


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
        kong = samples.container("kong", env=LISTEN, ports={"8001/tcp": server.place})
        assert live_state.kong_hash(samples.SmallEngine(), {"kong": kong}, "kong") == shown


@pytest.mark.parametrize("listen", ["", "127.0.0.1:8001", "[::1]:8001"], ids=["default", "loopback", "ipv6"])
def test_a_kong_that_listens_inside_its_container_only_is_asked_there(listen):
    """What is published leads nowhere then: it says nothing about this Kong, and takes no configuration for it."""
    with serving(kong_answers("ab")) as server:
        kong = samples.container("kong", env={"KONG_ADMIN_LISTEN": listen}, ports={"8001/tcp": server.place})
        engine = TalkingEngine(kong, admin=kong_answers("cd"))
        assert live_state.kong_hash(engine, {"kong": kong}, "kong") == "cd"
        assert live_state.loading_client(engine, {"kong": kong}, "kong") is None
        assert server.requests == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_configuration_is_loaded_into_one_kong_only(number):
    with serving({}) as server:
        kongs = [
            samples.container("kong", id=f"kong-{one}", env=LISTEN, ports={"8001/tcp": server.place})
            for one in range(number)
        ]
        found = live_state.loading_client(samples.SmallEngine(*kongs), {"kong": kongs[0]}, "kong")
    assert (found is not None) is (number == 1)


def test_a_kong_without_an_admin_api_shows_none():
    kong = samples.container("kong", env={"KONG_ADMIN_LISTEN": "off"})
    assert live_state.kong_hash(samples.SmallEngine(kong), {"kong": kong}, "kong") is None


@pytest.mark.parametrize("state", ["exited", "paused", "restarting"])
def test_a_kong_that_does_not_run_shows_none(state):
    engine = samples.SmallEngine()
    assert live_state.kong_hash(engine, {"kong": samples.container("kong", state=state)}, "kong") is None
    assert live_state.kong_hash(engine, {}, "kong") is None
    assert engine.done == []


def test_environment(stack):
    assert live_state.environment(stack, Runner()) == {}
    with open(stack.path(stack.env_file), "wb") as handle:
        handle.write(b"A=1\r\n")
    assert live_state.environment(stack, Runner()) == {"A": "1"}


def test_data_facts_of_a_redis_that_does_not_run(stack):
    containers = {"redis": samples.container("redis", state="exited")}
    assert live_state.data_facts(stack, containers, {}) == ({}, "Redis (redis) is exited, expected running.")
    assert live_state.data_facts(stack, {}, {}) == ({}, "Redis (redis) is absent, expected running.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that names a host of the project's network, and is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    key, found = folder / "key.pem", folder / "ca.pem"
    subject = ["-subj", "/CN=redis", "-addext", "subjectAltName=DNS:redis"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", found], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found, key)
    return context, str(found)


@pytest.fixture(params=["library", "stand-in"])
def client_library(request, monkeypatch):
    if request.param == "stand-in":
        monkeypatch.setattr(redis_data, "redis", plain_redis)


@pytest.mark.usefixtures("client_library")
def test_the_projects_own_redis_on_another_port_with_tls(stack, certificate):
    context, authorities = certificate
    given = dataclasses.replace(stack, redis_port=6380, redis_tls=True, redis_ca=authorities)
    with serving_redis({"PING": PONG}, tls=context) as (where, _asked):
        containers = {"redis": samples.container("redis", ports=place(where, 6380))}
        live_state.redis_client(given, containers, {}).close()
        # Another's certificate is none, and neither is plain text.
        for other in ({"redis_ca": None}, {"redis_tls": False}):
            with pytest.raises(RedisUnavailable, match="does not answer PING"):
                live_state.redis_client(dataclasses.replace(given, **other), containers, {})


def test_a_redis_that_accepts_no_connection_names_the_port_and_the_setting(stack):
    containers = {"redis": samples.container("redis")}
    with pytest.raises(RecoveryError, match="accepts no connection on port 6380") as caught:
        live_state.redis_client(dataclasses.replace(stack, redis_port=6380), containers, {})
    assert "stack_redis_port" in caught.value.hint
    assert "stack_redis_tls" in caught.value.hint

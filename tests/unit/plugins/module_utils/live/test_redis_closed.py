"""A Redis that does not let us in: dead, or serving everybody else."""

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import first_process
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import UNREACHED
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_closed
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_closed import RedisLook, lives, look
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import serving
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import LOADING, PONG, WRONG, place, serving_redis

AUTH = b"-NOAUTH Authentication required.\r\n"
CANARY = "Canary-of-the-file"
DEAD = RedisLook(trouble="runs but does not answer PING with its password")
BY_HEALTH = "it passes its own health check"


@pytest.mark.parametrize(
    ("details", "health", "ports", "tls", "sign"),
    [
        ({"password": True}, "none", None, False, "it answers"),
        ({"password": True}, "unhealthy", set(), False, "it answers"),
        ({"unsaved": True}, "unhealthy", {6379}, False, "it answers"),
        ({"unreachable": True}, "none", {6380}, False, "it listens on 6380"),
        ({"unreachable": True}, "healthy", {7001, 6380}, False, "it listens on 6380, 7001"),
        ({"unreachable": True}, "healthy", set(), False, ""),
        ({"unreachable": True}, "healthy", None, False, BY_HEALTH),
        ({"unreachable": True}, "none", None, False, ""),
        ({"unreachable": True}, "unhealthy", None, False, ""),
        ({"closed": True}, "none", None, True, "it speaks TLS"),
        ({"closed": True}, "healthy", {6379}, False, BY_HEALTH),
        ({"closed": True}, "none", {6379}, False, ""),
        ({"closed": False}, "healthy", {6379}, False, ""),
        ({}, "healthy", {6379}, False, ""),
    ],
    ids=[
        "refuses",
        "refuses-its-own-health-check-too",
        "could-not-save",
        "another-port",
        "two-ports",
        "nobody-listens-whatever-its-health-was",
        "only-its-health-is-known",
        "nothing-is-known",
        "unhealthy",
        "tls",
        "closes-and-is-healthy",
        "closes",
        "hangs-whatever-its-health-was",
        "stopped-by-a-signal",
    ],
)
def test_what_shows_that_it_lives(details, health, ports, tls, sign):
    assert lives(details, health, ports, tls) == sign


@pytest.mark.parametrize("answers", [{"PING": PONG}, {"PING": LOADING}], ids=["well", "loading"])
def test_one_that_lets_us_in(answers):
    with serving_redis(answers) as (where, _asked):
        assert look(samples.stack(), {"redis": samples.container("redis", ports=place(where))}, {}) == RedisLook()


@pytest.mark.parametrize("answers", [{f"AUTH {CANARY}": WRONG, "PING": AUTH}, {"PING": AUTH}], ids=["wrong", "none"])
def test_one_that_refuses_the_password_is_closed_and_the_setting_is_named(answers):
    env = {"REDIS_PASSWORD": CANARY} if len(answers) > 1 else {}
    with serving_redis(answers) as (where, _asked):
        found = look(samples.stack(), {"redis": samples.container("redis", ports=place(where))}, env)
    assert found.trouble == ""
    assert found.closed.startswith("gateway-redis-1 lives (it answers), but this collection cannot use it: Redis at ")
    assert "stack_redis_password" in found.hint
    assert "ansible-playbook playbooks/verify.yml" in found.hint
    assert CANARY not in f"{found}"


def test_one_that_could_not_save_is_told_to_be_given_room():
    with serving_redis({"PING": b"-MISCONF Redis is configured to save RDB snapshots.\r\n"}) as (where, _asked):
        found = look(samples.stack(), {"redis": samples.container("redis", ports=place(where))}, {})
    assert (found.trouble, found.unsaved) == ("", True)
    assert found.hint.startswith("Make room where its data lie")


class TestNoConnection:
    """The port that is asked is not the one of its configuration file."""

    @pytest.fixture(autouse=True)
    def _here(self, monkeypatch):
        monkeypatch.setattr(first_process, "here", lambda _container: True)

    def test_one_that_listens_elsewhere_is_closed(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            found = look(samples.stack(), {"redis": samples.container("redis", pid=os.getpid())}, {})
            assert str(server.getsockname()[1]) in found.closed
        assert "stack_redis_port" in found.hint

    def test_one_that_does_not_listen_is_dead(self, monkeypatch):
        monkeypatch.setattr(redis_closed.sockets, "inside", lambda _pid: set())
        assert look(samples.stack(), {"redis": samples.container("redis", health="healthy")}, {}) == DEAD

    def test_one_whose_address_leads_elsewhere_is_in_trouble_and_not_closed(self, monkeypatch):
        monkeypatch.setattr(redis_closed.sockets, "inside", lambda _pid: {("0.0.0.0", 1)})
        redis = samples.container("redis", health="healthy", addresses={"gateway_masking": "127.0.0.1"})
        assert look(samples.stack(redis_port=1), {"redis": redis}, {}) == RedisLook(trouble=UNREACHED)

    def test_in_the_hosts_network_everybody_listens(self):
        settings = samples.settings(network_mode="host")
        redis = samples.container("redis", pid=os.getpid(), settings=settings)
        assert look(samples.stack(redis_port=1), {"redis": redis}, {}) == DEAD


def test_without_a_word_about_its_process_its_health_counts():
    found = look(samples.stack(), {"redis": samples.container("redis", health="healthy")}, {})
    assert BY_HEALTH in found.closed


def test_one_that_speaks_tls_alone_is_closed():
    with serving({}, tls=True) as server:
        ports = {"6379/tcp": server.place}
        found = look(samples.stack(), {"redis": samples.container("redis", ports=ports)}, {})
    assert "(it speaks TLS)" in found.closed
    assert "stack_redis_tls" in found.hint


def test_one_that_closes_every_connection_is_dead():
    with serving_redis({}, broken=[True] * 9) as (where, _asked):
        assert look(samples.stack(), {"redis": samples.container("redis", ports=place(where))}, {}) == DEAD


def test_one_that_hangs_is_dead_whatever_its_health_was():
    with socket.create_server(("127.0.0.1", 0)) as server:
        ports = {"6379/tcp": server.getsockname()}
        redis = samples.container("redis", health="healthy", ports=ports)
        assert look(samples.stack(), {"redis": redis}, {}) == DEAD

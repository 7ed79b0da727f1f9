"""Where services may answer, and with which password."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import endpoints
from ansible_collections.kong_masking.recovery.tests.unit import samples


@pytest.mark.parametrize(
    ("setting", "port", "tls"),
    [
        ("", 8000, False),
        ("0.0.0.0:9000", 9000, False),
        ("0.0.0.0:8443 ssl, 127.0.0.1:9000 reuseport backlog=16384", 9000, False),
        ("[::]:9000", 9000, False),
        ("0.0.0.0:8443 http2 ssl", 8443, True),
        ("unix:/run/kong.sock, 0.0.0.0:9000", 9000, False),
        ("off", None, None),
        ("unix:/run/kong.sock", None, None),
    ],
    ids=["default", "one", "tls-first", "ipv6", "tls-only", "socket-first", "off", "socket"],
)
def test_where_kong_is_asked(setting, port, tls):
    kong = samples.container("kong", env={"KONG_PROXY_LISTEN": setting}, addresses={"a": "10.0.0.1"})
    found = endpoints.gateway_listen(kong)
    assert (found and found.port, found and found.tls) == (port, tls)
    assert endpoints.gateway(kong) == ([("10.0.0.1", port)] if port else [])


@pytest.mark.parametrize(
    ("setting", "mode", "inside", "hidden"),
    [
        ("", "", 8001, ""),
        ("127.0.0.1:8101, [::1]:8102", "", 8101, ""),
        ("127.0.0.1:8001", "host", 0, ""),
        ("0.0.0.0:8001", "", 0, ""),
        ("127.0.0.1:8001, 0.0.0.0:8444 ssl", "", 8001, ""),
        ("0.0.0.0:8444 ssl", "", 0, ""),
        ("127.0.0.1:8444 ssl", "", 0, "KONG_ADMIN_LISTEN takes TLS only, and inside its container only"),
        ("127.0.0.1:8444 ssl", "host", 0, ""),
        ("off", "", 0, "KONG_ADMIN_LISTEN is off"),
        ("unix:/run/admin.sock", "", 0, "KONG_ADMIN_LISTEN is a socket in its file system"),
    ],
    ids=["default", "loopback", "host", "outside", "tls-outside", "tls", "tls-inside", "tls-host", "off", "socket"],
)
def test_where_the_admin_api_can_be_asked(setting, mode, inside, hidden):
    kong = samples.container(
        "kong", env={"KONG_ADMIN_LISTEN": setting}, settings=samples.settings(network_mode=mode or "gateway_default")
    )
    assert (endpoints.admin_inside(kong), endpoints.admin_hidden(kong)) == (inside, hidden)


def test_its_own_address_before_the_published_port():
    kong = samples.container(
        "kong", addresses={"a": "172.24.0.5", "b": ""}, ports={"8001/tcp": ("127.0.0.1", 18001)},
        env={"KONG_PROXY_LISTEN": "0.0.0.0:9000"},
    )  # fmt: skip
    assert endpoints.admin(kong) == [("172.24.0.5", 8001), ("127.0.0.1", 18001)]
    assert endpoints.gateway(kong) == [("172.24.0.5", 9000)]


@pytest.mark.parametrize(
    ("port", "ports", "expected"),
    [
        (0, {}, [("10.0.0.1", 80)]),
        (0, {"8080/tcp": ("127.0.0.1", 1)}, [("10.0.0.1", 8080), ("127.0.0.1", 1)]),
        (0, {"443/tcp": ("127.0.0.1", 2), "80/tcp": ("127.0.0.1", 1)}, [("10.0.0.1", 80), ("127.0.0.1", 1)]),
        (443, {"443/tcp": ("127.0.0.1", 2), "80/tcp": ("127.0.0.1", 1)}, [("10.0.0.1", 443), ("127.0.0.1", 2)]),
        (0, {"53/udp": ("127.0.0.1", 3)}, [("10.0.0.1", 80)]),
    ],
    ids=["default", "published", "lowest", "named", "udp-is-none"],
)
def test_front(port, ports, expected):
    assert endpoints.front(samples.container("nginx", addresses={"a": "10.0.0.1"}, ports=ports), port) == expected


@pytest.mark.parametrize(
    ("command", "port"),
    [([], 6379), (["redis-server", "--port", "7000"], 7000), (["sh", "-c", "redis-server --port 7001"], 7001)],
)
def test_redis(command, port):
    found = samples.container("redis", addresses={"a": "10.0.0.1"}, settings=samples.settings(command=command))
    assert endpoints.redis(found) == [("10.0.0.1", port)]


@pytest.mark.parametrize(
    ("command", "given", "tls", "port"),
    [
        (["redis-server", "/etc/redis.conf"], 6380, False, 6380),
        (["redis-server", "/etc/redis.conf", "--port", "7000"], 6380, False, 7000),
        (["redis-server", "--port", "0", "--tls-port", "7001"], 6380, True, 7001),
        (["redis-server", "--port", "7000"], 6380, True, 6380),
        (["redis-server", "--port", "7000", "--tls-port", "7001"], 6380, False, 7000),
    ],
    ids=["of-its-file", "the-command-beats-it", "tls", "tls-of-its-file", "without-tls"],
)
def test_redis_listens_where_its_command_says_or_where_it_is_given(command, given, tls, port):
    published = {f"{port}/tcp": ("127.0.0.1", 16379)}
    found = samples.container("redis", settings=samples.settings(command=command), ports=published)
    assert endpoints.redis_port(found, given, tls) == port
    assert endpoints.redis(found, given, tls) == [("127.0.0.1", 16379)]


PASS = {"REDIS_PASS": "own"}


@pytest.mark.parametrize(
    ("env", "command", "file", "passwords"),
    [
        ({}, [], {}, [""]),
        ({"REDIS_PASSWORD": "live"}, [], {"REDIS_PASSWORD": "file"}, ["live", "file", ""]),
        ({"REDIS_PASSWORD": "same"}, [], {"REDIS_PASSWORD": "same"}, ["same", ""]),
        ({}, ["redis-server", "--requirepass", "given"], {}, ["given", ""]),
        ({}, ["sh", "-c", "redis-server --requirepass 'quoted' --save ''"], {}, ["quoted", ""]),
        ({}, ["sh", "-c", "redis-server --requirepass $REDIS_PASSWORD"], {"REDIS_PASSWORD": "file"}, ["file", ""]),
        (PASS, ["sh", "-c", 'exec redis-server --requirepass "$REDIS_PASS"'], {}, ["own", ""]),
        (PASS, ["sh", "-c", "exec redis-server --requirepass ${REDIS_PASS} --save ''"], {}, ["own", ""]),
        (PASS, ["sh", "-c", 'exec redis-server --requirepass "${REDIS_PASS:?is missing}"'], {}, ["own", ""]),
        (PASS, ["sh", "-c", "redis-server --requirepass '$$REDIS_PASS'"], {}, ["own", ""]),
        (PASS, ["redis-server", "--requirepass", "$REDIS_PASS"], {}, ["own", "$REDIS_PASS", ""]),
        (PASS, ["redis-server", "--requirepass", "$${REDIS_PASS}"], {}, ["own", "$${REDIS_PASS}", ""]),
        ({}, ["redis-server", "--requirepass", "my secret"], {}, ["my secret", "my", ""]),
        ({}, ["redis-server", "--requirepass", "it's\"so"], {}, ["it's\"so", "it", ""]),
        ({}, ["redis-server", "--requirepass", "$ecret9"], {}, ["$ecret9", ""]),
        (PASS, ["sh", "-c", 'redis-server - <<END\nrequirepass "$REDIS_PASS"\nEND'], {}, ["own", ""]),
        (PASS, ["redis-server", "--requirepass", "$REDIS_AUTH"], {"REDIS_AUTH": "of-others"}, ["$REDIS_AUTH", ""]),
        (
            {**PASS, "REDIS_PASSWORD": "live"},
            ["redis-server", "--requirepass", "$REDIS_PASS"],
            {},
            ["live", "own", "$REDIS_PASS", ""],
        ),
    ],
    ids=[
        "none",
        "live-first",
        "once",
        "command",
        "quoted",
        "variable",
        "of-another-name",
        "in-braces",
        "that-must-be-set",
        "escaped",
        "in-a-list",
        "escaped-in-a-list",
        "with-a-space",
        "with-quotes",
        "with-a-dollar",
        "in-a-configuration",
        "that-it-does-not-have",
        "beside-the-usual-one",
    ],
)
def test_redis_passwords(env, command, file, passwords):
    found = samples.container("redis", env=env, settings=samples.settings(command=command))
    assert endpoints.redis_passwords(found, file) == passwords


def test_reachable_is_the_first_that_accepts():
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place, dead = listening.getsockname(), unused.getsockname()
        assert endpoints.reachable([dead, place]) == place
        assert endpoints.reachable([dead]) is None
        assert endpoints.reachable([]) is None

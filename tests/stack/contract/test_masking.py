"""Masking, replayed: what the client gets, what the upstream sees, and what is kept in Redis."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
import yaml
from gateway_processes import Double, Redis, ask, eventually, running, upstream
from gateway_recordings import FIXTURES, Recording, Response, declarative, recording, recordings
from ports import free_port

FOLDER = "e2e-masking/3.9.1"
TIMEOUT = 1.2  # the double's knob here; 4 s in the recordings
NGINX_OWN = {"Date", "Connection", "Content-Length", "Transfer-Encoding", "Server"}


@dataclass
class Way:
    """The whole way: client, double, upstream, Redis."""

    double: Double
    echo: int
    redis: Redis

    def client(self) -> redis_client.Redis:
        """A client to look at what was stored."""
        return redis_client.Redis(port=self.redis.port, password=self.redis.password, decode_responses=True)

    def stored(self) -> dict[str, str]:
        """Redis now: key to value."""
        client = self.client()
        return {key: client.get(key) for key in client.scan_iter()}

    def upstream_saw(self) -> str:
        """The last body that the upstream got."""
        return ask(self.echo, "GET", "/__last").body.decode()

    def send(self, name: str) -> tuple[Recording, Response]:
        """Replay one recording."""
        wanted = recording(FIXTURES / FOLDER / f"{name}.http")
        return wanted, self.double.replay(wanted)

    def mask(self, text: str) -> Response:
        """A request like the recorded ones, with another text."""
        body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
        return self.double.ask("proxy", "POST", "/v1/messages", body, headers={"Content-Type": "application/json"})


def start(directory: Path, echo: int, redis_port: int, config: bytes | None = None, **environment: str) -> Double:
    """A double on the way to the upstream and to a Redis that may not be there."""
    settings = {
        "GATEWAY_DOUBLE_HOSTS": f"kb-echo:8080=127.0.0.1:{echo}",
        "GATEWAY_DOUBLE_REDIS_TIMEOUT": str(TIMEOUT),
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis_port),
        "REDIS_PASSWORD": "contract-password",
    }
    return Double(directory, config or declarative("valid-yaml"), **settings | environment)


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    """One upstream for all."""
    with upstream() as port:
        yield port


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, echo: int) -> Iterator[Way]:
    """A healthy way, for the tests that leave it so."""
    with (
        running(Redis(free_port())) as redis,
        running(start(tmp_path_factory.mktemp("masking"), echo, redis.port)) as double,
    ):
        yield Way(double.ready(), echo, redis)


@pytest.fixture
def way(shared: Way) -> Way:
    """The healthy way with nothing stored."""
    shared.client().flushall()
    return shared


@pytest.fixture
def own(tmp_path: Path, echo: int) -> Iterator[Way]:
    """A way of its own, for the tests that break it; warm."""
    with running(Redis(free_port())) as redis, running(start(tmp_path, echo, redis.port)) as double:
        way = Way(double.ready(), echo, redis)
        assert way.mask("warm").status == 200
        yield way


def recorded_sight(name: str) -> dict[str, Any]:
    """What the upstream saw then."""
    found: dict[str, Any] = json.loads((FIXTURES / FOLDER / f"{name}.upstream-saw.json").read_text())
    return found


def recorded_keys(name: str) -> dict[str, str]:
    """Redis then: key to value."""
    lines = (FIXTURES / FOLDER / f"{name}.txt").read_text().splitlines()
    fields = [line.split(" | ") for line in lines if line]
    return {key: value.partition("  (=")[0] for key, _unused, _unused, value in fields}


def assert_same_reply(wanted: Recording, found: Response) -> None:
    """Status, headers and body; a recorded body that was cut short must be cut here too."""
    real = wanted.response
    assert (found.status, found.reason) == (real.status, real.reason)
    assert set(found.headers) - NGINX_OWN == set(real.headers) - NGINX_OWN
    if "Content-Length" in real.headers:
        assert found.headers["Content-Length"] == real.headers["Content-Length"]
    try:
        body = real.json()
    except ValueError:
        length = int(real.headers["Content-Length"])
        assert len(found.body) == length
        with pytest.raises(json.JSONDecodeError):
            found.json()
        return
    assert found.json() == body | ({"request_id": found.json()["request_id"]} if "request_id" in body else {})


ONE_BY_ONE = recordings(FOLDER, "[CD]*.http") + recordings(FOLDER, "H7*.http")


@pytest.mark.parametrize("wanted", ONE_BY_ONE, ids=lambda wanted: wanted.name)
def test_one_request(wanted: Recording, way: Way) -> None:
    """Each kind of identifier on an empty Redis, and requests that hold none."""
    found = way.double.replay(wanted)
    assert_same_reply(wanted, found)
    if (FIXTURES / FOLDER / f"{wanted.name}.upstream-saw.json").exists():
        assert way.upstream_saw() == recorded_sight(wanted.name)["body"]


def test_a_body_without_identifiers_makes_no_keys(way: Way) -> None:
    """D1: nothing recognised, nothing stored."""
    way.send("D1-no-pattern")
    assert way.stored() == {} == recorded_keys("D1-redis-keys")


def test_full_probe_twice(way: Way) -> None:
    """A1 and A2: the same keys, values and aliases; known identifiers reuse theirs, and keep their time to live."""
    for name, keys in (("A1-full-probe", "A1-redis-keys"), ("A2-full-probe-again", "A2-redis-keys")):
        wanted, found = way.send(name)
        assert_same_reply(wanted, found)
        assert way.upstream_saw() == recorded_sight(name)["body"]
        client = way.client()
        assert way.stored() == recorded_keys(keys)
        for key in way.stored():
            left = client.ttl(key)
            assert left == -1 if ":cnt:" in key else 86390 < left <= 86400
        client.expire("aws_masker:map:AWS_EC2_001", 86395)
    assert way.client().ttl("aws_masker:map:AWS_EC2_001") <= 86395


def test_reply_is_cut_short_towards_http_1_0_only(way: Way) -> None:
    """B1: the real length stays that of the masked reply."""
    wanted, found = way.send("B1-original-script-probe")
    assert_same_reply(wanted, found)
    assert way.mask("Test: i-1234567890abcdef0").json()["content"][0]["text"] == "Test: i-1234567890abcdef0"
    assert way.stored() == recorded_keys("B1-redis-keys")


def test_headers_to_the_upstream(way: Way) -> None:
    """The names and the stable values of what the upstream gets."""
    way.send("01-probe-via-nginx")
    found = ask(way.echo, "GET", "/__headers").json()
    real = json.loads((FIXTURES / FOLDER / "01-upstream-saw.json").read_text())["headers"]
    assert set(found) - {"connection", "accept-encoding"} == set(real) - {"connection"}
    for name in ("accept", "content-type", "x-api-key", "anthropic-version", "via", "authorization", "content-length",
                 "x-forwarded-path", "x-forwarded-proto"):  # fmt: skip
        assert found[name] == real[name], name
    assert re.fullmatch(r"\d+\.?\d*-\d+-\d+", found["x-request-id"])


def test_aliases_are_given_out_twice_without_counters(way: Way) -> None:
    """H8: mappings restored without ``cnt:*``, and an existing one is overwritten."""
    way.send("H8a")
    assert way.upstream_saw() == recorded_sight("H8a")["body"]
    way.client().delete("aws_masker:cnt:ec2")
    way.send("H8b")
    assert way.upstream_saw() == recorded_sight("H8b")["body"]
    assert way.client().get("aws_masker:map:AWS_EC2_001") == "i-1234567890abcdef2"


def test_redis_lost_while_warm(own: Way) -> None:
    """E and G: 200 after a delay, every identifier of a type gets the same alias, and nothing is stored."""
    own.send("G0-warm")
    own.redis.stop(signal.SIGKILL)
    for name, share in (
        ("G1-redis-down-warm-i-1234567890abcdef0", 1.0),
        ("G1-redis-down-warm-i-1234567890abcdef5", 1.0),
        ("G1-redis-down-warm-i-1234567890abcdef6_", 1.5),
    ):
        wanted, found = own.send(name)
        assert_same_reply(wanted, found)
        assert own.upstream_saw() == recorded_sight(name)["body"]
        assert share <= found.milliseconds / 1000 / TIMEOUT < share + 0.5
    wanted, found = own.send("E2-redis-down-warm-nopattern")
    assert_same_reply(wanted, found)
    assert 0.5 <= found.milliseconds / 1000 / TIMEOUT < 1.0
    both = own.mask("i-0000000000000000a and i-0000000000000000b").json()["content"][0]["text"]
    assert both == "i-0000000000000000b and i-0000000000000000b"
    with running(Redis(own.redis.port)):
        wanted, found = own.send("G2-redis-back")
        assert_same_reply(wanted, found)
        assert own.upstream_saw().count("AWS_EC2_001") == 1
        assert not [key for key in own.stored() if key.endswith("_000")]


def test_redis_away_and_back(own: Way) -> None:
    """The whole E series: warm, lost for eight requests, and well again with the first one after it is back."""
    assert_same_reply(*own.send("E0-warm"))
    own.redis.stop(signal.SIGKILL)
    for wanted in recordings(FOLDER, "E1*.http"):
        assert_same_reply(wanted, own.double.replay(wanted))
        assert "AWS_EC2_000" in own.upstream_saw()
    with running(Redis(own.redis.port)):
        for wanted in recordings(FOLDER, "E3*.http"):
            assert_same_reply(wanted, own.double.replay(wanted))
            assert "AWS_EC2_001" in own.upstream_saw()


def test_redis_hangs(own: Way) -> None:
    """G3: a Redis that accepts and does not answer is as good as none."""
    own.redis.popen.send_signal(signal.SIGSTOP)
    wanted, found = own.send("G3-redis-hang")
    own.redis.popen.send_signal(signal.SIGCONT)
    assert_same_reply(wanted, found)
    assert own.upstream_saw() == recorded_sight("G3-redis-hang")["body"]


@pytest.mark.parametrize("refusal", ["maxmemory 1", "min-replicas-to-write 1"])
def test_redis_refuses_writes(own: Way, refusal: str) -> None:
    """A full or read-only Redis: the shared alias again, but at once."""
    name, value = refusal.split()
    own.client().config_set(name, value)
    found = own.mask("Test: i-1234567890abcdef0")
    assert "AWS_EC2_000" in own.upstream_saw()
    assert found.milliseconds / 1000 / TIMEOUT < 0.5


def test_redis_down_at_the_start_and_late(tmp_path: Path, echo: int) -> None:
    """E4, E5, G4, G5: 500 for everything, still so when Redis has come, and well after a while."""
    port = free_port()
    recovery = "3.0"
    with running(start(tmp_path, echo, port, GATEWAY_DOUBLE_REDIS_RECOVERY_SECONDS=recovery)) as double:
        way = Way(double.ready(), echo, None)  # type: ignore[arg-type]
        for name in ("E4-cold-redis-down", "E4b-cold-redis-down-nopattern", "E4c-cold-get", "G4-cold"):
            assert_same_reply(*way.send(name))
        with running(Redis(port)):
            for name in ("E5-cold-then-redis-up", "G5-cold-redis-up-2"):
                assert_same_reply(*way.send(name))
            eventually(lambda: way.mask("Test: i-1234567890abcdef0").status == 200, "masking after Redis came late")
            eventually(lambda: all(way.mask("hello").status == 200 for _unused in range(8)), "all workers")
            assert_same_reply(*way.send("G5-cold-redis-up-15"))


@pytest.mark.parametrize("name", ["F1-wrong-password", "F2-wrong-password-nopattern"])
def test_wrong_password(name: str, tmp_path: Path, way: Way) -> None:
    """F: the same as no Redis at all."""
    with running(start(tmp_path, way.echo, way.redis.port, REDIS_PASSWORD="not-the-one")) as double:
        assert_same_reply(*Way(double.ready(), way.echo, way.redis).send(name))


def bypass(name: str) -> bytes:
    """The recorded configuration, bent so that nothing is masked."""
    document = yaml.safe_load(declarative("valid-yaml"))
    masker = next(plugin for plugin in document["plugins"] if plugin["name"] == "aws-masker")
    if name == "H1-no-masker":
        document["plugins"].remove(masker)
    elif name == "H2-masker-disabled":
        masker["enabled"] = False
    else:
        masker["route"] = "down-route"
    text: str = yaml.safe_dump(document)
    return text.encode()


@pytest.mark.parametrize("name", ["H1-no-masker", "H2-masker-disabled", "H3-masker-other-route"])
def test_silent_bypass(name: str, tmp_path: Path, way: Way) -> None:
    """H1 to H3: 200 and a complete reply, while the identifier went out as it was."""
    with running(start(tmp_path, way.echo, way.redis.port, bypass(name))) as double:
        wanted, found = Way(double.ready(), way.echo, way.redis).send(name)
    assert_same_reply(wanted, found)
    assert way.upstream_saw() == recorded_sight(name)["body"]
    assert way.stored() == {}


def test_redis_of_the_plugin_itself(tmp_path: Path, way: Way) -> None:
    """The plugin's own fields win over the environment."""
    document = yaml.safe_load(declarative("valid-yaml"))
    document["plugins"][0]["config"] |= {
        "redis_host": "127.0.0.1", "redis_port": way.redis.port, "redis_password": way.redis.password,
    }  # fmt: skip
    config = yaml.safe_dump(document).encode()
    with running(start(tmp_path, way.echo, 1, config, REDIS_HOST="192.0.2.1", REDIS_PASSWORD="x")) as double:
        assert Way(double.ready(), way.echo, way.redis).mask("i-1234567890abcdef0").status == 200
    assert way.client().exists("aws_masker:map:AWS_EC2_001")

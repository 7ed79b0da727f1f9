"""The Admin API, the status API and the proxy's own answers, replayed in the order in which they were recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from gateway_processes import Double, Redis, running, upstream
from gateway_recordings import Recording, Response, declarative, normalise, recordings, shape
from ports import free_port

SEQUENCE = recordings("3.9.1", "0*.http")
# Headers that depend on the connection or on time; their presence is not compared either.
UNSTABLE = {"Date", "Connection", "Content-Length", "Transfer-Encoding"}
EXACT = {"Content-Type", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Server", "Via",
         "X-Kong-Proxy", "X-Masked-Response"}  # fmt: skip


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Response]]:
    """Every recorded request, sent once and in order: many depend on the ones before them."""
    with upstream() as echo, running(Redis(free_port())) as redis:
        double = Double(
            tmp_path_factory.mktemp("admin"),
            declarative("valid-yaml"),
            GATEWAY_DOUBLE_HOSTS=f"kb-echo:8080=127.0.0.1:{echo}",
            REDIS_HOST="127.0.0.1",
            REDIS_PORT=str(redis.port),
            REDIS_PASSWORD=redis.password,
        )
        with running(double):
            double.ready()
            yield {wanted.name: double.replay(wanted) for wanted in SEQUENCE}


def comparable(name: str, body: bytes) -> Any:
    """A body in the form in which two of them must be equal."""
    if not body:
        return None
    if name.startswith("011"):
        return body.decode().splitlines()[:3]
    value = json.loads(body)
    if name.startswith("001"):
        return shape(value["configuration"] | {"loaded_plugins": {}}) | {
            key: value[key] for key in ("version", "edition", "tagline", "lua_version", "plugins")
        }
    if name.startswith("026"):
        return sorted(value["enabled_plugins"])
    if name.startswith("039"):
        return shape(value["stats"]["sys"]), sorted(value["stats"]), value["worker"]
    if name.startswith("040"):
        document = yaml.safe_load(value["config"])
        names = {item["id"]: item["name"] for kind in ("services", "routes", "upstreams") for item in document[kind]}
        for kind in ("routes", "plugins", "targets"):
            for item in document[kind]:
                item |= {key: names.get(value, value) for key, value in item.items() if isinstance(value, str)}
        return normalise(document)
    if isinstance(value, dict) and "server" in value and "memory" in value:
        if name.startswith("073"):
            # The hash of a document that was posted as JSON follows the order of keys inside the real gateway.
            assert re.fullmatch("[0-9a-f]{32}", value.pop("configuration_hash"))
        return normalise(value | {"server": shape(value["server"])})
    if isinstance(value, dict) and "flattened_errors" in value:
        value["flattened_errors"].sort(key=lambda error: error["entity_type"])
    return normalise(value)


@pytest.mark.parametrize("wanted", SEQUENCE, ids=lambda wanted: wanted.name)
def test_reply_is_as_recorded(wanted: Recording, replies: dict[str, Response]) -> None:
    """Status, reason, body and headers of one reply."""
    found, real = replies[wanted.name], wanted.response
    assert (found.status, found.reason) == (real.status, real.reason)
    assert comparable(wanted.name, found.body) == comparable(wanted.name, real.body)
    assert set(found.headers) - UNSTABLE == set(real.headers) - UNSTABLE
    assert {n: v for n, v in found.headers.items() if n in EXACT} == {
        n: v for n, v in real.headers.items() if n in EXACT
    }


@pytest.mark.parametrize("wanted", [w for w in SEQUENCE if w.response.status in (404, 502, 503)], ids=lambda w: w.name)
def test_error_is_as_long_as_recorded(wanted: Recording, replies: dict[str, Response]) -> None:
    """The layout of an error's text, which scripts match with regular expressions."""
    assert replies[wanted.name].headers["Content-Length"] == wanted.response.headers["Content-Length"]


@pytest.mark.parametrize("wanted", recordings("3.8.0", "304*.http"), ids=lambda wanted: wanted.name)
def test_upstream_without_targets_is_unhealthy(wanted: Recording, tmp_path: Any) -> None:
    """A trap: nothing is wrong, and the health endpoint says UNHEALTHY."""
    with running(Double(tmp_path, b'_format_version: "3.0"\nupstreams:\n- name: claude-api-upstream\n')) as double:
        found = double.ready().replay(wanted)
    assert (found.status, normalise(found.json())) == (wanted.response.status, normalise(wanted.response.json()))

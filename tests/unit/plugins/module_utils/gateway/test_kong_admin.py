"""The Admin API client against the recordings of real Kongs 2.8.5, 3.4.2 and 3.9.1, replayed on loopback."""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_admin import (
    ConfigRejected,
    KongAdmin,
    KongUnavailable,
    configuration_hash,
    version_tuple,
)
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, recorded, serving

VERSIONS = ("2.8.5", "3.4.2", "3.9.1")
SHOWN_HASH = {
    "2.8.5": "",
    "3.4.2": "1a9184771897f978257e8468322fe853",
    "3.9.1": "1a9184771897f978257e8468322fe853",
}


@contextmanager
def admin(**answers):
    """A client of a server that answers these paths (root, status, config, routes; post for POST /config)."""
    paths = {"root": ("GET", "/"), "post": ("POST", "/config")}
    table = {paths.get(name, ("GET", f"/{name}")): answer for name, answer in answers.items()}
    with serving(table) as server:
        client = KongAdmin(server.url + "/", timeout=2.0)
        client.server = server
        yield client


@pytest.mark.parametrize("version", VERSIONS)
class TestEveryVersion:
    def test_facts(self, version):
        with admin(root=recorded(version, "001-GET-root")) as client:
            found = client.facts()
        assert (found.version, found.database) == (version, "off")
        assert found.hash_at_start is (version != "2.8.5")
        assert "cors" in found.loadable
        assert bool(found.loadable["cors"]) is (version != "2.8.5")
        assert found.workers == len(
            json.loads(recorded(version, "001-GET-root").body).get("pids", {}).get("workers", [])
        )

    def test_hash(self, version):
        with admin(status=recorded(version, "003-GET-status")) as client:
            assert client.loaded_hash() == SHOWN_HASH[version]

    def test_a_file_that_is_no_yaml(self, version):
        answer = recorded(version, "060-POST-config-invalid-yaml")
        with admin(post=answer) as client, pytest.raises(ConfigRejected) as caught:
            client.post_config(b"x")
        assert caught.value.msg == "Kong refused the configuration with status 400: in error."
        assert caught.value.details == {"status": 400}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("051-GET-status-after-config", "1a9184771897f978257e8468322fe853"),
        ("055-GET-status-after-changed", "a1b798791fadd521f6329804a8dc9867"),
        ("073-GET-status-after-errors", "48fedf9ec6a9e5d3c685c3c43a56758e"),
        ("075-GET-status-after-minimal", ""),
    ],
    ids=["loaded", "changed", "errors-leave-the-old", "emptied"],
)
def test_hash_over_time(name, expected):
    with admin(status=recorded("3.9.1", name)) as client:
        assert client.loaded_hash() == expected


class TestPost:
    @pytest.mark.parametrize(
        ("name", "result"),
        [
            ("050-POST-config-valid-yaml", "loaded"),
            ("053-POST-config-same-check_hash", "unchanged"),
            ("054-POST-config-changed-check_hash", "loaded"),
            ("074-POST-config-minimal-empties-everything", "loaded"),
        ],
    )
    def test_accepted(self, name, result):
        with admin(post=recorded("3.9.1", name)) as client:
            assert client.post_config(b"_format_version: '3.0'\n") == result
            ((method, path, headers, body),) = client.server.requests
        assert (method, path, body) == ("POST", "/config?check_hash=1", b"_format_version: '3.0'\n")
        assert headers["Content-Type"] == "text/yaml"

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("061-POST-config-schema-violation", "in routes, services, upstreams"),
            ("063-POST-config-unknown-plugin", "in plugins"),
            ("066-POST-config-no-format-version", "in _format_version"),
            ("069-POST-config-dangling-ref", "in routes"),
            ("070-POST-config-empty-body", "no field named"),
            ("071-POST-config-duplicate", "in services"),
        ],
    )
    def test_refused_with_the_fields_and_never_a_value(self, name, reason):
        answer = recorded("3.9.1", name)
        with admin(post=answer) as client, pytest.raises(ConfigRejected) as caught:
            client.post_config(b"x")
        assert caught.value.msg == f"Kong refused the configuration with status 400: {reason}."
        assert json.loads(answer.body)["message"] not in json.dumps(caught.value.as_result())

    @pytest.mark.parametrize(
        "body",
        [b'{"message": "near s3cret"}', b"<html>s3cret</html>", b'{"fields": {"f": "s3cret"}}', b'["s3cret"]', b"null"],
        ids=["message", "html", "field-value", "list", "null"],
    )
    def test_a_body_never_shows(self, body):
        with admin(post=Answer(500, body)) as client, pytest.raises(ConfigRejected) as caught:
            client.post_config(b"anthropic_api_key: s3cret")
        assert "s3cret" not in json.dumps(caught.value.as_result())

    def test_closed_without_an_answer(self):
        with admin() as client, pytest.raises(KongUnavailable, match="broke off POST /config: ConnectionError"):
            client.post_config(b"x")


class TestEntities:
    def test_routes_as_recorded(self):
        with admin(routes=recorded("3.9.1", "024-GET-routes")) as client:
            names = {item["name"] for item in client.entities("routes")}
            assert client.server.requests[0][1] == "/routes?size=1000"
        assert names == {"claude-proxy-route", "down-route", "unresolvable-route", "balanced-route"}

    def test_every_page(self):
        pages = {
            "/routes?size=1000": {"data": [{"id": 1}], "next": "/routes?offset=2"},
            "/routes?offset=2": {"data": [{"id": 2}], "next": None},
        }
        with admin(routes=lambda path, _body: Answer(200, json.dumps(pages[path]).encode())) as client:
            assert client.entities("routes") == [{"id": 1}, {"id": 2}]

    def test_none(self):
        with admin(services=recorded("3.9.1", "077-GET-services-after-minimal")) as client:
            assert client.entities("services") == []

    def test_running_configuration(self):
        with admin(config=recorded("3.9.1", "040-GET-config")) as client:
            assert client.running_configuration().startswith(b"_format_version: '3.0'\n")


class TestNoAnswer:
    """Whatever is no answer of an Admin API is KongUnavailable, and its text holds nothing of the body."""

    @pytest.mark.parametrize(
        "answer",
        [
            recorded("3.9.1", "041-GET-unknown"),
            Answer(200, b""),
            Answer(200, b"<html>s3cret</html>"),
            Answer(200, b'["s3cret"]'),
            Answer(200, b"null"),
            Answer(500, b'{"message": "s3cret"}'),
            Answer(503, b'{"message": "s3cret"}'),
            None,
        ],
        ids=["404", "empty", "html", "list", "null", "500", "503", "closed"],
    )
    def test_status(self, answer):
        with admin(status=answer) as client, pytest.raises(KongUnavailable) as caught:
            client.loaded_hash()
        assert "s3cret" not in json.dumps(caught.value.as_result())

    def test_refused(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            with pytest.raises(KongUnavailable, match="does not answer: ConnectionError"):
                KongAdmin(url).facts()

    def test_reset(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def reset():
                connection, _peer = listening.accept()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

            thread = threading.Thread(target=reset)
            thread.start()
            with pytest.raises(KongUnavailable, match="does not answer"):
                KongAdmin(f"http://127.0.0.1:{listening.getsockname()[1]}").facts()
            thread.join()

    def test_silent(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = KongAdmin(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=0.05)
            with pytest.raises(KongUnavailable, match="does not answer: ReadTimeout"):
                client.facts()

    @pytest.mark.parametrize("body", [b"{}", b'{"configuration": {}}'])
    def test_something_else_that_speaks_json_is_not_kong(self, body):
        with admin(root=Answer(200, body)) as client, pytest.raises(KongUnavailable):
            client.facts()

    def test_a_proxy_of_the_calling_shell_is_not_used(self, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        with admin(status=recorded("3.9.1", "003-GET-status")) as client:
            assert client.loaded_hash() == SHOWN_HASH["3.9.1"]


@pytest.mark.parametrize(
    ("version", "parts"),
    [("3.9.1", (3, 9, 1)), ("3.9.1.0-enterprise-edition", (3, 9, 1, 0)), ("2.8.5", (2, 8, 5)), ("", ())],
)
def test_version_tuple(version, parts):
    assert version_tuple(version) == parts


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({}, ""),
        ({"configuration_hash": None}, ""),
        ({"configuration_hash": "0" * 32}, ""),
        ({"configuration_hash": "a"}, "a"),
    ],
    ids=["no-field", "null", "zeros", "hash"],
)
def test_configuration_hash(status, found):
    assert configuration_hash(status) == found

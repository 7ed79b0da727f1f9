"""The stand-in for requests sends what the library sends, and answers as it does."""

from __future__ import annotations

import gzip
import socket
import zlib

import pytest
import requests

from ansible_collections.kong_masking.recovery.plugins.module_utils.stand_ins import plain_requests
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving
from ansible_collections.kong_masking.recovery.tests.unit.small_server import Reply, as_json, serve

BOTH = pytest.mark.parametrize("lib", [requests, plain_requests], ids=["requests", "stand-in"])
ANSWERS = {
    "GET /": as_json({"version": "3.9.1"}),
    "GET /status": as_json({"ü": [1, None]}),
    "GET /a b": as_json({}),
    "GET /upstreams/a%2Fb/health": as_json({"data": []}),
    "GET /html": Reply(body="grüß".encode("latin-1"), headers={"Content-Type": "text/html", "Via": "kong/3.9.1"}),
    "GET /utf8": Reply(body="grüß".encode(), headers={"Content-Type": "text/html; charset=UTF-8"}),
    "GET /nothing": Reply(204),
    "GET /busy": Reply(503, b"name resolution failed"),
    "GET /gzip": Reply(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}),
    "GET /deflate": Reply(body=zlib.compress(b'{"a": 1}'), headers={"Content-Encoding": "deflate"}),
    "GET /no-gzip": Reply(body=b"plain", headers={"Content-Encoding": "gzip"}),
    "GET /chunks": Reply(chunks=[b'{"a"', b": 1}"]),
    "GET /moved": Reply(301, headers={"Location": "/status?x=1"}),
    "GET /circle": Reply(302, headers={"Location": "/circle"}),
    "GET /short": Reply(body=b"{", headers={"Content-Length": "50"}),
    "GET /silent": Reply(raw=b""),
    "GET /other": Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "POST /config": as_json({"fields": {"services": "bad"}}, 400),
    "POST /moved": Reply(303, headers={"Location": "/status"}),
    "POST /kept": Reply(307, headers={"Location": "/config"}),
}


def post(path, data=b"a: 1", **headers):
    return lambda made, address: made.post(address + path, data=data, headers=headers, timeout=5)


def get(path, **params):
    return lambda made, address: made.get(address + path, params=params or None, timeout=5)


CALLS = {
    "the root without its slash": get(""),
    "with a query": get("/status?size=1000&a=%20b"),
    "with parameters": get("/status", probe="a b&ü"),
    "a space": get("/a b"),
    "a quoted slash": get("/upstreams/a%2Fb/health"),
    "text": get("/html"),
    "text in utf-8": get("/utf8"),
    "no body": get("/nothing"),
    "an error": get("/busy"),
    "gzip": get("/gzip"),
    "deflate": get("/deflate"),
    "not gzip": get("/no-gzip"),
    "chunks": get("/chunks"),
    "moved": get("/moved"),
    "moved, not followed": lambda made, address: made.get(address + "/moved", timeout=5, allow_redirects=False),
    "post, not followed": lambda made, address: made.post(
        address + "/kept", data=b"a", timeout=5, allow_redirects=False
    ),
    "in a circle": get("/circle"),
    "cut short": get("/short"),
    "closed without an answer": get("/silent"),
    "no HTTP": get("/other"),
    "post": post("/config", **{"Content-Type": "text/yaml", "x-api-key": "k"}),
    "post without a body": post("/config", b""),
    "post, see other": post("/moved", **{"Content-Type": "text/yaml"}),
    "post, elsewhere": post("/kept", **{"Content-Type": "text/yaml", "Authorization": "k"}),
    "a header that is none": post("/config", **{"X-A": "b\r\nX-C: d"}),
    "no protocol": lambda made, _address: made.get("localhost/x", timeout=1),
    "another protocol": lambda made, _address: made.get("ftp://localhost/x", timeout=1),
    "no port": lambda made, _address: made.get("http://localhost:nine/", timeout=1),
    "nobody there": lambda made, _address: made.get("http://127.0.0.1:1/", timeout=1),
    "no such name": lambda made, _address: made.get("http://nowhere.invalid/", timeout=1),
}
IGNORED = ("host", "user-agent", "connection")
OWN = ("RequestException", "ValueError", "Timeout", "ConnectionError")


def outcome(lib, call, address):
    """Return what a call gives: everything that is read of an answer, or the names that its error goes by."""
    made = lib.Session()
    made.trust_env = False
    try:
        answer = call(made, address)
    except Exception as exc:  # noqa: BLE001  # whatever it is, both have to give it
        return [type(exc).__name__, *(name for name in OWN if name in {kind.__name__ for kind in type(exc).__mro__})]
    finally:
        made.close()
    try:
        value = answer.json()
    except ValueError as exc:
        value = type(exc).__name__, isinstance(exc, lib.RequestException)
    headers = {name: answer.headers.get(name.upper()) for name in answer.headers if name not in ("Date", "Server")}
    return answer.status_code, headers, answer.content, answer.text, value, answer.url.removeprefix(address)


@pytest.mark.parametrize("name", CALLS)
def test_the_stand_in_sends_and_answers_as_the_library(name):
    with serve(ANSWERS) as (address, notes):
        expected = outcome(requests, CALLS[name], address)
        asked, headers = notes.asked, notes.headers
        notes.asked, notes.headers = [], []

        found = outcome(plain_requests, CALLS[name], address)

    assert found == expected
    assert notes.asked == asked
    for ours, theirs in zip(notes.headers, headers, strict=True):
        # Brotli and zstd come with further libraries.
        assert ours.pop("accept-encoding") in theirs.pop("accept-encoding")
        assert {name: value for name, value in ours.items() if name not in IGNORED} == {
            name: value for name, value in theirs.items() if name not in IGNORED
        }


@BOTH
def test_a_connection_serves_several_requests(lib):
    """The figures of performance.py were taken so."""
    with serve(ANSWERS) as (address, notes):
        made = lib.Session()
        for _number in range(3):
            made.get(f"{address}/status", timeout=5)
        made.close()
    assert notes.connections == 1


@BOTH
def test_a_connection_that_the_server_closed_is_opened_anew(lib):
    with serve(ANSWERS | {"GET /last": Reply(body=b"x", headers={"Connection": "close"})}) as (address, notes):
        made = lib.Session()
        made.get(f"{address}/last", timeout=5)
        assert made.get(f"{address}/status", timeout=5).status_code == 200
        made.close()
    assert notes.connections == 2


@BOTH
def test_who_is_silent_is_not_waited_for(lib):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(lib.exceptions.ReadTimeout) as caught:
        lib.Session().get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.1)
    assert isinstance(caught.value, lib.RequestException)


@BOTH
def test_another_place_does_not_learn_who_we_are(lib):
    with serve(ANSWERS) as (other, notes):
        moved = {"POST /": Reply(307, headers={"Location": f"{other}/config"})}
        with serve(moved) as (address, _notes):
            lib.Session().post(f"{address}/", data=b"a", headers={"Authorization": "secret", "X-A": "b"}, timeout=5)
    assert notes.headers[0]["x-a"] == "b"
    assert "authorization" not in notes.headers[0]


@BOTH
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_certificate_of_nobodys_is_taken_where_none_is_verified(lib):
    with serving({("GET", "/"): Answer(200, b"x")}, tls=True) as server:
        made = lib.Session()
        made.trust_env = False
        with pytest.raises(lib.exceptions.SSLError):
            made.get(server.url, timeout=5)
        made.verify = False
        assert made.get(server.url, timeout=5).content == b"x"
        made.close()


@BOTH
def test_an_adapter_of_ones_own_carries_the_requests(lib):
    """kong_inside.py asks inside a container."""

    class Own(lib.adapters.BaseAdapter):
        def send(self, request, *_args, **_options):
            answer = lib.Response()
            answer.status_code, answer._content = 200, f"{request.method} {request.url}".encode()
            answer.headers.update({"X-A": "b"})
            answer.url, answer.request = request.url, request
            return answer

        def close(self):
            pass

    made = lib.Session()
    made.mount("http://", Own())
    answer = made.get("http://127.0.0.1:8001/status?a=b", timeout=1)
    assert (answer.content, answer.headers["x-a"]) == (b"GET http://127.0.0.1:8001/status?a=b", "b")


@BOTH
def test_a_header_of_every_request_is_sent_and_one_of_its_own_wins(lib):
    answers = {("GET", "/"): Answer(200), ("POST", "/"): Answer(200)}
    with serving(answers) as server:
        made = lib.Session()
        made.headers["Host"] = "api.example.com"
        url = f"http://{server.place[0]}:{server.place[1]}/"
        made.get(url, timeout=5)
        made.post(url, data=b"x", headers={"host": "other.example.com"}, timeout=5)
        made.close()
        sent = [{name.lower(): value for name, value in headers.items()} for _m, _p, headers, _b in server.requests]
    assert [headers["host"] for headers in sent] == ["api.example.com", "other.example.com"]

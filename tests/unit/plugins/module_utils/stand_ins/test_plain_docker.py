"""The stand-in for the Docker SDK asks the engine what the SDK asks, and answers as it does."""

from __future__ import annotations

import base64
import json
import struct

import docker
import pytest
import requests

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_scratch
from ansible_collections.kong_masking.recovery.plugins.module_utils.stand_ins import plain_docker, plain_engine
from ansible_collections.kong_masking.recovery.tests.unit.small_server import Reply, as_json, serve

V = "/v1.47"
CID = "4f1c"


def frame(stream, data):
    return struct.pack(">BxxxL", stream, len(data)) + data


def hijacked(*frames):
    head = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    # The SDK loses what comes together with the head.
    return Reply(raw=head + b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n", later=b"".join(frames))


EVENTS = [{"Type": "container", "Actor": {"Attributes": {"name": "gateway-kong-1"}}, "time": 5}, {"time": 6}]
SUMMARY = [{"Id": CID, "Names": ["/gateway-redis-1"], "Labels": {"a": "b"}}]
ANSWERS = {
    "GET /version": as_json({"ApiVersion": "1.47", "Version": "27.5.1"}),
    f"GET {V}/containers/json": as_json(SUMMARY),
    f"GET {V}/containers/{CID}/json": as_json({"Id": CID, "Config": {"Tty": False}, "State": {"Running": True}}),
    f"GET {V}/containers/tty/json": as_json({"Config": {"Tty": True}}),
    f"GET {V}/containers/gone/json": as_json({"message": "No such container: gone"}, 404),
    f"GET {V}/containers/sick/json": Reply(500, b"the engine is ill\n"),
    f"POST {V}/containers/create": as_json({"Id": "new", "Warnings": []}, 201),
    f"POST {V}/containers/{CID}/start": Reply(304),
    f"POST {V}/containers/{CID}/stop": Reply(204),
    f"POST {V}/containers/{CID}/unpause": as_json({"message": "Container 4f1c is not paused"}, 409),
    f"POST {V}/containers/{CID}/update": as_json({"Warnings": None}),
    f"POST {V}/containers/{CID}/wait": as_json({"StatusCode": 3}),
    f"DELETE {V}/containers/{CID}": Reply(204),
    f"GET {V}/containers/{CID}/top": as_json({"Titles": ["PID"], "Processes": [["1"]]}),
    f"GET {V}/containers/{CID}/stats": as_json({"memory_stats": {"usage": 7}}),
    f"GET {V}/containers/{CID}/logs": Reply(body=frame(1, b"one\n") + frame(2, b"two\n") + frame(1, b"")),
    f"GET {V}/containers/tty/logs": Reply(body=b"as it is\r\n"),
    f"GET {V}/containers/{CID}/archive": Reply(
        chunks=[b"tar", b"ball"],
        headers={"X-Docker-Container-Path-Stat": base64.b64encode(b'{"name": "a b"}').decode()},
    ),
    f"POST {V}/containers/{CID}/exec": as_json({"Id": "job"}, 201),
    f"POST {V}/exec/job/start": hijacked(frame(1, b"out "), frame(2, b"err"), frame(1, b"x" * 200_000)),
    f"POST {V}/exec/quiet/start": hijacked(),
    f"POST {V}/exec/gone/start": as_json({"message": "No such exec instance"}, 404),
    f"GET {V}/exec/job/json": as_json({"ExitCode": 1, "Running": False}),
    f"GET {V}/images/re/po:tag/json": as_json({"Id": "sha256:ab", "Config": None}),
    f"GET {V}/images/none/json": as_json({"message": "No such image: none:latest"}, 404),
    f"POST {V}/images/sha256:ab/tag": Reply(201),
    f"DELETE {V}/images/r:t": as_json([{"Untagged": "r:t"}]),
    f"GET {V}/networks": as_json([{"Name": "gateway_default", "Id": "n"}]),
    f"DELETE {V}/networks/n": Reply(204),
    f"POST {V}/networks/n/disconnect": Reply(200),
    f"GET {V}/events": Reply(chunks=[json.dumps(item).encode() + b"\n" for item in EVENTS]),
}


def created(client, host, **about):
    return client.create_container("img", host_config=client.create_host_config(**host), **about)


CALLS = {
    "all containers": lambda c: c.containers(all=True, filters={"label": ["a=b", "c"]}),
    "running containers": lambda c: c.containers(),
    "containers by one label": lambda c: c.containers(all=True, filters={"label": "a", "name": "^/x$"}),
    "a container": lambda c: c.inspect_container(CID),
    "a container, by what describes it": lambda c: c.inspect_container({"Id": CID}),
    "no such container": lambda c: c.inspect_container("gone"),
    "an engine's own error": lambda c: c.inspect_container("sick"),
    "no name": lambda c: c.inspect_image(""),
    "keep an image": lambda c: created(
        c, {"tmpfs": {"/v": ""}}, command=["true"], entrypoint=[], name="n", labels={"a": "b"}, network_disabled=True
    ),
    "scratch server": lambda c: created(
        c,
        {"binds": ["/a:/b"], **redis_scratch.ON_HOST},
        entrypoint=["timeout", "9"],
        command=["s"],
        user="0:0",
        labels={},
    ),
    "copy of a container": lambda c: created(
        c,
        {"binds": [], "tmpfs": {}, "network_mode": "none"},
        command=None,
        entrypoint=None,
        user=None,
        environment=["A=b"],
        labels={"l": ""},
    ),
    "helper": lambda c: created(
        c,
        {"binds": ["/a:/b:ro"], "volumes_from": [CID], **redis_scratch.ON_HOST},
        entrypoint=["sh", "-c"],
        command=["x"],
    ),
    "start": lambda c: c.start(CID),
    "stop": lambda c: c.stop(CID, timeout=7),
    "unpause what is not paused": lambda c: c.unpause(CID),
    "restart policy": lambda c: c.update_container(CID, restart_policy={"Name": "unless-stopped"}),
    "wait": lambda c: c.wait(CID, timeout=3),
    "remove": lambda c: c.remove_container(CID),
    "remove by force": lambda c: c.remove_container(CID, force=True, v=True),
    "processes": lambda c: c.top(CID, "-eo pid,args"),
    "usage": lambda c: c.stats(CID, stream=False, one_shot=True),
    "log": lambda c: c.logs(CID),
    "last lines of a log": lambda c: c.logs(CID, tail=5, stdout=True, stderr=True),
    "log since": lambda c: c.logs(CID, since=5, timestamps=True, tail=9),
    "log of a terminal": lambda c: c.logs("tty"),
    "files": lambda c: b"".join(c.get_archive(CID, "/a b")[0]),
    "about a file": lambda c: c.get_archive(CID, "/a b")[1],
    "prepare a command": lambda c: c.exec_create(CID, ["a", "b"], environment={"A": "b"}),
    "prepare one without environment": lambda c: c.exec_create(CID, ["a"], environment={}),
    "run a command": lambda c: c.exec_start("job", demux=True),
    "a silent command": lambda c: c.exec_start("quiet", demux=True),
    "no such command": lambda c: c.exec_start("gone", demux=True),
    "what became of it": lambda c: c.exec_inspect("job"),
    "an image": lambda c: c.inspect_image("re/po:tag"),
    "no such image": lambda c: c.inspect_image("none"),
    "tag": lambda c: c.tag("sha256:ab", "re/po", "t", force=True),
    "remove an image": lambda c: c.remove_image("r:t"),
    "networks": lambda c: c.networks(),
    "networks by label": lambda c: c.networks(filters={"label": ["a=b"]}),
    "remove a network": lambda c: c.remove_network("n"),
    "take off a network": lambda c: c.disconnect_container_from_network(CID, "n", force=True),
    "events": lambda c: list(c.events(since=1, until=2, filters={"container": CID}, decode=True)),
}


def outcome(call, client):
    """Return what a call gives: its value, or the names that its error goes by, and its words."""
    try:
        return call(client)
    except Exception as exc:  # noqa: BLE001  # whatever it is, both have to give it
        return [kind.__name__ for kind in type(exc).__mro__ if kind.__module__ != "builtins"], str(exc)


@pytest.mark.parametrize("name", CALLS)
def test_the_stand_in_asks_and_answers_as_the_library(name, tmp_path):
    with serve(ANSWERS, tmp_path / "engine") as (address, notes):
        theirs = docker.APIClient(base_url=address, version="auto", timeout=5)
        notes.asked.clear()
        expected = outcome(CALLS[name], theirs)
        asked = list(notes.asked)
        ours = plain_docker.APIClient(base_url=address, version="auto", timeout=5)
        notes.asked.clear()

        found = outcome(CALLS[name], ours)

    assert found == expected
    assert notes.asked == asked


def test_a_command_is_heard_while_it_runs(tmp_path):
    with serve(ANSWERS, tmp_path / "engine") as (address, _notes):
        client = plain_docker.APIClient(base_url=address, timeout=5)
        pieces = list(client.exec_start("job", stream=True, demux=True))
    assert pieces[:2] == [(b"out ", None), (None, b"err")]
    assert b"".join(out for out, _err in pieces if out) == b"out " + b"x" * 200_000


@pytest.mark.parametrize("lib", [docker, plain_docker])
def test_an_engine_that_is_not_there(lib, tmp_path):
    with pytest.raises(lib.errors.DockerException, match="Error while fetching server API version"):
        lib.APIClient(base_url=f"unix://{tmp_path}/none", version="auto", timeout=1)


@pytest.mark.parametrize("lib", [docker, plain_docker])
def test_an_engine_that_goes_away_is_a_broken_connection(lib, tmp_path):
    """engine_loss.py tells it from an action that failed."""
    with serve(ANSWERS | {f"GET {V}/networks": Reply(raw=b"")}, tmp_path / "engine") as (address, _notes):
        client = lib.APIClient(base_url=address, version="auto", timeout=5)
        with pytest.raises(requests.exceptions.ConnectionError):
            client.networks()


@pytest.mark.parametrize("lib", [docker, plain_docker])
def test_an_old_engine_gives_no_single_reading(lib, tmp_path):
    answers = {"GET /version": as_json({"ApiVersion": "1.40"})}
    with serve(answers, tmp_path / "engine") as (address, _notes):
        client = lib.APIClient(base_url=address, version="auto", timeout=5)
        with pytest.raises(lib.errors.InvalidVersion, match="one_shot"):
            client.stats(CID, stream=False, one_shot=True)


def test_files_that_break_off_are_an_error(tmp_path):
    cut = {f"GET {V}/containers/{CID}/archive": Reply(body=b"tar", headers={"Content-Length": "99"})}
    with serve(ANSWERS | cut, tmp_path / "engine") as (address, _notes):
        client = plain_docker.APIClient(base_url=address, timeout=5)
        chunks, _about = client.get_archive(CID, "/data")
        with pytest.raises(requests.exceptions.ConnectionError):
            list(chunks)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, {}), ({"DOCKER_HOST": "unix:///x"}, {"base_url": "unix:///x"}), ({"DOCKER_TLS_VERIFY": ""}, {})],
)
def test_where_the_engine_is(environment, expected, monkeypatch):
    for name in ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert plain_docker.utils.kwargs_from_env() == docker.utils.kwargs_from_env() == expected


def test_an_engine_behind_tls_needs_the_library(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with pytest.raises(RecoveryError, match=r"tcp://engine:2376 \(TLS\) cannot be reached without"):
        plain_docker.utils.kwargs_from_env()


@pytest.mark.parametrize(
    ("address", "path", "host"),
    [
        ("", "/var/run/docker.sock", ""),
        ("unix://", "/var/run/docker.sock", ""),
        ("unix:///run/user/1000/docker.sock", "/run/user/1000/docker.sock", ""),
        ("unix://run/docker.sock", "/run/docker.sock", ""),
        ("tcp://10.0.0.1:2375", "", "10.0.0.1:2375"),
        ("10.0.0.1:2375", "", "10.0.0.1:2375"),
    ],
)
def test_addresses(address, path, host):
    engine = plain_engine.Engine(address)
    assert (engine.path, engine.host) == (path, host)


@pytest.mark.parametrize("address", ["ssh://host", "https://host:2376", "npipe:////./pipe/docker_engine", "tcp://host"])
def test_addresses_that_need_the_library(address):
    with pytest.raises(RecoveryError, match="cannot be reached without the Python library docker"):
        plain_engine.Engine(address)


def test_what_a_rollback_does_not_ask_needs_the_library(tmp_path):
    with serve(ANSWERS, tmp_path / "engine") as (address, _notes):
        client = plain_docker.APIClient(base_url=address, timeout=5)
    with pytest.raises(RecoveryError, match="volumes to the Docker Engine needs the Python library docker"):
        client.volumes()

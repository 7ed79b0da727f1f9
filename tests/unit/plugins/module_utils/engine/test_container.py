"""Containers read from inspect answers of a real engine (29.x, Compose 2.40.3), shortened."""

from __future__ import annotations

import copy
import dataclasses
import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import (
    NAMELESS,
    OTHER_KIND,
    as_record,
    from_inspect,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples

# What Engine 20.10 says of a start over a directory that is a file now.
MOUNT_ERROR = (
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
    'error during container init: error mounting "/tmp/f" to rootfs at "/etc/f": mount /tmp/f:/etc/f (via '
    "/proc/self/fd/6), flags: 0x5001: not a directory: unknown: Are you trying to mount a directory onto a file (or "
    "vice-versa)? Check if the specified host path exists and is the expected type"
)
INSPECT = {
    "Id": "a6cd79a2f42d",
    "Name": "/gateway-kong-1",
    "Created": "2026-11-24T02:30:23.130731377Z",
    "Image": "sha256:0abf3314615e",
    "RestartCount": 2,
    "State": {
        "Status": "running",
        "Running": True,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": False,
        "Dead": False,
        "Pid": 9332,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": "2026-11-24T02:30:24.130731377Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "Health": {"Status": "healthy", "FailingStreak": 0, "Log": []},
    },
    "Config": {
        "Image": "gateway-kong",
        "Cmd": ["kong", "docker-start"],
        "Entrypoint": None,
        "User": "kong",
        "WorkingDir": "",
        "StopTimeout": 40,
        "Env": ["KONG_DATABASE=off", "KONG_DECLARATIVE_CONFIG=/kong/declarative/kong.yml", "EMPTY=", "E=a=b", "BARE"],
        "Healthcheck": {"Test": ["CMD", "kong", "health"], "Interval": 30000000000},
        "Labels": {
            "com.docker.compose.config-hash": "e593a620",
            "com.docker.compose.depends_on": "redis:service_healthy:false,upstream:service_started:true",
            "com.docker.compose.project": "gateway",
            "com.docker.compose.service": "kong",
            "com.docker.compose.version": "2.40.3",
        },
    },
    "HostConfig": {
        "Binds": ["/opt/gateway/kong/kong.yml:/kong/declarative/kong.yml:ro"],
        "Memory": 536870912,
        "NanoCpus": 1500000000,
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "PortBindings": {
            "8000/tcp": [{"HostIp": "", "HostPort": ""}],
            "8001/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8001"}],
            "8443/tcp": [{"HostIp": "10.0.0.9", "HostPort": "8443"}],
        },
    },
    "Mounts": [
        {"Type": "volume", "Name": "v", "Source": "/var/lib/docker/volumes/v", "Destination": "/v", "RW": True},
        {"Type": "bind", "Source": "/opt/gateway/kong/plugins", "Destination": "/kong/plugins", "RW": False},
        {
            "Type": "bind",
            "Source": "/opt/gateway/kong/kong.yml",
            "Destination": "/kong/declarative/kong.yml",
            "RW": False,
        },
        {"Type": "tmpfs", "Destination": "/tmp", "RW": True},
    ],
    "NetworkSettings": {
        "Ports": {
            "8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "53485"}, {"HostIp": "::", "HostPort": "53485"}],
            "8001/tcp": [{"HostIp": "::", "HostPort": "8001"}],
            "9000/tcp": None,
        },
        "Networks": {
            "z": {"IPAddress": "172.25.0.5", "Aliases": None},
            "gateway_default": {"IPAddress": "172.24.0.5", "Aliases": ["gateway-kong-1", "kong"]},
        },
    },
}


def inspect(**state):
    """Build the container with another state; ``top`` replaces keys of the answer itself."""
    answer = copy.deepcopy(INSPECT)
    answer.update(state.pop("top", {}))
    answer["State"].update(state)
    return from_inspect(answer)


class TestRunning:
    def test_identity(self):
        found = inspect()
        assert (found.id, found.name, found.service) == ("a6cd79a2f42d", "gateway-kong-1", "kong")
        assert (found.image_id, found.image_ref) == ("sha256:0abf3314615e", "gateway-kong")
        assert (found.config_hash, found.compose_version) == ("e593a620", "2.40.3")
        assert found.depends_on == ("redis", "upstream")

    def test_environment(self):
        assert inspect().env == {
            "KONG_DATABASE": "off",
            "KONG_DECLARATIVE_CONFIG": "/kong/declarative/kong.yml",
            "EMPTY": "",
            "E": "a=b",
        }

    def test_state(self):
        found = inspect()
        assert (found.state, found.health, found.exit_code, found.restarts) == ("running", "healthy", 0, 2)
        assert (found.running, found.trouble, found.restart_policy) == (True, "", "always")
        assert (found.created, found.started_at) == (
            "2026-11-24T02:30:23.130731377Z",
            "2026-11-24T02:30:24.130731377Z",
        )

    def test_published_ports_are_reached_on_loopback_when_bound_to_all(self):
        assert inspect().ports == {
            "8000/tcp": ("127.0.0.1", 53485),
            "8001/tcp": ("127.0.0.1", 8001),
            "8443/tcp": ("10.0.0.9", 8443),
        }

    def test_addresses(self):
        found = inspect()
        assert found.addresses == {"gateway_default": "172.24.0.5", "z": "172.25.0.5"}
        assert found.address == "172.24.0.5"

    def test_settings(self):
        found = inspect().settings
        assert {name: found[name] for name in ("memory", "cpus", "restart", "stop_grace_seconds", "user")} == {
            "memory": 536870912,
            "cpus": 1.5,
            "restart": "always",
            "stop_grace_seconds": 40,
            "user": "kong",
        }
        assert (found["command"], found["entrypoint"]) == (["kong", "docker-start"], [])

    def test_mounts_are_in_order_of_their_place_inside(self):
        assert [item.destination for item in inspect().mounts] == [
            "/kong/declarative/kong.yml",
            "/kong/plugins",
            "/tmp",
            "/v",
        ]

    def test_a_tmpfs_hides_the_volume_of_the_image_that_is_listed_in_its_place(self):
        host = {**INSPECT["HostConfig"], "Tmpfs": {"/v": "", "/run": "size=1m"}}
        kinds = {item.destination: item.type for item in inspect(top={"HostConfig": host}).mounts}
        assert (kinds["/v"], kinds["/run"], kinds["/kong/plugins"]) == ("tmpfs", "tmpfs", "bind")


class TestStopped:
    def test_ports_are_those_that_it_asks_for(self):
        found = inspect(top={"NetworkSettings": {"Ports": {}, "Networks": {"gateway_default": {"IPAddress": ""}}}})
        assert found.ports == {"8001/tcp": ("127.0.0.1", 8001), "8443/tcp": ("10.0.0.9", 8443)}
        assert found.address == ""

    @pytest.mark.parametrize("name", ["Mounts", "RestartCount", "NetworkSettings"])
    def test_an_answer_without_it(self, name):
        assert inspect(top={name: None}).service == "kong"

    def test_no_labels_and_no_environment(self):
        found = inspect(top={"Config": {"Labels": None, "Env": None, "Image": "x"}})
        assert (found.service, found.depends_on, found.env) == ("", (), {})


@pytest.mark.parametrize(
    ("networks", "mode", "nameless"),
    [
        ({"gateway_default": {"Aliases": ["kong"]}}, "gateway_default", False),
        ({"gateway_default": {"Aliases": ["9f1c2d"]}}, "gateway_default", True),
        ({"gateway_default": {"Aliases": None}}, "gateway_default", True),
        ({}, "gateway_default", True),
        ({"host": {"Aliases": None}}, "host", False),
        ({}, "container:abc", False),
    ],
    ids=["named", "another-name", "no-name", "no-network", "host", "another-containers"],
)
def test_a_container_that_nobody_finds_by_its_name(networks, mode, nameless):
    found = inspect(top={"NetworkSettings": {"Networks": networks}, "HostConfig": {"NetworkMode": mode}})
    assert found.nameless is nameless
    assert bool(found.trouble) is nameless


@pytest.mark.parametrize(("networks", "lost"), [({}, True), ({"n": {"Aliases": ["kong"]}}, False)])
@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"Status": "exited", "Running": False}, "is exited with exit status 0"),
        ({"Status": "restarting", "Restarting": True}, "is restarting"),
        ({"Status": "exited", "Running": False, "OOMKilled": True}, "was killed for lack of memory"),
    ],
)
def test_what_does_not_run_and_is_on_no_network_has_lost_it(state, why, networks, lost):
    found = inspect(top={"NetworkSettings": {"Networks": networks}}, **state)
    assert found.trouble == f"{why}{f', {NAMELESS}' if lost else ''}"


@pytest.mark.parametrize(
    ("state", "name", "trouble"),
    [
        ({}, "running", ""),
        ({"Health": None}, "running", ""),
        ({"Health": {"Status": "starting"}}, "running", ""),
        ({"Health": {"Status": "unhealthy"}}, "running", "is unhealthy"),
        ({"Paused": True, "Status": "paused"}, "paused", "is paused"),
        ({"Restarting": True, "Status": "restarting", "ExitCode": 1}, "restarting", "is restarting"),
        # During a restart loop the engine also says that it runs.
        ({"Restarting": True, "Running": True, "Status": "running"}, "restarting", "is restarting"),
        ({"Status": "exited", "Running": False, "ExitCode": 137}, "exited", "is exited with exit status 137"),
        (
            {"Status": "exited", "Running": False, "ExitCode": 137, "OOMKilled": True},
            "exited",
            "was killed for lack of memory",
        ),
        ({"OOMKilled": True}, "running", ""),
        ({"Status": "created", "Running": False}, "created", "is created with exit status 0"),
        (
            {"Status": "exited", "Running": False, "ExitCode": 127, "Error": MOUNT_ERROR},
            "exited",
            f"is exited with exit status 127, {OTHER_KIND}",
        ),
        ({"Status": "dead", "Dead": True, "Running": False}, "dead", "is dead"),
        ({"Status": "removing", "Running": False}, "removing", "is removing"),
    ],
    ids=[
        "healthy",
        "no-check",
        "starting",
        "unhealthy",
        "paused",
        "restarting",
        "restarting-and-running",
        "exited",
        "oom",
        "oom-of-a-child",
        "created",
        "over-a-directory",
        "dead",
        "removing",
    ],
)
def test_trouble(state, name, trouble):
    found = inspect(**state)
    assert (found.state, found.trouble) == (name, trouble)
    assert found.running is (name == "running")


@pytest.mark.parametrize(
    ("restarts", "seconds", "why"),
    [(0, 3, ""), (2, 3, "is up for 3 s only"), (2, 9.4, "is up for 9 s only"), (2, 10, "")],
    ids=["never-fell", "just-now", "still", "settled"],
)
def test_one_that_fell_is_not_settled_at_once(restarts, seconds, why):
    found = dataclasses.replace(inspect(), restarts=restarts, started_at="2026-07-29T09:00:01.5Z")
    assert found.unsettled(found.started + seconds) == why


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("/kong/declarative/kong.yml", "/opt/gateway/kong/kong.yml"),
        ("/kong/plugins/aws-masker/handler.lua", "/opt/gateway/kong/plugins/aws-masker/handler.lua"),
        ("/kong/plugins", "/opt/gateway/kong/plugins"),
        ("/kong/plugins-of-others/x", ""),
        ("/etc/kong.conf", ""),
        ("/tmp/x", ""),
    ],
    ids=["file", "in-a-directory", "directory", "same-beginning", "not-mounted", "tmpfs"],
)
def test_mounted_at(inside, outside):
    assert inspect().mounted_at(inside) == outside


def test_the_deepest_mount_wins():
    mounts = (samples.bind("/all", "/"), samples.bind("/a", "/etc/kong"), samples.bind("/b", "/etc"))
    found = samples.container("kong", mounts=mounts)
    assert [found.mounted_at(path) for path in ("/etc/kong/x", "/etc/y", "/z")] == ["/a/x", "/b/y", "/all/z"]


def test_the_record_survives_json_unchanged():
    found = as_record(inspect())
    assert json.loads(json.dumps(found)) == found
    assert found["depends_on"] == ["redis", "upstream"]


def test_a_range_of_ports_says_none_until_one_is_bound():
    """``8100-8110:8000`` of a container that does not run."""
    wanted = {"PortBindings": {"8000/tcp": [{"HostIp": "", "HostPort": "8100-8110"}]}}
    assert inspect(top={"HostConfig": wanted, "NetworkSettings": {"Ports": {}}}).ports == {}
    bound = {"Ports": {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8103"}]}}
    assert inspect(top={"HostConfig": wanted, "NetworkSettings": bound}).ports == {"8000/tcp": ("127.0.0.1", 8103)}


def test_a_port_that_is_published_on_ipv6_only_is_reached_there():
    ports = {"80/tcp": [{"HostIp": "::", "HostPort": "8085"}]}
    asked = inspect(top={"HostConfig": {"PortBindings": ports}, "NetworkSettings": {"Ports": ports}}).ports
    assert asked == {"80/tcp": ("::1", 8085)}


def test_the_compose_files_that_it_was_deployed_with():
    labels = {"com.docker.compose.project.config_files": "/opt/gateway/a.yml,/opt/gateway/b.yml"}
    assert inspect(top={"Config": {"Labels": labels}}).compose_files == ("/opt/gateway/a.yml", "/opt/gateway/b.yml")
    assert inspect(top={"Config": {}}).compose_files == ()

"""A definition that runs beside the live stack: what reaches outside is replaced, what cannot be is left out."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.drill import drill_definition
from ansible_collections.kong_masking.recovery.plugins.module_utils.drill.drill_definition import Place

LABELS = {"kong_masking.recovery.scratch": "gateway"}
KINDS = {"/etc/ssl/ca.pem": "file", "/srv/data": "directory", "/srv/engine.sock": "other", "/srv/log": "file"}


def record(name, depends_on=()):
    return {"image_id": f"sha256:{name}", "depends_on": list(depends_on)}


def relative(path):
    return path[len("/opt/gateway/") :] if path.startswith("/opt/gateway/") else ""


PLACE = Place("/private/stack", "/private/empty", relative, lambda path: KINDS.get(path, "absent"))


def scratch(definition, **further):
    """The result for one service."""
    document = {"services": {"kong": definition}, **further}
    return drill_definition.scratch(document, {"kong": record("kong")}, "kmr-drill-1", LABELS, PLACE)


def service(definition, **further):
    return scratch(definition, **further).document["services"]["kong"]


def bind(source, target="/x", read_only=False):
    return {"type": "bind", "source": source, "target": target, **({"read_only": True} if read_only else {})}


def test_nothing_of_the_live_stack_is_named():
    live = {
        "container_name": "gateway-kong",
        "image": "gateway-kong",
        "build": {"context": "/opt/gateway/kong"},
        "ports": [{"target": 8000, "published": "8000"}],
        "restart": "always",
        "depends_on": {"redis": {"condition": "service_healthy"}},
        "labels": {"traefik.enable": "true"},
        "logging": {"driver": "syslog", "options": {"syslog-address": "tcp://10.0.0.1:514"}},
        "networks": {"masking": {"ipv4_address": "172.20.0.10", "aliases": ["gw"], "mac_address": "02:42:ac:11:00:02"}},
        "environment": {"A": "b"},
        "mem_limit": "1073741824",
        "command": ["kong"],
        "deploy": {"replicas": 3, "resources": {"limits": {"memory": "1g"}}},
        "dns": ["10.0.0.1"],
        "post_start": [{"command": "curl https://example.com"}],
    }
    found = service(
        live, networks={"masking": {"name": "gateway_masking", "ipam": {"config": [{"subnet": "172.20.0.0/16"}]}}}
    )
    assert found == {
        "image": "sha256:kong",
        "pull_policy": "never",
        "restart": "no",
        "labels": LABELS,
        "logging": {"driver": "json-file"},
        "volumes": [],
        "networks": {"masking": {"aliases": ["gw"]}},
        "environment": {"A": "b"},
        "mem_limit": "1073741824",
        "command": ["kong"],
        "deploy": {"resources": {"limits": {"memory": "1g"}}},
    }


@pytest.mark.parametrize(
    "network",
    [
        {"name": "gateway_masking"},
        {"name": "shared", "external": True},
        {"driver": "macvlan", "driver_opts": {"parent": "eth0"}},
    ],
    ids=["own", "external", "on-the-wire"],
)
def test_every_network_is_one_without_a_way_out(network):
    found = scratch({"networks": {"n": None}}, networks={"n": network}).document
    assert found["networks"] == {"n": {"internal": True, "labels": LABELS}}


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "gateway_data"},
        {"external": True, "name": "data"},
        {"driver_opts": {"type": "none", "o": "bind", "device": "/srv/data"}},
    ],
    ids=["own", "external", "a-directory-of-the-host"],
)
def test_every_volume_is_a_new_one(volume):
    mount = {"type": "volume", "source": "v", "target": "/data"}
    found = scratch({"volumes": [mount]}, volumes={"v": volume})
    assert found.document["volumes"] == {"v": {"labels": LABELS}}
    assert found.document["services"]["kong"]["volumes"] == [mount]
    assert found.notes == ["volume v begins empty"]


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (bind("/private/stack/kong/kong.yml", read_only=True), bind("/private/stack/kong/kong.yml", read_only=True)),
        (bind("/opt/gateway/kong/kong.yml"), bind("/private/stack/kong/kong.yml")),
        (bind("/private/stack/redis/data"), bind("/private/stack/redis/data")),
        (bind("/etc/ssl/ca.pem", read_only=True), bind("/etc/ssl/ca.pem", read_only=True)),
        (bind("/srv/data", read_only=True), bind("/srv/data", read_only=True)),
        (bind("/srv/data"), bind("/private/empty/kong-0")),
        (bind("/srv/log"), bind("/private/empty/kong-0")),
        (bind("/nowhere", read_only=True), {**bind("/private/empty/kong-0"), "read_only": True}),
    ],
    ids=[
        "relative",
        "absolute-in-the-stack",
        "data-in-the-stack",
        "certificate",
        "directory-to-read",
        "data-outside",
        "log-outside",
        "absent",
    ],
)
def test_mounts(mount, expected):
    assert service({"volumes": [mount]})["volumes"] == [expected]


def test_data_directories_begin_empty_with_the_live_ones_owner():
    found = scratch({"volumes": [bind("/private/stack/redis/data"), bind("/srv/data")]})
    assert found.folders == {"/private/stack/redis/data": "redis/data", "/private/empty/kong-1": "/srv/data"}
    assert found.notes == ["kong has an empty place instead of /srv/data"]


def test_no_mount_of_the_host_is_ever_writable():
    sources = ["/srv/data", "/srv/log", "/opt/gateway/x", "/private/stack/y", "/nowhere"]
    for item in service({"volumes": [bind(source) for source in sources]})["volumes"]:
        assert item["source"].startswith("/private/")


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({"network_mode": "host"}, "it uses the network of the host"),
        ({"network_mode": "container:abc"}, "it uses the network of container:abc"),
        ({"privileged": True}, "it is privileged"),
        ({"use_api_socket": True}, "it is use api socket"),
        ({"pid": "host"}, "it shares a namespace of the host"),
        ({"ipc": "host"}, "it shares a namespace of the host"),
        ({"devices": ["/dev/fuse"]}, "it uses devices of the host"),
        ({"volumes_from": ["other"]}, "it takes the volumes of another container"),
        ({"volumes": [bind("/var/run/docker.sock", read_only=True)]}, "it mounts /var/run/docker.sock of the host"),
        ({"volumes": [bind("/var/run", read_only=True)]}, "it mounts /var/run of the host"),
        ({"volumes": [bind("/var", read_only=True)]}, "it mounts /var of the host"),
        ({"volumes": [bind("/", read_only=True)]}, "it mounts / of the host"),
        ({"volumes": [bind("/srv/engine.sock")]}, "it mounts /srv/engine.sock of the host"),
    ],
)
def test_what_cannot_run_beside_itself_is_left_out(definition, why):
    found = scratch(definition)
    assert found.left_out == {"kong": why}
    assert found.document["services"] == {}


@pytest.mark.parametrize("mode", ["none", "service:redis"])
def test_harmless_network_modes_stay(mode):
    assert service({"network_mode": mode})["network_mode"] == mode


def test_a_service_that_the_backup_does_not_name_is_not_started_and_one_that_is_missing_is_said():
    document = {"services": {"debug": {}, "kong": {}}}
    found = drill_definition.scratch(document, {"kong": record("kong"), "gone": record("gone")}, "p", LABELS, PLACE)
    assert list(found.document["services"]) == ["kong"]
    assert found.left_out == {"gone": "the backup's definition does not have it"}


def test_secrets_are_the_backups_files():
    found = scratch(
        {}, secrets={"s": {"name": "gateway_s", "file": "/private/stack/secret.txt"}, "t": {"file": "/etc/t"}}
    )
    assert found.document["secrets"] == {"s": {"file": "/private/stack/secret.txt"}, "t": {"file": "/etc/t"}}


def test_the_result_is_plain_json():
    json.dumps(scratch({"volumes": [bind("/srv/data")], "networks": {"n": None}}, networks={"n": {}}).document)


@pytest.mark.parametrize(
    ("services", "waves"),
    [
        (
            {
                "redis": [],
                "kong": ["redis"],
                "nginx": ["kong"],
                "client": ["nginx"],
                "upstream": [],
                "worker": ["redis"],
            },
            [["redis"], ["kong", "upstream", "worker"], ["client", "nginx"]],
        ),
        ({"redis": [], "kong": [], "nginx": []}, [["redis"], ["kong"], ["nginx"]]),
        ({"redis": [], "kong": ["nginx"], "nginx": ["kong"]}, [["redis"], ["kong"], ["nginx"]]),
    ],
    ids=["usual", "without-dependencies", "a-circle"],
)
def test_waves(services, waves):
    records = {name: record(name, depends) for name, depends in services.items()}
    assert drill_definition.waves(records, ("redis", "kong", "nginx")) == waves

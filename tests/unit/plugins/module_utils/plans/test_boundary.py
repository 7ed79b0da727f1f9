"""Strangers who hold what the project needs: named, never touched."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.sockets import Listener
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans import boundary
from ansible_collections.kong_masking.recovery.tests.unit import samples

PROJECT = "gateway"


def row(name, project="", networks=(), ports=()):
    return {
        "Names": [f"/{name}"],
        "Labels": {boundary.PROJECT: project} if project else {},
        "NetworkSettings": {"Networks": {network: {} for network in networks}},
        "Ports": [
            {"PublicPort": item}
            if isinstance(item, int)
            else dict(zip(("IP", "PublicPort", "Type"), item, strict=True))
            for item in ports
        ]
        + [{"PrivatePort": 1}],
    }


def net(name, project="", *subnets):
    labels = {boundary.PROJECT: project} if project else {}
    return {"Name": name, "Labels": labels, "IPAM": {"Config": [{"Subnet": item} for item in subnets]}}


def names(guards):
    return [guard.name for guard in guards]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row("claude-redis")], ["name_taken"]),
        ([row("claude-redis", "other")], ["name_taken"]),
        ([row("claude-redis", PROJECT)], []),
        ([row("my-claude-redis-x")], []),
    ],
)
def test_names_taken(rows, found):
    assert names(boundary.names_taken(["claude-redis"], rows, PROJECT)) == found


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row("x", ports=[8085])], ["port_taken"]),
        ([row("x", "other", ports=[8085])], ["port_taken"]),
        ([row("x", PROJECT, ports=[8085])], []),
        ([row("x", ports=[8086])], []),
        ([row("x")], []),
    ],
)
def test_ports_taken(rows, found):
    guards = boundary.ports_taken({"nginx": [("127.0.0.1", 8085, "tcp")]}, rows, PROJECT)
    assert names(guards) == found
    assert all("held by container x" in guard.reason for guard in guards)


FIVE, ANY, ANY_6 = ("10.0.0.5", 443, "tcp"), ("0.0.0.0", 443, "tcp"), ("::", 443, "tcp")
LOCAL = ("127.0.0.1", 443, "tcp")


@pytest.mark.parametrize(
    ("wanted", "theirs", "ours", "taken"),
    [
        (FIVE, FIVE, None, True),
        (FIVE, ANY, None, True),
        (FIVE, ANY_6, None, True),
        (FIVE, ("10.0.0.6", 443, "tcp"), None, False),
        (FIVE, ("10.0.0.5", 443, "udp"), None, False),
        (FIVE, ("10.0.0.5", 8443, "tcp"), None, False),
        (ANY, ("10.0.0.6", 443, "tcp"), None, True),
        (ANY, ANY, None, True),
        (ANY, ("127.0.0.1", 443, "udp"), None, False),
        (LOCAL, ANY, None, True),
        (LOCAL, ("10.0.0.6", 443, "tcp"), None, False),
        (LOCAL, ("10.0.0.6", 443, "tcp"), LOCAL, False),
        (FIVE, ("10.0.0.5", 443, "tcp"), ("10.0.0.6", 443, "tcp"), True),
        (("127.0.0.1", 53, "udp"), ("10.0.0.6", 53, "udp"), ("0.0.0.0", 53, "udp"), False),
    ],
    ids=[
        "the-same", "they-have-any", "they-have-any-ipv6", "another-address", "another-protocol", "another-port",
        "we-had-any", "both-any", "udp-beside-ours", "they-have-any-we-local", "local-and-another",
        "ours-runs-beside", "ours-runs-elsewhere", "ours-runs-on-any",
    ],
)  # fmt: skip
def test_a_port_is_taken_at_its_address_and_by_its_protocol(wanted, theirs, ours, taken):
    rows = [row("x", ports=[theirs]), *([row("gateway-nginx-1", PROJECT, ports=[ours])] if ours else [])]
    assert names(boundary.ports_taken({"nginx": [wanted]}, rows, PROJECT)) == (["port_taken"] if taken else [])


def test_what_a_record_publishes():
    recorded = {"nginx": {"ports": {"443/tcp": ["10.0.0.5", 443], "443/udp": ["10.0.0.5", 443]}}, "client": {}}
    places = {"nginx": [FIVE, ("10.0.0.5", 443, "udp")], "client": []}
    assert boundary.published(recorded, {}) == places


@pytest.mark.parametrize(
    ("host", "asked", "addresses"),
    [
        ("127.0.0.1", [{"HostIp": "127.0.0.1", "HostPort": "443"}], ["127.0.0.1"]),
        ("127.0.0.1", [{"HostIp": "", "HostPort": "443"}], ["0.0.0.0"]),
        ("127.0.0.1", [{"HostIp": "::", "HostPort": "443"}], ["::"]),
        ("127.0.0.1", [{"HostIp": "127.0.0.1"}, {"HostIp": "10.0.0.5"}], ["127.0.0.1", "10.0.0.5"]),
        ("127.0.0.1", None, ["0.0.0.0"]),
        ("10.0.0.5", None, ["10.0.0.5"]),
    ],
)
def test_a_place_is_at_the_address_that_was_asked_for(host, asked, addresses):
    services = {"nginx": {"ports": {"443/tcp": [host, 443]}}}
    recorded = {"nginx": {"settings": {"ports": {"443/tcp": asked} if asked else {}}}}
    assert boundary.published(services, recorded) == {"nginx": [(address, 443, "tcp") for address in addresses]}


def test_who_of_the_project_is_on_its_networks_and_no_part_of_a_plan():
    def made(name, service, state="running", network="gateway_default", **labels):
        labels = {f"com.docker.compose.{key}": value for key, value in labels.items()}
        own = {"com.docker.compose.project": "gateway", "com.docker.compose.service": service, **labels}
        networks = {"NetworkSettings": {"Networks": {network: {}}}}
        return {"Names": [f"/{name}"], "State": state, "Labels": own, **networks}

    everyone = [
        made("kong", "kong"),
        made("kong-run", "kong", oneoff="True"),
        made("kong-run-ended", "kong", state="exited", oneoff="True"),
        made("tool", "tool"),
        made("tool-elsewhere", "tool", network="other"),
        made("stranger", "kong", project="other"),
    ]
    assert boundary.passengers(["gateway_default"], everyone, "gateway", {"kong"}) == ["kong-run", "tool"]


def test_one_port_may_be_asked_for_at_several_places():
    """Where a range was asked for, the one that it got stands for it."""
    asked = [{"HostIp": "127.0.0.1", "HostPort": "8001"}, {"HostIp": "10.0.0.5", "HostPort": "9001"}]
    recorded = {"kong": {"settings": {"ports": {"8001/tcp": asked, "8000/tcp": [{"HostPort": "8100-8110"}]}}}}
    services = {"kong": {"ports": {"8001/tcp": ["127.0.0.1", 8001], "8000/tcp": ["127.0.0.1", 8103]}}}
    assert boundary.published(services, recorded) == {
        "kong": [("127.0.0.1", 8001, "tcp"), ("10.0.0.5", 9001, "tcp"), ("0.0.0.0", 8103, "tcp")]
    }


@pytest.mark.parametrize(
    ("wanted", "makes"),
    [
        ({}, False),
        ({"default": {"name": "gateway_default"}}, True),
        ({"default": None}, True),
        ({"shared": {"name": "shared", "external": True}}, False),
        ({"shared": {"name": "shared", "external": True}, "own": {"name": "gateway_own"}}, True),
    ],
)
def test_what_network_compose_makes(wanted, makes):
    assert boundary.makes_network(wanted) is makes


@pytest.mark.parametrize(("protocol", "taken"), [("tcp", True), ("udp", False)])
def test_a_program_is_seen_on_its_protocol(protocol, taken):
    listener = Listener("0.0.0.0", 443, 7, "haproxy")
    found = boundary.programs_on_ports({"nginx": [("10.0.0.5", 443, protocol)]}, [], [listener])
    assert names(found) == (["port_taken"] if taken else [])


WANTED = {"masking": {"name": "gateway_masking", "ipam": {"config": [{"subnet": "172.28.0.0/16"}]}}}


@pytest.mark.parametrize(
    ("wanted", "networks", "found"),
    [
        (WANTED, [net("gateway_masking", PROJECT, "172.28.0.0/16")], []),
        (WANTED, [net("gateway_masking", "other")], ["network_taken"]),
        (WANTED, [net("theirs", "other", "172.28.5.0/24")], ["subnet_taken"]),
        (WANTED, [net("theirs", "", "172.29.0.0/16")], []),
        (WANTED, [net("theirs", "", "fd00::/64")], []),
        (WANTED, [net("gateway_masking", PROJECT), net("theirs", "", "172.28.0.0/16")], []),
        ({"masking": {"name": "gateway_masking"}}, [net("theirs", "", "172.28.0.0/16")], []),
        ({"masking": {"name": "shared", "external": True}}, [net("shared", "other")], []),
        (WANTED, [net("gateway_masking", "", "172.28.0.0/16")], []),
        (WANTED, [net("gateway_masking", "", "172.28.0.0/16"), net("x", "", "172.28.0.0/16")], ["subnet_taken"]),
        ({"default": None}, [net("shared", "other")], []),
    ],
)
def test_networks_taken(wanted, networks, found):
    assert names(boundary.networks_taken(wanted, networks, PROJECT)) == found


def test_guests_are_named():
    rows = [row("a", PROJECT, ["n"]), row("b", "other", ["n"]), row("c", "", ["m"]), row("d", "", ["n"])]
    assert boundary.guests(["n"], rows, PROJECT) == ["b", "d"]


def test_what_has_several_containers_is_said():
    def one(service, project=PROJECT, **labels):
        about = {boundary.PROJECT: project, f"{boundary.LABEL}service": service}
        return {"Labels": {**about, **{f"{boundary.LABEL}{name}": value for name, value in labels.items()}}}

    second = {"container-number": "2"}
    rows = [one("kong"), one("kong", **second), one("redis"), one("redis", oneoff="True", **second), one("nginx")]
    # Compose was killed while it replaced that one; and somebody else's.
    rows += [one("nginx"), one("nginx", "other", **second)]
    assert boundary.several(rows, PROJECT) == [
        "kong has 2 containers: the first is compared and asked, all are stopped and started"
    ]


def publishing(*places):
    """A container that asks for these places: host address, port."""
    bindings = {
        f"{number}/tcp": [{"HostIp": host, "HostPort": str(port)}] for number, (host, port) in enumerate(places)
    }
    return samples.container("any", settings={**samples.settings(), "ports": bindings})


@pytest.mark.parametrize(
    ("held", "wanted", "found"),
    [
        ({"nginx": [("", 8000)]}, {"kong": [("127.0.0.1", 8000, "tcp")]}, {"nginx": [("kong", 8000)]}),
        ({"nginx": [("", 8000)]}, {"nginx": [("0.0.0.0", 8000, "tcp")]}, {}),
        ({"nginx": [("", 8000)]}, {"kong": [("0.0.0.0", 8000, "udp")]}, {}),
        ({"nginx": [("10.0.0.5", 8000)]}, {"kong": [("127.0.0.1", 8000, "tcp")]}, {}),
        (
            {"nginx": [("", 8000)], "kong": [("", 8010)]},
            {"kong": [("0.0.0.0", 8000, "tcp")], "nginx": [("0.0.0.0", 8010, "tcp")]},
            {"kong": [("nginx", 8010)], "nginx": [("kong", 8000)]},
        ),
    ],
    ids=["another-s", "its-own", "another-protocol", "another-address", "swapped"],
)
def test_who_has_what_another_one_wants(held, wanted, found):
    assert boundary.handed_over({name: publishing(*places) for name, places in held.items()}, wanted) == found


def test_a_range_of_ports_is_not_known_beforehand():
    asked = {"80/tcp": [{"HostIp": "", "HostPort": "8100-8110"}, {"HostIp": ""}], "81/tcp": None}
    container = samples.container("any", settings={**samples.settings(), "ports": asked})
    assert boundary.handed_over({"nginx": container}, {"kong": [("0.0.0.0", 8100, "tcp")]}) == {}

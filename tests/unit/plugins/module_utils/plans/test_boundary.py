"""Strangers who hold what the project needs: named, never touched."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans import boundary

PROJECT = "gateway"


def row(name, project="", networks=(), ports=()):
    return {
        "Names": [f"/{name}"],
        "Labels": {boundary.PROJECT: project} if project else {},
        "NetworkSettings": {"Networks": {network: {} for network in networks}},
        "Ports": [{"PublicPort": port} for port in ports] + [{"PrivatePort": 1}],
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
    guards = boundary.ports_taken({"nginx": [("127.0.0.1", 8085)]}, rows, PROJECT)
    assert names(guards) == found
    assert all("held by container x" in guard.reason for guard in guards)


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
        ({"default": None}, [net("shared", "other")], []),
    ],
)
def test_networks_taken(wanted, networks, found):
    assert names(boundary.networks_taken(wanted, networks, PROJECT)) == found


def test_guests_are_named():
    rows = [row("a", PROJECT, ["n"]), row("b", "other", ["n"]), row("c", "", ["m"]), row("d", "", ["n"])]
    assert boundary.guests(["n"], rows, PROJECT) == ["b", "d"]

"""Somebody whom the engine does not know holds a container's address, as what a killed engine leaves behind may do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import stack_state
from lab import Lab
from outside import run, wait_for

# No container is asked for this name, and an interface's name has 15 letters at most.
SPACE, LINK = "kmr-lost", "kmr-lost0"
PORTS = {"redis": 6379, "kong": 8000, "nginx": 80}


@pytest.mark.slow
@pytest.mark.parametrize("service", ["redis", "kong", "nginx"])
def test_a_service_not_reached_at_its_address_is_back_by_force_on_a_network_made_anew(lab: Lab, service: str) -> None:
    lab.golden()
    before = lab.state()
    network = f"{lab.project}_masking"
    old = stack_state.network_id(network)

    with address_taken(lab, network, service):
        done = lab.play("force_rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert "listens, but is not reached at its address" in done.flat
    assert stack_state.network_id(network) not in ("", old)
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []


@pytest.mark.slow
def test_a_plain_rollback_says_why_the_service_is_not_back_and_that_force_mends_it(lab: Lab) -> None:
    lab.golden()
    network = f"{lab.project}_masking"
    old = stack_state.network_id(network)

    with address_taken(lab, network, "nginx") as address:
        done = lab.play("rollback")

    assert done.rc == 2, done.output
    assert done.verdict == "SERVICE: NOT BACK"
    assert f"its address {address} refuses that" in done.flat
    assert "force_rollback.yml makes the network anew" in done.flat
    assert stack_state.network_id(network) == old


@contextmanager
def address_taken(lab: Lab, network: str, service: str) -> Iterator[str]:
    """Put a second holder of a service's address on the network, whom everybody asks first; yield the address."""
    found = lab.stack.containers()[service]["NetworkSettings"]["Networks"][network]
    address, bridge = found["IPAddress"], f"br-{stack_state.network_id(network)[:12]}"
    inside = ["ip", "-n", SPACE]
    run(["ip", "netns", "add", SPACE])
    try:
        run(["ip", "link", "add", LINK, "type", "veth", "peer", "name", "eth0", "netns", SPACE])
        run(["ip", "link", "set", LINK, "master", bridge, "up"])
        run([*inside, "addr", "add", f"{address}/{found['IPPrefixLen']}", "dev", "eth0"])
        run([*inside, "link", "set", "eth0", "up"])
        shown = run([*inside, "-o", "link", "show", "eth0"]).stdout.split()
        hardware = shown[shown.index("link/ether") + 1]
        run(["ip", "neigh", "replace", address, "lladdr", hardware, "dev", bridge, "nud", "reachable"])
        wait_for("an address that leads elsewhere", lambda: refused((address, PORTS[service])), 15)
        yield address
    finally:
        run(["ip", "netns", "del", SPACE])


def refused(place: tuple[str, int]) -> bool:
    """Whether nobody takes a connection there."""
    try:
        socket.create_connection(place, timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False

"""A container whose address does not lead to it."""

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import first_process
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import unreached
from ansible_collections.kong_masking.recovery.tests.unit import samples

ON_NETWORK = {"addresses": {"gateway_masking": "127.0.0.1"}}
CLOSED = 1
IN_HOST = {"settings": samples.settings(network_mode="host")}


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.setattr(first_process, "here", lambda container: bool(container.pid))


@pytest.mark.parametrize(
    ("host", "about", "found"),
    [
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("172.18.0.4", {}, True),
        ("127.0.0.1", {}, False),
        ("::1", {}, False),
        ("0.0.0.0", {"pid": 0}, False),
        ("0.0.0.0", {"addresses": {"gateway_masking": ""}}, False),
        ("0.0.0.0", IN_HOST, False),
    ],
    ids=["anywhere", "anywhere-6", "its-address", "for-itself", "for-itself-6", "elsewhere", "no-address", "host"],
)
def test_one_that_listens_for_others_and_refuses_at_its_address(monkeypatch, host, about, found):
    monkeypatch.setattr(unreached.sockets, "inside", lambda _pid: {(host, CLOSED)})
    container = samples.container("nginx", **{"pid": 42, **ON_NETWORK, **about})
    assert unreached.at(container, CLOSED) is found
    assert bool(unreached.evidence(container)) is found


def test_one_that_does_not_listen_there_may_refuse(monkeypatch):
    monkeypatch.setattr(unreached.sockets, "inside", lambda _pid: {("0.0.0.0", 7000)})
    assert not unreached.at(samples.container("nginx", pid=42, **ON_NETWORK), CLOSED)


def test_one_that_hangs_is_reached():
    """Its kernel takes the connection, and nobody ever accepts it."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        container = samples.container("nginx", pid=os.getpid(), **ON_NETWORK)
        assert not unreached.at(container, server.getsockname()[1])
        assert unreached.evidence(container) == ""


def test_one_way_that_leads_to_it_is_enough(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(unreached.sockets, "inside", lambda _pid: {("0.0.0.0", port)})
        both = {"gateway_masking": "127.0.0.2", "gateway_front": "127.0.0.1"}
        assert not unreached.at(samples.container("nginx", pid=42, addresses=both), port)
        assert unreached.at(samples.container("nginx", pid=42, addresses={"gateway_masking": "127.0.0.2"}), port)


def test_the_evidence_names_ports_and_address_and_what_mends_it(monkeypatch):
    monkeypatch.setattr(unreached.sockets, "inside", lambda _pid: {("0.0.0.0", 2), ("0.0.0.0", CLOSED), ("::1", 3)})
    said = unreached.evidence(samples.container("nginx", pid=42, **ON_NETWORK))
    assert said.startswith("it listens on 1, 2, and its address 127.0.0.1 refuses that: ")
    assert said.endswith("force_rollback.yml makes the network anew")

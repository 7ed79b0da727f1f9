"""What speaks against a plan before it is made: a backup that could not be deployed, no room, strangers."""

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan_input import PlanInput
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import COMPOSE, ENV, KONG_FILE


@pytest.fixture
def stack(tmp_path):
    return disk.lay_out(tmp_path)


@pytest.fixture(scope="module")
def places():
    """Where a healthy stack answers."""
    with disk.answering() as found:
        yield found


def look(stack, backup, found=None, engine=None):
    made = engine or samples.SmallEngine(*(found or disk.containers(stack)).values())
    return PlanInput(stack, made, Runner(), disk.SmallCompose(stack), backup)


def guards(live):
    return [(guard.name, guard.reason) for guard in live["guards"]]


BAD_YAML = b"services: [\n"
NO_SERVICE = b'_format_version: "3.0"\n'
KONG_REASON = f"{KONG_FILE} of the backup: holds no service and no route: Kong would answer 404 to everything."


class TestRefusals:
    @pytest.mark.parametrize(
        ("files", "about", "found"),
        [
            ({COMPOSE: BAD_YAML}, {}, "Compose cannot read the backup's definition: yaml: line 1: did not find"),
            ({ENV: b"KONG_MEMORY=lots\n"}, {}, f"{ENV} of the backup: KONG_MEMORY is lots, expected a size"),
            ({KONG_FILE: NO_SERVICE}, {"kong": {"file": KONG_FILE}}, KONG_REASON),
            ({KONG_FILE: NO_SERVICE}, {}, ""),
            ({ENV: b"KONG_LOG_LEVEL=debug\nREDIS_PASSWORD=short\n"}, {}, ""),
            ({".env": b"KONG_MEMORY=lots\n"}, {}, ""),
        ],
        ids=[
            "compose",
            "environment",
            "kongs-file",
            "kong-showed-to-serve-it",
            "no-obstacle",
            "not-the-one-that-is-read",
        ],
    )
    def test_a_backup_that_could_not_be_deployed(self, stack, places, files, about, found):
        made = look(stack, disk.backed_up(stack, files=files, **about), disk.well(stack, places))
        live = made.live(made.target(), "keep", "mappings")
        assert [name for name, _reason in guards(live)] == (["config_invalid"] if found else [])
        assert all(reason.startswith(found) for _name, reason in guards(live))

    def test_a_variable_that_this_environment_requires(self, stack, places):
        strict = disk.lay_out(stack.dir, required_variables=["API_TOKEN"])
        live = look(strict, disk.backed_up(strict), disk.well(strict, places))
        found = live.live(live.target(), "keep", "mappings")
        assert guards(found) == [("config_invalid", f"{ENV} of the backup: API_TOKEN is required and missing.")]
        assert found["warnings"] == [f"the live {ENV}: API_TOKEN is required and missing"]

    @pytest.mark.parametrize(("free", "refused"), [((64 << 20) - 1, True), (64 << 20, False)])
    def test_too_little_room(self, stack, places, monkeypatch, free, refused):
        monkeypatch.setattr(Runner, "free_bytes", lambda *_about: free)
        made = look(stack, disk.backed_up(stack), disk.well(stack, places))
        found = guards(made.live(made.target(), "keep", "mappings"))
        assert found == ([("space_low", f"{stack.dir} has 63 MiB free, expected 64.")] if refused else [])

    def test_what_is_wrong_with_the_live_environment_only_warns(self, stack, places):
        made = look(stack, disk.backed_up(stack), disk.well(stack, places))
        disk.put(stack, ENV, b"KONG_LOG_LEVEL=debug\nREDIS_PASSWORD=short\n")
        live = made.live(made.target(), "keep", "mappings")
        text = "KONG_LOG_LEVEL is debug: debug logs are on in production"
        assert (guards(live), live["warnings"]) == ([], [f"the live {ENV}: {text}"])


class TestStrangers:
    """Who holds what is needed is named; who is a guest is left alone."""

    @staticmethod
    def ask(stack, places, strangers=(), networks=(), ports=(), nginx="running", files=None):
        engine = samples.SmallEngine(*disk.well(stack, places, nginx={"state": nginx}).values())
        engine.strangers, engine.nets = list(strangers), list(networks)
        backup = disk.backed_up(stack, files=files)
        backup["services"]["nginx"]["ports"] = {f"{number}/tcp": list(place) for number, place in enumerate(ports)}
        made = look(stack, backup, engine=engine)
        return made.live(made.target(), "keep", "mappings")

    def test_names_and_ports(self, stack, places):
        rows = [
            {"Names": ["/gateway-kong-1"], "Labels": {}},
            {"Names": ["/web"], "Labels": {}, "Ports": [{"PublicPort": 1}]},
        ]
        assert guards(self.ask(stack, places, rows, ports=[("127.0.0.1", 1)])) == [
            ("name_taken", "The name gateway-kong-1 is held by a container that is not of project gateway."),
            ("port_taken", "Port 1 of nginx is held by container web."),
        ]

    @pytest.mark.parametrize(("state", "taken"), [("exited", True), ("running", False)])
    def test_a_program_of_the_host_on_the_port_of_a_service_that_does_not_run(self, stack, places, state, taken):
        with socket.create_server(("127.0.0.1", 0)) as server:
            found = guards(self.ask(stack, places, ports=[server.getsockname()], nginx=state))
        assert [name for name, _reason in found] == (["port_taken"] if taken else [])
        assert all(f"is held by process {os.getpid()} " in reason for _name, reason in found)

    def test_a_network_of_the_definition(self, stack, places):
        definition = Runner().read(stack.path(COMPOSE)) + b"networks: {default: {name: gateway_default}}\n"
        other = {"Name": "gateway_default", "Labels": {"com.docker.compose.project": "other"}}
        found = guards(self.ask(stack, places, networks=[other], files={COMPOSE: definition}))
        assert found == [("network_taken", "The network gateway_default belongs to project other.")]

    @pytest.mark.parametrize(
        ("networks", "there"),
        [
            (b"networks: {default: {name: gateway_default}}\n", False),
            (b"networks: {default: {name: shared, external: true}}\n", True),
            (b"", True),
        ],
        ids=["made-by-compose", "external", "none"],
    )
    def test_a_network_that_compose_does_not_make_cannot_be_missed(self, stack, places, monkeypatch, networks, there):
        monkeypatch.setattr(samples.SmallEngine, "has_network", lambda _engine: False)
        definition = Runner().read(stack.path(COMPOSE)) + networks
        assert self.ask(stack, places, files={COMPOSE: definition})["network"] is there

    def test_guests_on_a_network_that_is_used_or_ours(self, stack, places):
        ours = {"Name": "gateway_inner", "Labels": {"com.docker.compose.project": "gateway"}}
        theirs = {"Name": "theirs", "Labels": {}}
        rows = [
            {"Names": [f"/on-{name}"], "Labels": {}, "NetworkSettings": {"Networks": {name: {}}}}
            for name in ("gateway_default", "gateway_inner", "theirs")
        ]
        live = self.ask(stack, places, rows, [ours, theirs])
        assert guards(live) == []
        assert live["warnings"] == [
            f"on-{name} is a stranger on the project's network; it is left alone"
            for name in ("gateway_default", "gateway_inner")
        ]

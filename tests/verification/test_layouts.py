"""Stacks that are laid out differently, providers that refuse, and a chain that became slow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from asking import gateway, stack_verify, verify
from lab import Lab
from releases import reload_proxy, up

import tools

KNOWN_LEAK = "masking_kinds"
DELAY = "/tmp/gateway-double-delay"


@contextlib.contextmanager
def laid_out(lab: Lab, changes: dict[str, str], *services: str) -> Iterator[None]:
    """The stack with another Compose file, these services recreated."""
    path = lab.stack.directory / "docker-compose.yml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    with tools.written(path, text.encode()):
        up(lab.stack, *services)
        reload_proxy(lab)
        tools.wait_until(lab.stack.probe, 30)
        yield
    up(lab.stack, *services)
    reload_proxy(lab)
    tools.healthy(lab)


UNPUBLISHED = {
    '    ports:\n      - "127.0.0.1:${KONG_PROXY_PORT}:8000"\n      - "127.0.0.1:${KONG_ADMIN_PORT}:8001"\n': "",
}


def test_an_admin_api_that_listens_inside_only_is_asked_from_inside(lab: Lab) -> None:
    inside = {"KONG_ADMIN_LISTEN: 0.0.0.0:8001": "KONG_ADMIN_LISTEN: 127.0.0.1:8001"}
    with laid_out(lab, inside, "kong"):
        found = verify(lab)
    assert found.passed, str(found)
    assert found.of("kong_configuration_hash")["status"] == "passed", str(found)
    assert found.failed == {KNOWN_LEAK}


def test_without_an_admin_api_nothing_is_made_up_and_masking_is_still_proven(lab: Lab) -> None:
    with laid_out(lab, {"KONG_ADMIN_LISTEN: 0.0.0.0:8001": 'KONG_ADMIN_LISTEN: "off"'}, "kong"):
        found = verify(lab)
    assert found.passed, str(found)
    assert "KONG_ADMIN_LISTEN is off" in found.not_measured["kong_admin"]
    assert "KONG_ADMIN_LISTEN is off" in found.not_measured["kong_configuration_hash"]
    assert found.of("masking")["status"] == "passed"


BY_NAME = {
    "    listen 80 default_server;\n    server_name _;\n": (
        "    listen 80 default_server;\n    return 444;\n}\n"
        "server {\n    listen 80;\n    server_name api.example.com;\n"
    ),
}


def test_routes_and_servers_that_are_chosen_by_a_name_are_asked_for_it(lab: Lab) -> None:
    """By its address, the proxy hangs up and Kong has no route."""
    path = lab.stack.directory / "nginx" / "conf.d" / "default.conf"
    text = path.read_text(encoding="utf-8")
    ((old, new),) = BY_NAME.items()
    assert old in text
    named = {"probe_host": "api.example.com"}
    with tools.written(path, text.replace(old, new).encode()):
        reload_proxy(lab)
        for_its_name = tools.changed(lab, lambda document: document["routes"][0].update(hosts=["api.example.com"]))
        with tools.deployed(lab, for_its_name):
            unnamed, found = verify(lab), verify(lab, stack=named)
    reload_proxy(lab)
    tools.healthy(lab)
    assert unnamed.of("kong_gateway")["found"] == "/v1/messages has a route under a name only: set stack_probe_host"
    assert not unnamed.passed
    assert found.passed, str(found)
    assert {found.of(name)["status"] for name in ("masking", "proxy_chain", "proxy_health")} == {"passed"}, str(found)
    assert found.failed == {KNOWN_LEAK}, str(found)


FRONTS = {
    "asks-for-a-key": ('if ($http_x_gate != "open") { return 401; }', {"X-Gate": "open"}, "reaches Kong"),
    "takes-no-get": ("limit_except POST { deny all; }", {}, "the masking request reaches Kong"),
}


@pytest.mark.parametrize(("line", "headers", "told"), FRONTS.values(), ids=FRONTS)
def test_a_proxy_that_keeps_strangers_out_is_no_fault(lab: Lab, line: str, headers: dict[str, str], told: str) -> None:
    path = lab.stack.directory / "nginx" / "conf.d" / "default.conf"
    text = path.read_text(encoding="utf-8")
    assert text.count("    location / {\n") == 1
    with tools.written(path, text.replace("    location / {\n", f"    location / {{\n        {line}\n").encode()):
        reload_proxy(lab)
        found = verify(lab, headers=headers)
    reload_proxy(lab)
    tools.healthy(lab)
    assert found.passed, str(found)
    assert told in found.of("proxy_chain")["found"], str(found)
    assert {found.of(name)["status"] for name in ("proxy_chain", "masking")} == {"passed"}, str(found)
    assert found.failed == {KNOWN_LEAK}, str(found)


@pytest.mark.slow
def test_ports_that_are_not_published_are_no_fault(lab: Lab) -> None:
    with laid_out(lab, UNPUBLISHED, "kong"):
        found = verify(lab)
    assert found.passed, str(found)
    assert "ports_kong" not in {item["name"] for item in found.checks}
    assert found.failed == {KNOWN_LEAK}


@pytest.mark.parametrize(
    "status", [401, 529, *(pytest.param(other, marks=pytest.mark.slow) for other in (404, 429, 500))]
)
def test_a_provider_that_refuses_is_not_measured_and_fails_nothing(lab: Lab, status: int) -> None:
    found = verify(lab, headers={"X-Echo-Status": str(status)})
    assert found.passed, str(found)
    assert found.not_measured["masking"] == f"upstream: the provider behind Kong answers {status}"
    assert found.failed == {KNOWN_LEAK}, str(found)


def test_a_body_of_the_users_own_is_sent(lab: Lab) -> None:
    body = {"messages": [{"role": "user", "content": "look at {identifiers}"}], "max_tokens": 1, "model": "m"}
    found = verify(lab, template=body)
    assert found.of("masking")["status"] == "passed", str(found)


def test_several_prefixes_are_looked_through(lab: Lab) -> None:
    made = gateway(lab, evidence="redis", stack={"mapping_prefixes": ["another:", "aws_masker:"]})
    result = made.run(0, stack_verify(lab))
    assert result["passed"], result["text"]


def test_without_a_proxy_kongs_own_port_is_asked_and_no_proxy(lab: Lab) -> None:
    usual, found = verify(lab), verify(lab, stack={"proxy_service": ""})
    assert found.passed, str(found)
    assert {found.of(name)["status"] for name in ("masking", "proxy_chain", "kong_gateway")} == {"passed"}, str(found)
    gone = {item["name"] for item in usual.checks} - {item["name"] for item in found.checks}
    assert gone == {"link_nginx_kong", "proxy_configuration", "proxy_health"}
    assert found.failed == {KNOWN_LEAK}, str(found)


def test_a_redis_elsewhere_is_asked_by_its_address_alone(lab: Lab) -> None:
    (about,) = lab.stack.containers()["redis"]["NetworkSettings"]["Networks"].values()
    elsewhere = {"redis_host": about["IPAddress"], "redis_service": "nobody"}
    found = verify(lab, stack=elsewhere)
    assert found.passed, str(found)
    assert found.failed == {KNOWN_LEAK}, str(found)
    assert not {item["name"] for item in found.checks} & {"container_nobody", "link_kong_nobody", "link_kong_redis"}
    assert {found.of(name)["status"] for name in ("redis", "redis_mappings", "masking")} == {"passed"}, str(found)


def test_a_plugin_on_a_route_and_a_service_without_names_is_where_the_file_says(lab: Lab) -> None:
    def nameless(document: tools.Document) -> None:
        masker = next(item for item in document["plugins"] if item["name"] == "aws-masker")
        document["plugins"].remove(masker)
        (service,), (route,) = document["services"], document.pop("routes")
        del service["name"], route["name"], route["service"], masker["route"]
        for item in document["plugins"]:
            item.pop("route", None)
        service["routes"] = [{**route, "plugins": [masker]}]

    with tools.deployed(lab, tools.changed(lab, nameless)):
        found = verify(lab, patience=10)
    assert found.of("masking_plugin")["status"] == "passed", str(found)
    assert found.passed, str(found)


def test_another_plugin_name_than_the_stacks_is_not_found(lab: Lab) -> None:
    result = gateway(lab, stack={"masking_plugin": "other-masker"}).run(0)
    assert [row["name"] for row in result["checks"] if row["status"] == "failed"] == ["masking_plugin"]


def test_twice_as_slow_as_the_baseline_is_named(lab: Lab) -> None:
    def delay(seconds: str) -> None:
        tools.execute(lab, "kong", "sh", "-c", f"echo {seconds} > {DELAY}")

    # What the tests before this one left as the normal speed is none for a provider that takes longer.
    (lab.stack.directory / ".recovery" / "baseline.json").unlink(missing_ok=True)
    delay("0.06")
    before = verify(lab, store=True)
    delay("0.12")
    found = verify(lab)
    delay("0")
    healed = verify(lab, store=True)

    print(f"\n{before.of('performance')['found']}\n{found.of('performance')['found']}")
    assert "performance" not in before.failed
    assert found.failed == {KNOWN_LEAK, "performance"}, str(found)
    assert found.passed, "slowness is no reason to undo anything"
    assert healed.of("performance")["status"] == "passed"


def test_code_that_is_not_the_backups_is_named(lab: Lab) -> None:
    def backup(sha256: str, image: str) -> dict[str, object]:
        file = {"target": "kong/plugins/aws-masker/handler.lua", "sha256": sha256}
        return {"files": [file], "services": {"kong": {"image_id": image}}}

    container = lab.stack.containers()["kong"]
    good = tools.sha256(lab.stack.directory / "kong" / "plugins" / "aws-masker" / "handler.lua")
    assert verify(lab, backup(good, container["Image"])).failed == {KNOWN_LEAK}
    assert verify(lab, backup("0" * 64, container["Image"])).critical == {"plugin_code"}
    assert verify(lab, backup(good, "sha256:older")).critical == {"plugin_code"}


@pytest.mark.slow
def test_a_gateway_whose_redis_came_late_is_waited_for(lab: Lab) -> None:
    """Kong answers 500 to everything for a while after a Redis that came after it."""
    lab.stack.compose("stop", "-t", "1", "kong", "redis")
    lab.stack.compose("start", "kong")
    tools.wait_until(lab.stack.kong_configured, 30)
    lab.stack.compose("start", "redis")
    made = gateway(lab)
    result = made.run(60)
    assert result["passed"], result["text"]

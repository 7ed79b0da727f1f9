"""Whom a failed check points at, and which command comes next."""

from __future__ import annotations

import shlex

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_answers import CUT, OWN_ERROR
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.guilt import (
    evidence_lines,
    failed,
    guilty,
    next_step,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples

LOGS = "docker logs --tail 50 C"
DATA = "ansible-playbook playbooks/recover_data.yml -e env=production -e deployment=ID"
PLAN = "ansible-playbook playbooks/rollback.yml -e env=production -e services=kong --check --diff"
RELOAD = "docker exec C nginx -s reload"
CASES = {
    "container_redis": ("redis", LOGS),
    "container_nginx": ("nginx", LOGS),
    "ports_client": ("client", LOGS),
    "ports_my_own_service": ("my_own_service", LOGS),
    "redis": ("redis", LOGS),
    "redis_memory": ("redis", LOGS),
    "redis_mappings": ("redis", DATA),
    "redis_counters": ("redis", DATA),
    "link_kong_redis": ("kong", LOGS),
    "link_nginx_kong": ("nginx", RELOAD),
    "proxy_chain": ("nginx", RELOAD),
    "proxy_configuration": ("nginx", "docker exec C nginx -t"),
    "kong_configuration_hash": ("kong", PLAN),
    "kong_file": ("kong", PLAN),
    "kong_services": ("kong", PLAN),
    "kong_routes": ("kong", PLAN),
    "masking_plugin": ("kong", PLAN),
    "kong_admin": ("kong", LOGS),
    "masking": ("kong", LOGS),
}


@pytest.mark.parametrize(("check", "service", "command"), [(name, *about) for name, about in CASES.items()], ids=CASES)
def test_whom_a_check_points_at_and_what_comes_next(check, service, command):
    stack = samples.stack()
    assert guilty(check, stack) == service
    assert next_step(check, stack, "C") == command


def test_the_services_names_are_those_of_the_settings():
    stack = samples.stack(redis_service="cache", kong_service="gateway", proxy_service="front")
    asked = ("redis_role", "masking", "proxy_chain", "link_front_gateway", "link_nginx_kong")
    assert [guilty(check, stack) for check in asked] == ["cache", "gateway", "front", "front", "gateway"]
    assert next_step("link_front_gateway", stack, "C") == RELOAD
    assert next_step("kong_routes", stack, "C") == PLAN.replace("services=kong", "services=gateway")


GREW = "set proxy_http_version 1.1 where nginx passes requests to Kong, then: docker exec C nginx -s reload"
ELSEWHERE = {"redis_host": "cache.example", "redis_port": 6380}
PING = "redis-cli -h cache.example -p 6380"


@pytest.mark.parametrize(
    ("check", "found", "settings", "service", "command"),
    [
        ("masking", f"ec2: {CUT} (148 bytes)", {}, "nginx", GREW),
        ("masking", f"ec2: {CUT} (148 bytes)", {"proxy_service": ""}, "kong", LOGS),
        ("masking", "ec2: the upstream saw the identifier in clear", {}, "kong", LOGS),
        ("proxy_chain", f"{OWN_ERROR}: it broke", {}, "kong", LOGS),
        ("proxy_chain", "status 502, and not from Kong", {}, "nginx", RELOAD),
        ("proxy_chain", "status 404, and not from Kong", {"proxy_service": ""}, "kong", LOGS),
        ("redis", "PING gives TimeoutError", ELSEWHERE, "cache.example", f"{PING} ping"),
        ("redis_role", "role replica", {**ELSEWHERE, "redis_tls": True, "redis_user": "recovery"}, "cache.example",
         f"{PING} --user recovery --askpass --tls ping"),
        ("redis_counters", "cnt:ec2 is 6", ELSEWHERE, "cache.example", DATA),
        ("container_redis", "no container", ELSEWHERE, "redis", LOGS),
    ],
    ids=["cut-by-the-proxy", "cut-without-a-proxy", "a-leak", "kong-broke-behind-the-proxy", "the-proxy-broke",
         "no-proxy", "redis-elsewhere", "redis-elsewhere-by-tls", "mappings-elsewhere", "a-container-of-that-name"],
)  # fmt: skip
def test_what_was_found_tells_whom_a_check_points_at(check, found, settings, service, command):
    stack = samples.stack(**settings)
    assert guilty(check, stack, found) == service
    assert next_step(check, stack, "C", found) == command


@pytest.mark.parametrize("check", CASES)
def test_without_a_container_no_command_needs_one(check):
    command = next_step(check, samples.stack(), "")
    look = "docker ps -a --filter label=com.docker.compose.project=gateway"
    assert command == (CASES[check][1] if CASES[check][1] in (DATA, PLAN) else look)
    assert "" not in shlex.split(command)


def test_what_points_at_nobody_is_left_out():
    rows = [
        {"name": f"{level}-{status}", "status": status, "level": level}
        for level in ("critical", "advisory")
        for status in ("passed", "failed", "not_measured")
    ]
    assert failed(rows) == ["critical-failed"]
    assert failed([]) == []


def test_evidence_is_told_service_by_service_with_the_next_step_after_each():
    found = [
        {"service": "redis", "lines": ["exited", "no space"], "checks": ["container_redis", "redis"], "hint": LOGS},
        {"service": "kong", "lines": [], "checks": ["masking"], "hint": PLAN},
    ]
    assert evidence_lines(found) == [
        "EVIDENCE redis: exited",
        "EVIDENCE redis: no space",
        f"NEXT for container_redis, redis: {LOGS}",
        f"NEXT for masking: {PLAN}",
    ]

"""A whole verification against servers on loopback: its verdict, its evidence, its baseline, its record."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import performance
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.chain_checks import ProbeSettings
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.kong_verification import (
    KongVerification,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, recorded, serving

BY_KONG = [("X-Kong-Upstream-Latency", "3")]
GOOD = {"name": "redis", "status": "passed", "level": "critical", "expected": "PONG", "found": "PONG", "ms": 1}
BAD = {**GOOD, "status": "failed", "found": "nothing"}
NONE = Answer(200, b'{"data": []}')
PASSED = {
    "kong_workers", "kong_admin", "kong_version", "kong_db_less", "kong_file", "kong_configuration_hash",
    "kong_services", "kong_routes", "masking_plugin", "plugin_code", "kong_upstreams", "upstream_reachable",
    "kong_gateway", "proxy_health", "proxy_chain",
}  # fmt: skip
OPEN = {"kong_no_route", "masking", "performance"}


class Busy(samples.SmallEngine):
    """An engine whose containers have a master and a worker each."""

    def processes(self, _container):
        return [(10, 1, "S", "nginx"), (11, 10, "S", "nginx")]


@pytest.fixture
def stack(tmp_path):
    made = disk.lay_out(tmp_path)
    disk.put(made, disk.KONG_FILE, disk.MASKING)
    return made


@pytest.fixture
def answers():
    """What a good Kong and a good proxy in front answer; a test may change it."""
    return {
        **disk.admin_answers(),
        ("GET", "/v1/messages"): Answer(200, b"{}", BY_KONG),
        ("GET", "/health"): Answer(200, b'{"status": "healthy"}'),
    }


@pytest.fixture
def verification(stack, answers):
    """A verification of the stack that answers so; nothing is sent that would leave a trace."""
    clock = samples.FakeClock()
    with serving(answers) as server:
        kong = {"ports": {"8000/tcp": server.place, "8001/tcp": server.place}}
        env = {**disk.LISTEN, "KONG_DECLARATIVE_CONFIG": "/etc/kong/kong.yml"}
        found = disk.containers(stack, kong={**kong, "env": env}, nginx={"ports": {"80/tcp": server.place}})
        runner = Runner(clock=clock, sleep=clock.sleep)

        def make(samples_taken=0):
            probe = ProbeSettings(evidence="off", samples=samples_taken)
            return KongVerification(stack, Busy(*found.values()), runner, probe)

        make.clock = clock
        yield make


def named(result, status):
    return {item["name"] for item in result["checks"] if item["status"] == status}


def test_a_good_gateway_passes_and_needs_no_evidence(verification):
    result = verification().run(30)
    assert (named(result, "passed"), named(result, "not_measured"), named(result, "failed")) == (PASSED, OPEN, set())
    assert (result["passed"], result["diagnosis"]) == (True, [])
    assert len(result["text"]) == len(result["checks"])
    assert verification.clock.now == 1000.0


def test_what_fails_is_waited_for_told_once_and_shown_with_evidence(verification, answers):
    answers["GET", "/plugins"] = NONE
    made = verification()
    result = made.run(10)
    assert (named(result, "failed"), result["passed"]) == ({"masking_plugin"}, False)
    assert 1000.0 < verification.clock.now <= 1010.0
    (evidence,) = result["diagnosis"]
    command = "ansible-playbook playbooks/rollback.yml -e env=production -e services=kong --check --diff"
    assert (evidence["service"], evidence["checks"], evidence["hint"]) == ("kong", ["masking_plugin"], command)
    assert result["text"][-1] == f"NEXT for masking_plugin: {command}"
    told = made.rejection(result).as_result()
    assert told["msg"].startswith("The gateway does not pass: masking_plugin: expected aws-masker enabled where ")
    assert {name: told[name] for name in ("hint", *result)} == {"hint": command, **result}


def test_a_gateway_that_comes_meanwhile_passes(verification, answers):
    left = [NONE, NONE]
    good = answers["GET", "/plugins"]
    answers["GET", "/plugins"] = lambda *_about: left.pop() if left else good
    assert verification().run(10)["passed"]
    assert 1000.0 < verification.clock.now < 1010.0


def test_a_file_that_waiting_does_not_mend_is_said_at_once(verification, stack):
    disk.put(stack, disk.KONG_FILE, b"services: []\n")
    result = verification().run(60)
    assert "kong_file" in named(result, "failed")
    assert verification.clock.now == 1000.0


NO_ROUTE = recorded("3.9.1", "080-proxy-no-route")
BY_NAME = Answer(200, b'{"data": [{"id": "r", "name": "all", "paths": ["/"], "hosts": ["api.example.com"]}]}')


def gateway_check(result):
    (found,) = [item for item in result["checks"] if item["name"] == "kong_gateway"]
    return found["status"], found["found"]


def test_routes_that_want_a_name_say_which_setting_gives_it(verification, answers):
    """Asked by its address, such a Kong has no route for anything."""
    answers["GET", "/v1/messages"] = NO_ROUTE
    answers["GET", "/routes"] = BY_NAME
    expected = ("failed", "/v1/messages has a route under a name only: set stack_probe_host")
    assert gateway_check(verification().run(0)) == expected


class TestTheRestOfTheStack:
    def test_its_failure_is_this_ones_too_and_causes_nothing_else(self, verification, answers):
        answers["GET", "/v1/messages"] = None
        made = verification()
        result = made.run(0, [BAD])
        assert result["passed"] is False
        assert named(result, "failed") == set()
        found = {item["name"]: item["found"] for item in result["checks"]}
        assert found["kong_gateway"] == found["proxy_chain"] == "because redis fails"
        told = made.rejection(result).as_result()
        assert told["msg"].startswith("The gateway does not pass: a check of the rest of the stack failed.")
        assert told["hint"] == "Look at the checks of stack_verify."

    def test_its_good_and_advisory_checks_change_nothing(self, verification):
        assert verification().run(0, [GOOD, {**BAD, "level": "advisory"}])["passed"] is True

    @pytest.mark.parametrize(
        ("name", "asked"),
        [("container_client", True), ("ports_debug_tool", True), ("container_redis", False), ("redis_answers", False)],
    )
    def test_a_container_that_no_request_passes_keeps_nobody_from_asking(self, verification, name, asked):
        alone, beside = (verification().run(0, [found]) for found in (GOOD, {**BAD, "name": name}))
        told = [item["found"] for run in (alone, beside) for item in run["checks"] if item["name"] == "masking"]
        assert (beside["passed"], told[0] == told[1]) == (False, asked)


class TestBaseline:
    def test_of_a_gateway_that_passed_it_keeps_speed_and_code(self, verification, stack):
        made = verification(10)
        assert made.store_baseline(made.run(0)) is True
        kept = performance.read_baseline(stack, Runner())
        assert kept["kong"] == {"image_id": "sha256:kong"}
        assert kept["performance"] == made.chain.figures.as_dict()

    @pytest.mark.parametrize(("taken", "passes"), [(0, True), (10, False)], ids=["not-measured", "not-passed"])
    def test_nothing_else_becomes_one(self, verification, answers, stack, taken, passes):
        if not passes:
            answers["GET", "/plugins"] = NONE
        made = verification(taken)
        result = made.run(0)
        assert result["passed"] is passes
        assert made.store_baseline(result) is False
        assert performance.read_baseline(stack, Runner()) == {}


class TestRecord:
    def test_all_checks_are_written_beside_the_stack(self, verification, stack):
        verification().record("out/verification.json", [GOOD, BAD], False)
        path = stack.path("out/verification.json")
        with open(path, encoding="utf-8") as handle:
            found = json.load(handle)
        assert found.pop("time").endswith("Z")
        about = {"project": "gateway", "environment": "production", "passed": False, "checks": [GOOD, BAD]}
        assert found == about
        assert os.stat(path).st_mode & 0o777 == 0o600

    def test_a_place_that_cannot_be_written_is_no_failure(self, verification, stack):
        disk.put(stack, "file", b"")
        verification().record("file/verification.json", [GOOD], True)
        assert os.path.getsize(stack.path("file")) == 0


def test_what_the_backup_says_is_asked_too(verification):
    backup = {"services": {"kong": {"image_id": "sha256:older"}}}
    assert named(verification().run(0, backup=backup), "failed") == {"plugin_code"}

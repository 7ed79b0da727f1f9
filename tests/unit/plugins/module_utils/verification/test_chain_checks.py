"""The requests' checks: who answered, and whose failure it is when nobody does."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import Check, answer, because
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_look import KongLook
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.chain_checks import (
    ChainChecks,
    ProbeSettings,
    shows_kong,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving


@pytest.fixture
def questions(tmp_path):
    """The questions, none of which is asked."""
    look = KongLook(samples.stack(tmp_path), None, Runner())
    return ChainChecks(look, ProbeSettings()).questions()


@pytest.mark.parametrize("guilty", ["container_redis", "redis", "link_kong_redis", "container_kong", "kong_workers"])
def test_a_request_without_an_answer_is_the_failure_of_who_lets_it_wait(questions, guilty):
    """Where a container fails, nobody asks what runs in it: the checks that need the answer need the container too."""
    asked = [one for one in questions if one.name in ("kong_gateway", "proxy_chain")]
    silent = [Check(one.name, "failed", one.expected, "no answer") for one in asked]
    assert {one.name: one.found for one in because(asked, silent, [guilty])} == {
        "kong_gateway": f"because {guilty} fails",
        "proxy_chain": f"because {guilty} fails",
    }


@pytest.mark.parametrize(
    ("headers", "text", "by_kong"),
    [
        ({"X-Kong-Request-Id": "1"}, "", True),
        ({"Via": "1.1 kong/3.9.1"}, "", True),
        ({"Via": "kong/3.4.2"}, "", True),
        ({"Server": "kong/3.9.1"}, "", True),
        ({"Server": "nginx"}, '{"message":"no Route matched with those values"}', True),
        ({"Server": "nginx"}, "<html>502 Bad Gateway</html>", False),
        ({"Server": "SimpleHTTP"}, "hello", False),
    ],
)
def test_who_answered(headers, text, by_kong):
    assert shows_kong(headers, text) is by_kong


def asked(tmp_path, name, answers, tls=False, inside=80, **kong):
    """Ask one question of a proxy that gives these answers; return its status and what was found."""
    with serving(answers, tls=tls) as server:
        ports = {f"{inside}/tcp": server.place}
        found = (samples.container("nginx", ports=ports), samples.container("kong", **kong))
        look = KongLook(samples.stack(tmp_path), samples.SmallEngine(*found), Runner())
        look.refresh()
        chain = ChainChecks(look, ProbeSettings(evidence="echo", echo_url=server.url))
        one = next(item for item in [*chain.questions(), *chain.later(broken=False)[0]] if item.name == name)
        check = answer(one)
    return check.status, check.found


AWAY = Answer(301, headers=[("Location", "https://gateway.example/secret?token=s3cret")])
SAID = "the proxy answers 301 and sends its clients to https://gateway.example"


@pytest.mark.parametrize("name", ["proxy_health", "proxy_chain"])
def test_a_proxy_that_sends_its_clients_elsewhere_is_not_measured(tmp_path, name):
    status, found = asked(tmp_path, name, {("GET", "/health"): AWAY, ("GET", "/v1/messages"): AWAY})
    assert (status, found.split(";")[0]) == ("not_measured", SAID)
    assert "secret" not in found


def test_a_masking_request_that_is_sent_elsewhere_shows_nothing(tmp_path):
    status, found = asked(tmp_path, "masking", {("POST", "/v1/messages"): AWAY, ("GET", "/__seen"): Answer(200)})
    assert (status, found) == ("not_measured", "the request is redirected to https://gateway.example")


def test_a_redirect_to_another_path_of_the_proxy_is_followed(tmp_path):
    healthy = Answer(200, b'{"status": "healthy"}')
    answers = {("GET", "/health"): Answer(301, headers=[("Location", "/health/")]), ("GET", "/health/"): healthy}
    assert asked(tmp_path, "proxy_health", answers) == ("passed", "status healthy")


def test_a_redirect_of_kongs_own_reaches_kong(tmp_path):
    own = Answer(301, headers=[*AWAY.headers, ("Server", "kong/3.9.1")])
    assert asked(tmp_path, "proxy_chain", {("GET", "/v1/messages"): own}) == ("passed", "reaches Kong (status 301)")


@pytest.mark.parametrize("port", [443, 8443])
def test_a_proxy_that_takes_tls_alone_is_asked_so(tmp_path, port):
    answers = {("GET", "/health"): Answer(200, b'{"status": "healthy"}')}
    assert asked(tmp_path, "proxy_health", answers, tls=True, inside=port) == ("passed", "status healthy")


def test_a_kong_without_a_port_is_not_measured(tmp_path):
    env = {"KONG_PROXY_LISTEN": "unix:/run/kong.sock"}
    assert asked(tmp_path, "kong_gateway", {}, env=env) == ("not_measured", "KONG_PROXY_LISTEN names no port")

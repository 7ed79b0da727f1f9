"""The requests' checks: who answered, and whose failure it is when nobody does."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import Check, answer, because
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_answers import OWN_ERROR
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_look import KongLook
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import chain_checks
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.chain_checks import (
    ChainChecks,
    ProbeSettings,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.masking import LIMITED, Verdict
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import UNSENT, Answer, masking_chain, serving, waits

BY_KONG = [("X-Kong-Upstream-Latency", "3")]


@pytest.fixture
def questions(tmp_path):
    """The questions, none of which is asked."""
    look = KongLook(samples.stack(tmp_path), None, Runner())
    return ChainChecks(look, ProbeSettings()).questions()


def made(tmp_path, **settings):
    """The names of a stack's questions, and what each of them needs."""
    look = KongLook(samples.stack(tmp_path, **settings), None, Runner())
    chain = ChainChecks(look, ProbeSettings())
    rows = [*chain.questions(), *(row for group in chain.later(broken=False) for row in group)]
    return {row.name: set(row.needs) for row in rows}


@pytest.mark.parametrize(
    ("settings", "absent", "unneeded"),
    [
        ({}, set(), set()),
        ({"redis_host": "cache.example"}, set(), {"container_redis", "link_kong_redis"}),
        ({"proxy_service": ""}, {"proxy_health"}, {"container_", "link__kong", "proxy_health"}),
    ],
    ids=["whole", "redis-elsewhere", "no-proxy"],
)
def test_no_request_hangs_on_what_the_stack_does_not_have(tmp_path, settings, absent, unneeded):
    usual, found = made(tmp_path), made(tmp_path, **settings)
    assert set(usual) - set(found) == absent
    needed = set().union(*found.values())
    assert not needed & unneeded
    assert all("redis" in found[name] for name in ("kong_gateway", "proxy_chain", "masking"))
    front = {"container_nginx", "link_nginx_kong"} if not settings.get("proxy_service", "nginx") else set()
    assert needed == set().union(*usual.values()) - unneeded - front


@pytest.mark.parametrize("name", ["kong_gateway", "proxy_chain", "masking"])
def test_without_a_proxy_kongs_own_port_is_asked(tmp_path, name):
    answers = {("GET", "/v1/messages"): Answer(401, headers=BY_KONG), ("POST", "/v1/messages"): Answer(401)}
    found = asked(tmp_path, name, answers, inside=81, settings={"proxy_service": "", "proxy_port": 81})
    assert found[1] in ("status 401", "reaches Kong (status 401)", "ec2: status 401 at the masking request"), found


@pytest.mark.parametrize("name", ["kong_gateway", "proxy_chain"])
@pytest.mark.parametrize(
    ("recording", "good"),
    [("E4c-cold-get", False), ("F2-wrong-password-nopattern", False), ("G4-cold", False), ("D2-get", True)],
)
def test_a_kong_that_breaks_at_everything_takes_no_path_to_a_service(tmp_path, name, recording, good):
    kept = masking_chain(recording)
    kept.headers = [pair for pair in kept.headers if pair[0].lower() not in UNSENT]
    status, found = asked(tmp_path, name, {("GET", "/v1/messages"): kept})
    assert (status, OWN_ERROR in found) == (("passed", False) if good else ("failed", True))


@pytest.mark.parametrize("name", ["kong_gateway", "proxy_chain"])
def test_a_provider_that_breaks_is_not_kong(tmp_path, name):
    broken = Answer(500, b'{"message": "An unexpected error occurred"}', BY_KONG)
    assert asked(tmp_path, name, {("GET", "/v1/messages"): broken})[0] == "passed"


class Everywhere(dict):
    """Answers, and one for every other path."""

    def __init__(self, answers, other):
        super().__init__(answers)
        self.other = other

    def get(self, key):
        return super().get(key, self.other)


@pytest.mark.parametrize("name", ["kong_gateway", "proxy_chain"])
@pytest.mark.parametrize("alive", [True, False], ids=["waits-for-its-provider", "answers-nobody"])
def test_a_kong_that_waits_for_its_provider_alone_is_not_measured(tmp_path, monkeypatch, name, alive):
    monkeypatch.setattr(chain_checks, "ANSWER_SECONDS", 0.3)
    no_route = Answer(404, b'{"message":"no Route matched with those values"}')
    answers = Everywhere({("GET", "/v1/messages"): waits}, no_route if alive else waits)
    status, found = asked(tmp_path, name, answers)
    assert (status, "waits for its provider" in found) == (("not_measured", True) if alive else ("failed", False))


def test_a_silent_provider_is_not_asked_for_its_speed(tmp_path):
    chain = ChainChecks(KongLook(samples.stack(tmp_path), None, Runner()), ProbeSettings())
    chain.silent = True
    (speed,) = (one for group in chain.later(broken=False) for one in group if one.name == "performance")
    assert answer(speed).found == "the provider does not answer"
    chain.questions()
    assert chain.silent is False, "it is asked anew"


@pytest.mark.parametrize(
    ("verdict", "asked"),
    [
        (Verdict({"ec2": (True, "masked")}), True),
        (Verdict({"ec2": (False, "no mapping")}), False),
        (Verdict(trouble=LIMITED), False),
        (Verdict(trouble="upstream: the provider behind Kong answers 529"), True),
    ],
    ids=["masked", "leaks", "limited", "provider"],
)
def test_speed_is_not_measured_where_that_adds_to_a_failure(tmp_path, monkeypatch, verdict, asked):
    chain = ChainChecks(KongLook(samples.stack(tmp_path), None, Runner()), ProbeSettings())
    monkeypatch.setattr(chain, "_mask", lambda _kinds: verdict)
    monkeypatch.setattr(chain, "_performance", lambda: (True, "fast"))
    rows = {one.name: answer(one) for group in chain.later(broken=False) for one in group}
    assert (rows["performance"].found == "fast") is asked


@pytest.mark.parametrize("guilty", ["container_redis", "redis", "link_kong_redis", "container_kong", "kong_workers"])
def test_a_request_without_an_answer_is_the_failure_of_who_lets_it_wait(questions, guilty):
    """Where a container fails, nobody asks what runs in it: the checks that need the answer need the container too."""
    asked = [one for one in questions if one.name in ("kong_gateway", "proxy_chain")]
    silent = [Check(one.name, "failed", one.expected, "no answer") for one in asked]
    assert {one.name: one.found for one in because(asked, silent, [guilty])} == {
        "kong_gateway": f"because {guilty} fails",
        "proxy_chain": f"because {guilty} fails",
    }


def asked(tmp_path, name, answers, tls=False, **about):
    """Ask one question of a proxy that gives these answers, as Kong does; return its status and what was found."""
    with serving(answers, tls=tls) as server:
        return asked_of(tmp_path, name, server, **about)


def asked_of(tmp_path, name, server, inside=80, settings=None, evidence="echo", headers=None, **kong):
    """The same of a server; evidence and headers as for ProbeSettings, kong: what its container has."""
    ports = {f"{inside}/tcp": server.place}
    kong = {"ports": {"8000/tcp": server.place}, **kong}
    found = (samples.container("nginx", ports=ports), samples.container("kong", **kong))
    look = KongLook(samples.stack(tmp_path, **(settings or {})), samples.SmallEngine(*found), Runner())
    look.refresh()
    chain = ChainChecks(look, ProbeSettings(evidence=evidence, echo_url=server.url, headers=headers))
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


@pytest.mark.parametrize("refusal", [401, 403, 405])
@pytest.mark.parametrize("evidence", ["echo", "off"])
def test_a_proxy_that_takes_no_get_from_strangers_is_judged_by_the_masking_request(tmp_path, refusal, evidence):
    answers = {("GET", "/v1/messages"): Answer(refusal, b"<html>", [("Content-Type", "text/html")])}
    status, found = asked(tmp_path, "proxy_chain", answers, evidence=evidence)
    assert str(refusal) in found
    # Where no masking request is made either, nothing would tell.
    assert status == ("not_measured" if evidence == "echo" else "failed")


@pytest.mark.parametrize("name", ["kong_gateway", "proxy_chain"])
def test_the_probes_headers_go_with_every_request_of_its_path(tmp_path, name):
    with serving({("GET", "/v1/messages"): Answer(405, headers=BY_KONG)}) as server:
        status, _found = asked_of(tmp_path, name, server, headers={"Authorization": "Basic bm90LWEtc2VjcmV0"})
    assert status == "passed"
    assert {sent["Authorization"] for _method, _path, sent, _body in server.requests} == {"Basic bm90LWEtc2VjcmV0"}

"""Who gave an answer: Kong itself, what stands in front of it, or the provider behind it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_answers import (
    is_no_route,
    is_own_error,
    shows_kong,
)
from ansible_collections.kong_masking.recovery.tests.unit.replay import STACK_FIXTURES, masking_chain, recorded

BROKE = '{"message": "An unexpected error occurred"}'
RECORDED = sorted(path.stem for path in (STACK_FIXTURES / "e2e-masking" / "3.9.1").glob("*.http"))
# Redis away, or with another password than Kong was given, before Kong had one connection to it.
COLD = ("E4", "E5", "F1", "F2", "G4", "G5-cold-redis-up-10", "G5-cold-redis-up-20", "G5-cold-redis-up-2")


def answer(status, text="", **headers):
    """An answer as a library gives it."""
    return SimpleNamespace(status_code=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})


def replayed(kept):
    return SimpleNamespace(status_code=kept.status, text=kept.body.decode(), headers=dict(kept.headers))


@pytest.mark.parametrize(
    ("headers", "text", "by_kong"),
    [
        ({"X-Kong-Request-Id": "1"}, "", True),
        ({"Via": "1.1 kong/3.9.1"}, "", True),
        ({"Via": "kong/3.4.2"}, "", True),
        ({"Server": "kong/3.9.1"}, "", True),
        ({"Server": "nginx"}, '{"message":"no Route matched with those values"}', True),
        ({"Server": "nginx"}, '{"message":"name resolution failed"}', True),
        ({"Server": "nginx"}, "<html>502 Bad Gateway</html>", False),
        ({"Server": "SimpleHTTP"}, "hello", False),
    ],
)
def test_who_answered(headers, text, by_kong):
    assert shows_kong(headers, text) is by_kong


@pytest.mark.parametrize(
    ("given", "own"),
    [
        (answer(500, BROKE, X_Kong_Response_Latency="1"), True),
        (answer(500, "", x_kong_response_latency="1"), True),
        (answer(500, BROKE), True),
        (answer(500, BROKE, X_Kong_Upstream_Latency="3", X_Kong_Proxy_Latency="1"), False),
        (answer(500, BROKE, Via="1.1 kong/3.9.1"), False),
        (answer(500, "<html>500</html>", Server="nginx"), False),
        (answer(503, BROKE, X_Kong_Response_Latency="1"), False),
        (answer(200, BROKE, X_Kong_Response_Latency="1"), False),
    ],
    ids=["kongs", "a-plugins-words", "headers-off", "the-providers", "passed-on", "the-proxys", "no-500", "good"],
)
def test_a_500_of_kongs_own_making(given, own):
    assert is_own_error(given) is own


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_answer_of_the_masking_chain(name):
    kept = replayed(masking_chain(name))
    assert is_own_error(kept) is name.startswith(COLD) is (kept.status_code == 500)
    assert is_no_route(kept) is name.startswith(("D4", "D5", "D7"))
    assert shows_kong(kept.headers, kept.text)


@pytest.mark.parametrize("name", ["084-proxy-upstream-refused", "085-proxy-upstream-unresolvable", "082-proxy-ok"])
def test_what_kong_says_for_a_provider_that_it_cannot_reach_is_no_error_of_its_own(name):
    assert is_own_error(replayed(recorded("3.9.1", name))) is False

"""The requests' checks: who answered, and whose failure it is when nobody does."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import Check, because
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_look import KongLook
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.chain_checks import (
    ChainChecks,
    ProbeSettings,
    shows_kong,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples


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

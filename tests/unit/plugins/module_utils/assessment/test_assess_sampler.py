"""Where the sampler sends its requests, and whose log it reads."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment.assess_sampler import Sampler
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving

NO_PROXY = {"proxy_service": ""}


def sampler(tmp_path, **settings):
    return Sampler(samples.stack(tmp_path, **settings), samples.SmallEngine(), Runner())


@pytest.mark.parametrize(
    ("settings", "services", "status"),
    [
        ({}, ["kong", "nginx"], 201),
        ({}, ["kong"], 0),
        (NO_PROXY, ["kong", "nginx"], 202),
        (NO_PROXY, ["kong"], 202),
        (NO_PROXY, [], 0),
    ],
    ids=["proxy", "proxy-gone", "an-nginx-that-is-no-proxy", "no-proxy", "kong-gone"],
)
def test_requests_go_where_clients_send_theirs(tmp_path, settings, services, status):
    asked = ("GET", "/v1/messages")
    with serving({asked: Answer(201)}) as nginx, serving({asked: Answer(202)}) as kong:
        ports = {"kong": {"8000/tcp": kong.place}, "nginx": {"80/tcp": nginx.place}}
        containers = {name: samples.container(name, ports=ports[name]) for name in services}
        assert sampler(tmp_path, **settings)._ask(containers)["status"] == status


@pytest.mark.parametrize(
    ("settings", "problem"),
    [({}, "nginx has no container."), (NO_PROXY, "the stack has no proxy whose log tells of requests.")],
    ids=["proxy-gone", "no-proxy"],
)
def test_a_log_that_nobody_keeps_is_said(tmp_path, settings, problem):
    found = sampler(tmp_path, **settings)._access({"kong": samples.container("kong")}, 0.0)
    assert found["problem"].rstrip(".") == problem.rstrip(".")

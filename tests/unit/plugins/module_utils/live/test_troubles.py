"""Which services need a new start: asked of the service itself, never of whether its process exists."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import NAMELESS, UNREACHED
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import readiness, unreached
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.troubles import troubles
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving, waits
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import LOADING, PONG, WRONG, place, serving_redis
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import LISTEN, kong_answers

SILENT = "runs but does not answer"
NO_PING = "runs but does not answer PING with its password"
FROZEN = "runs, but all its processes are stopped"
AUTH = b"-NOAUTH Authentication required.\r\n"
MISCONF = b"-MISCONF Redis is configured to save RDB snapshots, but it is unable to persist to disk.\r\n"


@pytest.mark.parametrize(
    ("answers", "env", "why"),
    [
        ({"PING": PONG}, {}, ""),
        ({"PING": LOADING}, {}, ""),
        ({"AUTH of-the-file": b"+OK\r\n", "PING": PONG}, {"REDIS_PASSWORD": "of-the-file"}, ""),
        ({"AUTH of-the-file": WRONG, "PING": AUTH}, {"REDIS_PASSWORD": "of-the-file"}, ""),
        ({"PING": AUTH}, {}, ""),
        ({"PING": MISCONF}, {}, ""),
    ],
    ids=["well", "loading-needs-time", "password", "another-password", "no-password", "could-not-save"],
)
def test_redis(answers, env, why):
    """One that refuses a password lives and would refuse it again; one that could not save would lose its data."""
    with serving_redis(answers) as (where, _asked):
        found = troubles(samples.stack(), {"redis": samples.container("redis", ports=place(where))}, env)
    assert found == ({"redis": why} if why else {})


@pytest.mark.parametrize(("answer", "why"), [(MISCONF, {}), (PONG, {"redis": "is unhealthy"})], ids=["unsaved", "else"])
def test_an_unhealthy_redis_is_not_started_anew_where_that_would_lose_data(answer, why):
    with serving_redis({"PING": answer}) as (where, _asked):
        redis = samples.container("redis", ports=place(where), health="unhealthy")
        assert troubles(samples.stack(), {"redis": redis}, {}) == why


def test_a_redis_that_nobody_can_connect_to_is_in_trouble():
    assert troubles(samples.stack(), {"redis": samples.container("redis")}, {}) == {"redis": NO_PING}


@pytest.mark.parametrize(
    ("service", "port", "path"), [("kong", "8000/tcp", "/v1/messages"), ("nginx", "8085/tcp", "/health")]
)
@pytest.mark.parametrize(
    ("answer", "why"),
    [(Answer(200), ""), (Answer(404), ""), (Answer(502), ""), (None, SILENT)],
    ids=["good", "not-found", "bad-gateway-is-an-answer", "closed-without-a-word"],
)
def test_kong_and_the_proxy_are_asked_their_own_path(service, port, path, answer, why):
    with serving({("GET", path): answer}) as server:
        found = troubles(samples.stack(), {service: samples.container(service, ports={port: server.place})}, {})
        assert [asked for _method, asked, _headers, _body in server.requests] == [path]
    assert found == ({service: why} if why else {})


@pytest.mark.parametrize(("shown", "why"), [("ab", ""), ("0" * 32, SILENT)], ids=["well", "nothing-loaded"])
def test_a_kong_whose_provider_hangs_is_not_started_anew(monkeypatch, shown, why):
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.2)
    with serving({**kong_answers(shown), ("GET", "/v1/messages"): waits}) as server:
        ports = {"8000/tcp": server.place, "8001/tcp": server.place}
        found = troubles(samples.stack(), {"kong": samples.container("kong", env=LISTEN, ports=ports)}, {})
    assert found == ({"kong": why} if why else {})


@pytest.mark.parametrize("service", ["kong", "nginx"])
def test_one_that_accepts_no_connection_is_silent(service):
    assert troubles(samples.stack(), {service: samples.container(service)}, {}) == {service: SILENT}


@pytest.mark.parametrize("service", ["redis", "kong", "nginx"])
def test_one_that_listens_and_is_not_reached_at_its_address_is_told_as_that(monkeypatch, service):
    """The network is made anew for just this word, by force."""
    monkeypatch.setattr(unreached, "at", lambda _container, port: port in (6379, 8000, 80))
    engine = samples.SmallEngine(answers={"logs kong": IN_THE_WAY})
    assert troubles(samples.stack(), {service: samples.container(service)}, {}, engine) == {service: UNREACHED}


@pytest.mark.parametrize(
    ("settings", "service", "why"),
    [
        ({}, "redis", NO_PING),
        ({"redis_host": "127.0.0.1", "redis_port": 1}, "redis", ""),
        ({}, "nginx", SILENT),
        ({"proxy_service": ""}, "nginx", ""),
        ({"proxy_service": ""}, "kong", SILENT),
    ],
    ids=["redis", "a-redis-beside-the-one-elsewhere", "proxy", "an-nginx-that-is-no-proxy", "kong-without-a-proxy"],
)
def test_only_what_is_on_every_requests_path_is_asked(settings, service, why):
    """A Redis elsewhere that is silent is no reason to start a container of its name anew."""
    found = troubles(samples.stack(**settings), {service: samples.container(service)}, {})
    assert found == ({service: why} if why else {})


def test_a_kong_whose_proxy_listens_on_no_port_is_asked_nothing():
    kong = samples.container("kong", env={"KONG_PROXY_LISTEN": "unix:/run/kong.sock"})
    assert troubles(samples.stack(), {"kong": kong}, {}) == {}


def test_those_that_take_tls_alone_answer():
    answers = {("GET", path): Answer(401) for path in ("/health", "/v1/messages")}
    with serving(answers, tls=True) as server:
        found = {
            "kong": samples.container(
                "kong", env={"KONG_PROXY_LISTEN": "0.0.0.0:8443 ssl"}, ports={"8443/tcp": server.place}
            ),
            "nginx": samples.container("nginx", ports={"443/tcp": server.place}),
        }
        assert troubles(samples.stack(), found, {}) == {}


def test_the_proxy_is_asked_on_the_port_that_the_settings_name():
    with serving({("GET", "/health"): Answer(200)}) as server:
        ports = {"80/tcp": ("127.0.0.1", 1), "8443/tcp": server.place}
        containers = {"nginx": samples.container("nginx", ports=ports)}
        assert troubles(samples.stack(proxy_port=8443), containers, {}) == {}
        assert troubles(samples.stack(), containers, {}) == {"nginx": SILENT}


@pytest.mark.parametrize("service", ["redis", "kong", "nginx", "client"])
@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"state": "exited", "exit_code": 3}, "is exited with exit status 3"),
        ({"state": "restarting"}, "is restarting"),
        ({"state": "exited", "oom_killed": True}, "was killed for lack of memory"),
        ({"health": "unhealthy"}, "is unhealthy"),
    ],
    ids=["exited", "looping", "memory", "unhealthy"],
)
def test_what_the_engine_says_comes_first(service, about, why):
    """Also where nothing of it moves any more, as in a paused one."""
    containers = {service: samples.container(service, **about)}
    assert troubles(samples.stack(), containers, {}) == {service: why}
    assert troubles(samples.stack(), containers, {}, samples.SmallEngine(processes={service: ["T"]})) == {service: why}


JOB = {"state": "exited", "exit_code": 0, "restart_policy": "no"}


@pytest.mark.parametrize(
    ("service", "about", "why"),
    [
        ("init", {}, ""),
        ("init", {"restart_policy": ""}, ""),
        ("init", {"exit_code": 1}, "is exited with exit status 1"),
        ("init", {"restart_policy": "unless-stopped"}, "is exited with exit status 0"),
        ("init", {"state": "created"}, "is created with exit status 0"),
        ("redis", {}, "is exited with exit status 0"),
        ("kong", {}, "is exited with exit status 0"),
        ("nginx", {}, "is exited with exit status 0"),
    ],
    ids=["done", "no-policy", "failed", "was-to-come-back", "never-ran", "redis", "kong", "proxy"],
)
def test_a_job_that_is_done_needs_no_new_start(service, about, why):
    found = troubles(samples.stack(), {service: samples.container(service, **{**JOB, **about})}, {})
    assert found == ({service: why} if why else {})


def test_a_job_that_is_done_is_asked_for_no_processes():
    engine = samples.SmallEngine(processes={"init": ["T"]})
    assert troubles(samples.stack(), {"init": samples.container("init", **JOB)}, {}, engine) == {}


def test_other_services_are_asked_nothing():
    assert troubles(samples.stack(), {"client": samples.container("client")}, {}) == {}
    assert troubles(samples.stack(), {}, {}) == {}


@pytest.mark.parametrize(
    ("states", "frozen"),
    [(["T"], True), (["Tsl", "t"], True), (["Ts", "S"], False), (["S"], False), ([], False)],
    ids=["one", "all", "one-of-two", "none", "nobody-can-tell"],
)
def test_a_service_whose_processes_are_all_stopped(states, frozen):
    engine = samples.SmallEngine(processes={"client": states})
    found = troubles(samples.stack(), {"client": samples.container("client")}, {}, engine)
    assert found == ({"client": FROZEN} if frozen else {})


IN_THE_WAY = "nginx: [emerg] bind() to unix:/usr/local/kong/sockets/we failed (98: Address already in use)\n"
PORT_TAKEN = "nginx: [emerg] bind() to 0.0.0.0:8000 failed (98: Address already in use)\n"


@pytest.mark.parametrize(
    ("about", "log", "why"),
    [
        ({"state": "restarting"}, IN_THE_WAY, "is restarting, cannot start over its sockets of before"),
        (
            {"state": "exited", "oom_killed": True},
            f"{IN_THE_WAY}nginx: [emerg] still could not bind()\n",
            "was killed for lack of memory, cannot start over its sockets of before",
        ),
        ({"state": "running"}, IN_THE_WAY, f"{SILENT}, cannot start over its sockets of before"),
        ({"state": "restarting"}, PORT_TAKEN, "is restarting"),
        ({"state": "restarting"}, "", "is restarting"),
    ],
    ids=["looping", "killed", "between-two-starts", "a-port-is-no-socket", "nothing-said"],
)
def test_a_kong_that_cannot_start_in_its_container_again(about, log, why):
    containers = {"kong": samples.container("kong", **about)}
    engine = samples.SmallEngine(answers={"logs kong": log})
    assert troubles(samples.stack(), containers, {}, engine) == {"kong": why}
    assert troubles(samples.stack(), containers, {}) == {"kong": why.split(", ", maxsplit=1)[0]}


def test_a_kong_that_is_well_is_not_judged_by_an_old_log():
    with serving({("GET", "/v1/messages"): Answer(200)}) as server:
        kong = samples.container("kong", ports={"8000/tcp": server.place})
        engine = samples.SmallEngine(answers={"logs kong": IN_THE_WAY})
        assert troubles(samples.stack(), {"kong": kong}, {}, engine) == {}


def test_a_kong_that_nobody_finds_by_name_is_told_as_that_alone():
    """The network is made anew for just this word."""
    kong, engine = samples.container("kong", aliases=()), samples.SmallEngine(answers={"logs kong": IN_THE_WAY})
    assert troubles(samples.stack(), {"kong": kong}, {}, engine) == {"kong": NAMELESS}


def test_a_stopped_service_is_told_as_such_before_it_is_asked():
    """It accepts connections, so that asking it would cost seconds and end in a vaguer word."""
    with serving({}) as server:
        kong = samples.container("kong", ports={"8000/tcp": server.place})
        engine = samples.SmallEngine(processes={"kong": ["T"]})
        assert troubles(samples.stack(), {"kong": kong}, {}, engine) == {"kong": FROZEN}
        assert server.requests == []

"""Waiting for readiness, on a clock of its own, and the questions that are asked."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import COMPLETED
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import NotReadyError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import readiness
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, recorded, serving, waits
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import LISTEN, TalkingEngine
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import kong_answers as disk_answers

HASH = "1a9184771897f978257e8468322fe853"


def wait(problems, container=None, budget=1.0):
    """Wait with these answers, the last one again and again; return (seconds, how often was asked)."""
    clock, asked, left = samples.FakeClock(), [], list(problems)

    def ask():
        asked.append(left.pop(0) if len(left) > 1 else left[0])
        return asked[-1]

    readiness.wait_ready(ask, lambda: container, budget, clock, clock.sleep)
    return round(clock.now - 1000.0, 3), len(asked)


@pytest.mark.parametrize(
    ("problems", "asked"),
    [
        ([""], 2),
        (["no", ""], 3),
        (["no", "", "no", ""], 5),
        (["no", "", "no", "", "no", "", ""], 7),
    ],
    ids=["at-once", "later", "one-good-answer-is-none", "flapping"],
)
def test_two_good_answers_in_a_row(problems, asked):
    assert wait(problems) == (pytest.approx(0.05 * (asked - 1)), asked)


@pytest.mark.parametrize("budget", [0.5, 1.0, 30.0])
def test_the_budget_ends_it(budget):
    with pytest.raises(NotReadyError) as caught:
        wait(["Redis is loading"], samples.container("redis"), budget)
    assert caught.value.msg == f"Not ready within {budget:.0f} s: Redis is loading."


def test_no_container_is_waited_for():
    assert wait(["none", "none", ""], None)[1] == 4


@pytest.mark.parametrize("state", ["exited", "dead"])
def test_a_container_that_ended_is_given_up_at_once(state):
    kong = samples.container("kong", state=state, exit_code=137)
    with pytest.raises(NotReadyError) as caught:
        wait(["Kong does not run"], kong, 60)
    assert caught.value.msg == (
        f"gateway-kong-1 does not stay up: {state}, exit status 137, 0 restarts; Kong does not run."
    )
    assert caught.value.hint == "Look: docker logs --tail 50 gateway-kong-1"


def test_a_restart_loop_is_given_up():
    clock, restarts = samples.FakeClock(), []

    def look():
        restarts.append(1)
        return samples.container("kong", state="restarting", restarts=len(restarts))

    with pytest.raises(NotReadyError, match="does not stay up: restarting"):
        readiness.wait_ready(lambda: "Kong does not run", look, 60, clock, clock.sleep)
    assert clock.now < 1001.0


def test_restarts_of_long_ago_do_not_count():
    """A proxy that is only reloaded keeps its counter: three crashes of last month are no restart loop now."""
    proxy = samples.container("nginx", restarts=5)
    assert wait(["the proxy answers 502", ""], proxy)[1] == 3


@pytest.mark.parametrize("state", ["exited", "paused", "restarting"])
def test_a_service_that_does_not_run(state):
    found = samples.container("redis", state=state)
    assert readiness.redis_problem(found, []) == "Redis does not run"
    assert readiness.redis_problem(None, []) == "Redis does not run"
    assert readiness.proxy_problem(found, samples.stack()) == "the proxy does not run"
    assert readiness.proxy_problem(None, samples.stack()) == "the proxy does not run"
    assert readiness.kong_problem(found, "", samples.stack(probe_path="/"), None) != ""
    assert readiness.kong_problem(None, "", samples.stack(probe_path="/"), None) != ""


def kong_answers(status, root="001-GET-root", version="3.9.1"):
    return {("GET", "/status"): status, ("GET", "/"): recorded(version, root)}


@pytest.mark.parametrize(
    ("status", "version", "expected", "problem"),
    [
        (recorded("3.9.1", "003-GET-status"), "3.9.1", HASH, ""),
        (recorded("3.9.1", "003-GET-status"), "3.9.1", "", ""),
        (recorded("3.9.1", "003-GET-status"), "3.9.1", "ab", f"Kong serves configuration {HASH}, expected ab"),
        (recorded("3.9.1", "075-GET-status-after-minimal"), "3.9.1", HASH, "Kong has loaded no configuration"),
        (recorded("2.8.5", "003-GET-status"), "2.8.5", HASH, ""),
    ],
    ids=["right", "any", "another", "empty", "old-kong-shows-none"],
)
def test_kong(status, version, expected, problem):
    route = {("GET", "/v1/messages"): recorded("3.9.1", "080-proxy-no-route")}
    with serving(kong_answers(status, version=version)) as admin, serving(route) as gateway:
        ports = {"8001/tcp": admin.place, "8000/tcp": gateway.place}
        kong = samples.container("kong", env=LISTEN, ports=ports)
        assert (
            readiness.kong_problem(kong, expected, samples.stack(probe_path="/v1/messages"), samples.SmallEngine())
            == problem
        )


TLS = {"KONG_ADMIN_LISTEN": "0.0.0.0:8444 ssl", "KONG_PROXY_LISTEN": "0.0.0.0:8443 http2 ssl"}
OWN_404 = {("GET", "/p"): recorded("3.9.1", "080-proxy-no-route")}


class TestKongListensElsewhere:
    """What Kong was set up without is not asked, and is no reason to call it not ready."""

    @pytest.mark.parametrize(("expected", "problem"), [(HASH, ""), ("ab", f"Kong serves configuration {HASH}")])
    def test_with_tls_alone(self, expected, problem):
        with (
            serving(kong_answers(recorded("3.9.1", "003-GET-status")), tls=True) as admin,
            serving(OWN_404, tls=True) as gateway,
        ):
            kong = samples.container("kong", env=TLS, ports={"8444/tcp": admin.place, "8443/tcp": gateway.place})
            assert readiness.kong_problem(
                kong, expected, samples.stack(probe_path="/p"), samples.SmallEngine()
            ).startswith(problem)

    def test_an_admin_api_that_wants_a_certificate_is_not_asked(self):
        with serving({("GET", "/status"): Answer(400)}, tls=True) as admin, serving(OWN_404, tls=True) as gateway:
            kong = samples.container("kong", env=TLS, ports={"8444/tcp": admin.place, "8443/tcp": gateway.place})
            assert readiness.kong_problem(kong, HASH, samples.stack(probe_path="/p"), samples.SmallEngine()) == ""

    def test_a_socket_for_its_admin_api(self):
        env = {"KONG_ADMIN_LISTEN": "unix:/run/admin.sock"}
        with serving(OWN_404) as gateway:
            kong = samples.container("kong", env=env, ports={"8000/tcp": gateway.place})
            assert readiness.kong_problem(kong, HASH, samples.stack(probe_path="/p"), samples.SmallEngine()) == ""

    @pytest.mark.parametrize(
        ("status", "problem"), [(0, ""), (127, ""), (1, "Kong's processes do not run")], ids=["up", "no-tool", "down"]
    )
    def test_sockets_for_everything(self, status, problem):
        env = {"KONG_ADMIN_LISTEN": "off", "KONG_PROXY_LISTEN": "unix:/run/kong.sock"}
        engine = samples.SmallEngine(answers={"kong": (status, b"", b"")})
        assert (
            readiness.kong_problem(samples.container("kong", env=env), HASH, samples.stack(probe_path="/p"), engine)
            == problem
        )


NO_ADMIN = {"KONG_ADMIN_LISTEN": "off"}
WELL, EMPTY = recorded("3.9.1", "003-GET-status"), recorded("3.9.1", "075-GET-status-after-minimal")
KONGS_404 = recorded("3.9.1", "080-proxy-no-route")


class Paths(dict):
    """Answers to the probe's path /p, to any path that no route knows, and to the health page."""

    def __init__(self, probe, no_route=None, health=None):
        super().__init__({("GET", "/p"): probe, ("GET", "/health"): health})
        self.no_route = no_route

    def get(self, key, default=None):
        return self.no_route if key[1].startswith("/recovery-probe-") else super().get(key, default)


class TestProviderThatHangs:
    """Its requests wait for minutes in a Kong that is well, and that answers everything else meanwhile."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch):
        monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.2)
        monkeypatch.setattr(readiness, "PROXY_SECONDS", 0.3)

    @pytest.mark.parametrize(
        ("env", "status", "probe", "no_route", "expected", "problem", "silent"),
        [
            (LISTEN, WELL, waits, None, HASH, "", False),
            (LISTEN, WELL, waits, waits, "", "", False),
            (LISTEN, WELL, waits, KONGS_404, "ab", f"Kong serves configuration {HASH}, expected ab", False),
            (LISTEN, EMPTY, waits, KONGS_404, HASH, "Kong has loaded no configuration", True),
            (LISTEN, None, waits, KONGS_404, HASH, "does not answer: ConnectionError", True),
            (LISTEN, WELL, None, KONGS_404, HASH, "/p gives no answer", True),
            (NO_ADMIN, None, waits, KONGS_404, HASH, "", False),
            (NO_ADMIN, None, waits, waits, HASH, "/p gives no answer", True),
            (NO_ADMIN, None, waits, None, HASH, "/p gives no answer", True),
            (NO_ADMIN, None, None, KONGS_404, HASH, "/p gives no answer", True),
        ],
        ids=[
            "well",
            "a-route-takes-every-path",
            "another-configuration",
            "empty",
            "admin-dead",
            "closes",
            "no-admin-own-404",
            "no-admin-hangs-altogether",
            "no-admin-closes-the-other",
            "no-admin-closes",
        ],
    )
    def test_kong(self, env, status, probe, no_route, expected, problem, silent):
        with serving(kong_answers(status)) as admin, serving(Paths(probe, no_route)) as gateway:
            ports = {"8001/tcp": admin.place, "8000/tcp": gateway.place}
            kong = samples.container("kong", env=env, ports=ports)
            found = readiness.kong_problem(kong, expected, samples.stack(probe_path="/p"), samples.SmallEngine())
            assert problem in found
            assert bool(found) is bool(problem)
            assert readiness.kong_silent(kong, samples.stack(probe_path="/p"), samples.SmallEngine()) is silent

    @pytest.mark.parametrize(("shown", "silent"), [(HASH, False), ("0" * 32, True)], ids=["well", "empty"])
    def test_an_admin_api_inside_its_container_is_asked_there(self, shown, silent):
        with serving(Paths(waits, waits)) as gateway:
            kong = samples.container("kong", ports={"8000/tcp": gateway.place})
            engine = TalkingEngine(kong, admin=disk_answers(shown))
            assert readiness.kong_silent(kong, samples.stack(probe_path="/p"), engine) is silent

    @pytest.mark.parametrize(("no_route", "silent"), [(KONGS_404, False), (waits, True)], ids=["answers", "hangs"])
    def test_without_an_engine_the_path_without_a_route_tells(self, no_route, silent):
        with serving(Paths(waits, no_route)) as gateway:
            kong = samples.container("kong", ports={"8000/tcp": gateway.place})
            assert readiness.kong_silent(kong, samples.stack(probe_path="/p"), None) is silent

    def test_one_that_accepts_no_connection_is_dead(self):
        assert (
            readiness.kong_silent(
                samples.container("kong", env=LISTEN), samples.stack(probe_path="/p"), samples.SmallEngine()
            )
            is True
        )

    @pytest.mark.parametrize(
        ("probe", "health", "good"),
        [
            (waits, Answer(200), True),
            (waits, waits, False),
            (waits, None, False),
            (None, Answer(200), False),
            (Answer(502), Answer(200), False),
        ],
        ids=["alive", "hangs-altogether", "closes-the-other", "closes", "kong-is-gone"],
    )
    def test_the_proxy_in_front(self, probe, health, good):
        with serving(Paths(probe, health=health)) as server:
            proxy = samples.container("nginx", ports={"80/tcp": server.place})
            assert (readiness.proxy_problem(proxy, samples.stack(probe_path="/p")) == "") is good


class TestProxyWithTls:
    def test_a_redirect_shows_that_it_answers(self):
        away = Answer(301, headers=[("Location", "https://127.0.0.1:1/p")])
        with serving({("GET", "/p"): away}) as server:
            proxy = samples.container("nginx", ports={"80/tcp": server.place})
            assert readiness.proxy_problem(proxy, samples.stack(probe_path="/p")) == ""

    @pytest.mark.parametrize("port", [443, 8443, 8085], ids=["https", "https-too", "any-port"])
    @pytest.mark.parametrize(("status", "good"), [(404, True), (502, False)])
    def test_one_that_takes_nothing_else(self, port, status, good):
        with serving({("GET", "/p"): Answer(status)}, tls=True) as server:
            proxy = samples.container("nginx", ports={f"{port}/tcp": server.place})
            assert (readiness.proxy_problem(proxy, samples.stack(probe_path="/p")) == "") is good


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (Answer(200), True),
        (Answer(404), True),
        (recorded("3.9.1", "080-proxy-no-route"), True),
        (Answer(502), False),
        (Answer(503), False),
        (Answer(504), False),
        (recorded("3.9.1", "084-proxy-upstream-refused"), True),
        (Answer(502, headers=[("X-Kong-Response-Latency", "3")]), True),
        (Answer(502, headers=[("Via", "1.1 kong/3.9.1")]), True),
        (Answer(502, b'{"message":"An invalid response was received from the upstream server"}'), True),
        (None, False),
    ],
    ids=["200", "404", "kongs-404", "502", "503", "504", "kongs-own-502", "by-latency", "by-via", "by-words", "closed"],
)
def test_what_gets_through_to_kong(answer, good):
    with serving({("GET", "/p"): answer}) as server:
        kong = samples.container("kong", env=NO_ADMIN, ports={"8000/tcp": server.place})
        assert (readiness.kong_problem(kong, "", samples.stack(probe_path="/p"), samples.SmallEngine()) == "") is good
        proxy = samples.container("nginx", ports={"80/tcp": server.place})
        assert (readiness.proxy_problem(proxy, samples.stack(probe_path="/p")) == "") is good


@pytest.mark.parametrize(
    ("about", "until", "problem"),
    [
        ({}, "", ""),
        ({}, COMPLETED, "render has not done its work"),
        ({"state": "exited", "exit_code": 0, "restart_policy": "no"}, "", ""),
        ({"state": "exited", "exit_code": 0, "restart_policy": "no"}, COMPLETED, ""),
        ({"state": "exited", "exit_code": 1, "restart_policy": "no"}, COMPLETED, "render has not done its work"),
        ({"state": "exited", "exit_code": 1, "restart_policy": "no"}, "", "render does not run"),
        (None, COMPLETED, "render has no container"),
    ],
    ids=["runs", "still-works", "job-is-over", "has-done-it", "failed", "does-not-run", "none"],
)
def test_another_service(about, until, problem):
    container = None if about is None else samples.container("render", **about)
    assert readiness.other_problem("render", container, ("redis", "kong"), until) == problem


def test_a_job_that_ends_well_between_two_questions_is_done():
    """Asked, it still works; looked at a moment later, it is over."""
    works = samples.container("render", restart_policy="no")
    over = samples.container("render", restart_policy="no", state="exited", exit_code=0)
    seen = iter([works, works, over])
    now = [0.0]

    def look():
        return next(seen, over)

    readiness.wait_ready(
        lambda: readiness.other_problem("render", look(), ("redis",), COMPLETED),
        look,
        5.0,
        lambda: now[0],
        lambda seconds: now.__setitem__(0, now[0] + seconds),
    )


def test_a_job_that_fails_is_given_up_at_once():
    failed = samples.container("render", restart_policy="no", state="exited", exit_code=1)
    with pytest.raises(NotReadyError, match="exit status 1"):
        readiness.wait_ready(
            lambda: readiness.other_problem("render", failed, ("redis",), COMPLETED),
            lambda: failed,
            60.0,
            lambda: 0.0,
            lambda _seconds: None,
        )

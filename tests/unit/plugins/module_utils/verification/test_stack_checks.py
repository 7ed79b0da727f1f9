"""Containers, ports, links and mounts of a stack, told by an engine that answers from a table."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.sockets import Listener
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.stack_checks import StackChecks
from ansible_collections.kong_masking.recovery.tests.unit import samples

NET, OTHER = "gateway_default", "gateway_inner"


class Engine:
    """Answers about names and programs inside containers."""

    def __init__(self, answer=(0, b"", b""), owner=""):
        self.answer, self.owner, self.asked = answer, owner, []

    def execute(self, container, command, _env=None):
        self.asked.append((container.service, *command))
        return self.answer

    def port_owner(self, _port):
        return self.owner

    def processes(self, _container):
        return []


def checks(tmp_path, engine=None, now=2e9, settings=None, **containers):
    """StackChecks that has looked; a value (container, later) is a container that changed meanwhile."""
    stack = samples.stack(tmp_path, **(settings or {}))
    made = StackChecks(stack, engine or Engine(), samples.RememberingRunner(), [], False, lambda: now)
    both = {name: item if isinstance(item, tuple) else (item, item) for name, item in containers.items()}
    made.containers = {name: item[0] for name, item in both.items()}
    made.later = {name: item[1] for name, item in both.items()}
    made.networks = {NET, OTHER}
    return made


OF_REDIS = {"container_redis", "link_kong_redis"}
OF_THE_PROXY = {"container_nginx", "link_nginx_kong", "proxy_configuration"}
ELSEWHERE, NO_PROXY = {"redis_host": "cache.example"}, {"proxy_service": ""}


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        ({}, set()),
        (ELSEWHERE, OF_REDIS),
        (NO_PROXY, OF_THE_PROXY),
        ({**ELSEWHERE, **NO_PROXY}, OF_REDIS | OF_THE_PROXY),
    ],
    ids=["whole", "redis-elsewhere", "no-proxy", "neither"],
)
def test_what_the_stack_does_not_have_is_not_asked_for(tmp_path, settings, absent):
    usual, found = checks(tmp_path)._questions(), checks(tmp_path, settings=settings)._questions()
    asked = {item.name for item in found}
    assert {item.name for item in usual} - asked == absent
    assert asked <= {item.name for item in usual}
    assert {"container_kong", "redis", "redis_mappings", "redis_counters"} <= asked
    assert not absent & {name for item in found for name in item.needs}


def test_a_container_of_the_name_that_redis_has_elsewhere_is_one_as_others(tmp_path):
    redis = samples.container("redis", state="exited", restart_policy="no")
    made = checks(tmp_path, settings=ELSEWHERE, redis=redis)
    assert made._runs("redis") == (True, "has ended with 0, as a job does")
    assert checks(tmp_path, redis=redis)._runs("redis")[0] is False
    assert next(item for item in made._questions() if item.name == "redis").needs == ()


STARTED = "2026-07-29T09:00:01.5Z"
AT = 1785315601.0


@pytest.mark.parametrize(
    ("about", "now", "good", "text"),
    [
        ({}, 2e9, True, "running"),
        ({"state": "exited", "exit_code": 1}, 2e9, False, "is exited with exit status 1"),
        ({"state": "exited", "exit_code": 0}, 2e9, False, "is exited with exit status 0"),
        ({"state": "exited", "exit_code": 0, "restart_policy": "no"}, 2e9, True, "as a job does"),
        ({"state": "exited", "exit_code": 0, "restart_policy": "on-failure"}, 2e9, True, "as a job does"),
        ({"state": "exited", "exit_code": 1, "restart_policy": "on-failure"}, 2e9, False, "exit status 1"),
        ({"state": "exited", "exit_code": 2, "restart_policy": "no"}, 2e9, False, "exit status 2"),
        ({"state": "restarting", "restarts": 4}, 2e9, False, "is restarting, 4 restarts"),
        ({"health": "unhealthy"}, 2e9, False, "is unhealthy"),
        ({"oom_killed": True, "state": "exited"}, 2e9, False, "killed for lack of memory"),
        ({"aliases": ()}, 2e9, False, "not found by its name"),
        ({"restarts": 4}, AT + 3, False, "is up for 3 s only, 4 restarts"),
        ({"restarts": 4}, AT + 60, True, "running, 4 restarts"),
        ({"restarts": 0}, AT + 3, True, "running"),
    ],
    ids=["runs", "died", "stopped", "job", "job-that-is-tried-again", "one-that-gave-up", "failed-job", "loop",
         "unhealthy", "memory", "nameless", "just-came-back", "settled", "just-started"],
)  # fmt: skip
def test_a_container(tmp_path, about, now, good, text):
    made = checks(tmp_path, now=now, client=samples.container("client", **{"started_at": STARTED, **about}))
    found = made._runs("client")
    assert (found[0], text in found[1]) == (good, True), found


def test_a_core_service_is_never_a_job(tmp_path):
    gone = samples.container("kong", state="exited", restart_policy="no")
    assert checks(tmp_path, kong=gone)._runs("kong")[0] is False


def test_a_container_that_starts_anew_while_it_is_looked_at(tmp_path):
    first = samples.container("kong", started_at="2026-07-29T09:00:01Z")
    second = samples.container("kong", started_at="2026-07-29T09:00:02Z")
    assert "started anew" in checks(tmp_path, kong=(first, second))._runs("kong")[1]


@pytest.mark.parametrize(
    ("answer", "good", "text"),
    [
        ((0, b"172.18.0.4  redis\n", b""), True, "redis is 172.18.0.4"),
        ((0, b"fd00::4 redis\n172.18.0.4  redis\n", b""), True, "172.18.0.4"),
        ((0, b"172.18.0.9  redis\n", b""), False, "redis is 172.18.0.9, and gateway-redis-1 is 172.18.0.4"),
        ((2, b"", b""), False, "redis is an unknown name in gateway-kong-1"),
        ((127, b"", b""), None, "no tool"),
        ((0, b"fd00::4 redis\n", b""), None, "IPv6 addresses only"),
    ],
    ids=["right", "both-families", "a-stranger", "unknown", "no-tool", "other-family"],
)
def test_a_name_is_looked_up_from_inside(tmp_path, answer, good, text):
    redis = samples.container("redis", addresses={NET: "172.18.0.4"})
    kong = samples.container("kong", addresses={NET: "172.18.0.5"}, env={"REDIS_HOST": "redis"})
    made = checks(tmp_path, Engine(answer), redis=redis, kong=kong)
    if good is None:
        with pytest.raises(NotMeasured, match=text):
            made._link("kong", "redis")
        return
    found = made._link("kong", "redis")
    assert (found[0], text in found[1]) == (good, True), found


@pytest.mark.parametrize(("lost", "good"), [(1, True), (2, True), (3, False)])
def test_a_question_that_a_busy_resolver_lost_is_asked_again(tmp_path, lost, good):
    class Busy(Engine):
        def execute(self, container, command, _env=None):
            super().execute(container, command)
            return (2, b"", b"") if len(self.asked) <= lost else self.answer

    redis = samples.container("redis", addresses={NET: "172.18.0.4"})
    kong = samples.container("kong", addresses={NET: "172.18.0.5"}, env={"REDIS_HOST": "redis"})
    engine = Busy((0, b"172.18.0.4 redis", b""))
    assert checks(tmp_path, engine, redis=redis, kong=kong)._link("kong", "redis")[0] is good
    assert len(engine.asked) == min(lost + 1, 3)


def test_a_resolver_that_takes_long_is_asked_once(tmp_path):
    now = [0.0]

    class Slow(Engine):
        def execute(self, container, command, _env=None):
            now[0] += 20
            return super().execute(container, command)

    redis = samples.container("redis", addresses={NET: "172.18.0.4"})
    kong = samples.container("kong", addresses={NET: "172.18.0.5"}, env={"REDIS_HOST": "redis"})
    engine = Slow((2, b"", b""))
    made = checks(tmp_path, engine, redis=redis, kong=kong)
    made.runner.clock = lambda: now[0]
    assert made._link("kong", "redis")[0] is False
    assert len(engine.asked) == 1


@pytest.mark.parametrize("dead", ["kong", "redis"])
def test_no_name_is_looked_up_where_a_container_does_not_run(tmp_path, dead):
    states = {name: {"state": "exited", "addresses": {NET: ""}} if name == dead else {} for name in ("kong", "redis")}
    engine = Engine((2, b"", b""))
    made = checks(tmp_path, engine, **{name: samples.container(name, **about) for name, about in states.items()})
    with pytest.raises(NotMeasured, match=f"because container_{dead} fails"):
        made._link("kong", "redis")
    assert engine.asked == []


def test_a_name_of_the_users_own_is_the_one_that_is_looked_up(tmp_path):
    redis = samples.container("redis", addresses={NET: "172.18.0.4"}, aliases=("redis", "masking-store"))
    kong = samples.container("kong", addresses={NET: "172.18.0.5"}, env={"MASKER_REDIS_HOST": "masking-store"})
    engine = Engine((0, b"172.18.0.4 x", b""))
    checks(tmp_path, engine, redis=redis, kong=kong)._link("kong", "redis")
    assert engine.asked == [("kong", "getent", "hosts", "masking-store")]


@pytest.mark.parametrize(
    ("addresses", "mode", "verdict"),
    [
        ({"elsewhere": "10.9.0.2"}, "elsewhere", "no network of the project"),
        ({OTHER: "172.19.0.2"}, OTHER, None),
        ({"host": ""}, "host", None),
    ],
    ids=["fell-off", "two-networks-of-the-project", "host-network"],
)
def test_without_a_common_network(tmp_path, addresses, mode, verdict):
    redis = samples.container("redis", addresses={NET: "172.18.0.4"})
    kong = samples.container("kong", addresses=addresses, settings=samples.settings(network_mode=mode))
    made = checks(tmp_path, redis=redis, kong=kong)
    if verdict is None:
        with pytest.raises(NotMeasured):
            made._link("kong", "redis")
    else:
        found = made._link("kong", "redis")
        assert (found[0], verdict in found[1]) == (False, True)


def test_a_port_of_a_stopped_container_that_a_stranger_answers(tmp_path):
    nginx = samples.container("nginx", state="exited", ports={"80/tcp": ("127.0.0.1", 8085)}, addresses={NET: ""})
    assert checks(tmp_path, Engine(owner="squatter"), nginx=nginx)._ports("nginx") == (
        False,
        "127.0.0.1:8085 is answered by container squatter",
    )
    made = checks(tmp_path, nginx=nginx)
    made.listeners = [Listener("127.0.0.1", 8085, 42, "python3")]
    assert made._ports("nginx") == (False, "127.0.0.1:8085 is answered by process 42 (python3)")
    with pytest.raises(NotMeasured, match="because container_nginx fails"):
        checks(tmp_path, nginx=nginx)._ports("nginx")


@pytest.mark.parametrize(
    ("state", "who"),
    [("exited", "the engine for a container that is gone (at 172.18.0.9:80): "), ("running", "another container (at ")],
)
def test_a_port_that_the_engine_holds_for_an_address_that_is_not_the_containers(tmp_path, state, who):
    nginx = samples.container("nginx", state=state, ports={"80/tcp": ("127.0.0.1", 8085)}, addresses={NET: ""})
    args = ("docker-proxy", "-container-ip", "172.18.0.9", "-container-port", "80")
    made = checks(tmp_path, nginx=nginx)
    made.listeners = [Listener("127.0.0.1", 8085, 42, "docker-proxy", args)]
    good, found = made._ports("nginx")
    assert (good, found.startswith(f"127.0.0.1:8085 is answered by {who}")) == (False, True)


def test_a_port_that_is_published_for_udp_only_is_not_asked(tmp_path):
    statsd = samples.container("statsd", ports={"8125/udp": ("127.0.0.1", 8125)})
    both = samples.container("dns", ports={"53/tcp": ("127.0.0.1", 5353), "53/udp": ("127.0.0.1", 5354)})
    made = checks(tmp_path, statsd=statsd, dns=both)
    names = [one.name for one in made._questions()]
    assert ("ports_dns" in names, "ports_statsd" in names) == (True, False)
    assert made._ports("dns") == (False, "no connection: 127.0.0.1:5353")


@pytest.mark.parametrize(
    ("answer", "good", "text"),
    [
        ((0, b"", b"nginx: the configuration file is ok"), True, "valid"),
        ((1, b"", b'nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:3\nfailed'), False, "nginx.conf:3"),
    ],
    ids=["valid", "broken"],
)
def test_the_proxys_configuration(tmp_path, answer, good, text):
    found = checks(tmp_path, Engine(answer), nginx=samples.container("nginx"))._proxy_configuration()
    assert (found[0], text in found[1]) == (good, True)


def test_a_proxy_that_is_no_nginx_is_not_measured(tmp_path):
    with pytest.raises(NotMeasured):
        checks(tmp_path, Engine((127, b"", b"")), nginx=samples.container("nginx"))._proxy_configuration()


def test_a_directory_that_a_container_may_not_write_to_is_named(tmp_path):
    mounts = (samples.bind(tmp_path, "/kong/logs", True), samples.bind(tmp_path, "/etc/kong", False))
    engine = Engine((0, b"/kong/logs\n", b""))
    made = checks(tmp_path, engine, kong=samples.container("kong", mounts=mounts))
    assert made._writable() == (False, "gateway-kong-1 may not write to /kong/logs")
    assert engine.asked[0][-1] == "/kong/logs"
    with pytest.raises(NotMeasured):
        checks(tmp_path, kong=samples.container("kong"))._writable()


def test_a_process_that_was_killed_for_memory_in_a_container_that_lives(tmp_path):
    kong = samples.container("kong", oom_killed=True)
    assert checks(tmp_path, kong=kong)._oom() == (False, "killed in gateway-kong-1")
    dead = samples.container("kong", oom_killed=True, state="exited")
    assert checks(tmp_path, kong=dead)._oom()[0] is True

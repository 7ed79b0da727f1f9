"""Kong is off while Redis cannot take writes, and comes back as it was: where the data are whole."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import NotReadyError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import readiness
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.kong_pause import kong_off
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving, waits
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import TalkingEngine, kong_answers

NO_ADMIN = {"KONG_ADMIN_LISTEN": "off"}
OFF_AND_ON = ["stop kong", "start kong"]


class Broken(Exception):
    """What the body does not survive."""


@pytest.fixture
def kong():
    """A Kong whose proxy port answers."""
    with serving({("GET", "/v1/messages"): Answer(401)}) as server:
        yield samples.container("kong", env=NO_ADMIN, ports={"8000/tcp": server.place})


@pytest.fixture(name="pause")
def pause_(tmp_path):
    """Return a pause of Kong around a body; it returns the seconds that it took."""

    def pause(engine, body=lambda: None, safe=True, revives=False, **settings):
        clock = samples.FakeClock()
        runner = Runner(clock=clock, sleep=clock.sleep)
        with kong_off(samples.stack(tmp_path, **settings), engine, runner, lambda: safe, revives):
            body()
        return clock.now - 1000.0

    return pause


def state(engine):
    kong = engine.container("kong")
    return kong.state, kong.restart_policy


@pytest.mark.parametrize(
    ("policy", "meanwhile"),
    [
        ("always", "unless-stopped"),
        ("unless-stopped", "unless-stopped"),
        ("on-failure", "on-failure"),
        ("no", "no"),
    ],
)
def test_it_stays_off_through_a_restart_of_the_engine_and_gets_its_policy_back(pause, kong, policy, meanwhile):
    engine, seen = samples.SmallEngine(dataclasses.replace(kong, restart_policy=policy)), []
    pause(engine, lambda: seen.append(state(engine)))
    assert seen == [("exited", meanwhile)]
    assert state(engine) == ("running", policy)


def test_the_proxy_learns_its_new_address_once_it_is_ready(pause, kong):
    engine = samples.SmallEngine(kong, samples.container("nginx"))
    pause(engine)
    assert engine.done == [*OFF_AND_ON, "nginx: nginx -s reload"]


def test_every_replica_is_off_and_comes_back(pause, kong):
    """One that goes on serving while Redis is away gives every resource the same alias."""
    second = dataclasses.replace(kong, id="kong-2", name="gateway-kong-2")
    stopped = dataclasses.replace(kong, id="kong-3", name="gateway-kong-3", state="exited")
    engine, seen = samples.SmallEngine(kong, second, stopped), []
    pause(engine, lambda: seen.extend(item.state for item in engine.replicas("kong")))
    assert seen == ["exited"] * 3
    assert [(item.state, item.restart_policy) for item in engine.replicas("kong")] == [
        ("running", "always"),
        ("running", "always"),
        ("exited", "always"),
    ]


def test_a_second_replica_alone_is_off_too(pause, kong):
    first = dataclasses.replace(kong, id="kong-0", state="exited")
    engine = samples.SmallEngine(kong, first)
    pause(engine)
    assert engine.done == OFF_AND_ON


def test_a_proxy_that_is_no_nginx_is_started_anew(pause, kong):
    engine = samples.SmallEngine(kong, samples.container("nginx"), answers={"nginx": (127, b"", b"not found")})
    pause(engine)
    assert engine.done == [*OFF_AND_ON, "nginx: nginx -s reload", "stop nginx", "start nginx"]


def test_an_admin_api_that_listens_inside_alone_is_asked_there(pause):
    with serving({("GET", "/v1/messages"): Answer(401)}) as server:
        kong = samples.container("kong", ports={"8000/tcp": server.place})
        engine = TalkingEngine(kong, admin=kong_answers("ab"))
        pause(engine)
    assert "/status" in engine.asked


def test_a_provider_that_hangs_does_not_keep_the_proxy_from_learning_the_new_address(pause, monkeypatch):
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.2)
    with serving({("GET", "/v1/messages"): waits}) as server:
        kong = samples.container("kong", ports={"8000/tcp": server.place})
        engine = TalkingEngine(kong, samples.container("nginx"), admin=kong_answers("ab"))
        pause(engine)
    assert engine.done == [*OFF_AND_ON, "nginx: nginx -s reload"]


@pytest.mark.parametrize("others", [[], [samples.container("nginx", state="exited")]], ids=["none", "stopped"])
def test_without_a_running_proxy_nobody_is_told(pause, kong, others):
    engine = samples.SmallEngine(kong, *others)
    pause(engine)
    assert engine.done == OFF_AND_ON


def test_where_the_stack_has_no_proxy_nobody_is_asked_for_one(pause, kong):
    class Asked(samples.SmallEngine):
        def replicas(self, service):
            assert service
            return super().replicas(service)

    engine = Asked(kong, samples.container("nginx"))
    pause(engine, proxy_service="")
    assert engine.done == OFF_AND_ON


@pytest.mark.parametrize("safe", [True, False], ids=["whole-data", "half-replaced-data"])
@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt], ids=["failure", "interrupt"])
def test_after_a_failure_it_comes_back_only_to_whole_data(pause, kong, safe, error):
    def fail():
        raise error

    engine = samples.SmallEngine(kong)
    with pytest.raises(error):
        pause(engine, fail, safe)
    assert state(engine) == (("running", "always") if safe else ("exited", "unless-stopped"))


@pytest.mark.parametrize(
    "containers",
    [[], *([samples.container("kong", state=name)] for name in ("exited", "created", "paused"))],
    ids=["none", "exited", "created", "paused"],
)
@pytest.mark.parametrize("fails", [True, False])
def test_a_kong_that_does_not_run_is_left_to_whoever_stopped_it(pause, containers, fails):
    def body():
        if fails:
            raise Broken

    engine = samples.SmallEngine(*containers, samples.container("nginx"))
    before = engine.containers()
    try:
        pause(engine, body)
    except Broken:
        assert fails
    assert (engine.containers(), engine.done) == (before, [])


def test_one_that_restarts_in_a_loop_is_off_too_and_not_waited_for(pause):
    """Between two falls it would serve; whether it stays up is not the data's affair."""
    engine = samples.SmallEngine(
        samples.container("kong", state="restarting", env=NO_ADMIN), samples.container("nginx")
    )
    during = []
    assert pause(engine, lambda: during.append(state(engine))) == 0.0
    assert during == [("exited", "unless-stopped")]
    assert engine.done == OFF_AND_ON


def test_one_that_does_not_come_back_is_said_within_a_minute_and_nobody_is_sent_to_it(pause):
    engine = samples.SmallEngine(samples.container("kong", env=NO_ADMIN), samples.container("nginx"))
    with pytest.raises(NotReadyError, match="Not ready within 60 s: Kong accepts no connection"):
        pause(engine)
    assert state(engine) == ("running", "always")
    assert engine.done == OFF_AND_ON


def test_one_that_a_killed_change_left_off_comes_back_with_the_next(pause, kong, tmp_path):
    """Nobody else would start it: whoever stopped it is dead."""
    engine = samples.SmallEngine(dataclasses.replace(kong, restart_policy="always"))

    class Killed(Broken):
        """Ends this process as a SIGKILL would: nothing is put back."""

    def die():
        raise Killed

    with pytest.raises(Killed):
        pause(engine, die, safe=False)
    assert state(engine) == ("exited", "unless-stopped")
    pause(engine)
    assert state(engine) == ("exited", "unless-stopped"), "within a rollback the plan starts it"
    pause(engine, revives=True)
    assert state(engine) == ("running", "always")
    assert not (tmp_path / ".recovery/kong-off.json").exists()

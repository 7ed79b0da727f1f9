"""Questions to the engine, against an API client that remembers."""

from __future__ import annotations

from types import SimpleNamespace

import docker
import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import docker_stack
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.small_engine import LABEL, engine, row


class TestContainers:
    def test_found_by_the_projects_label_never_by_a_name(self):
        found = engine(
            row("1", "redis", name="gateway-redis-1"),
            row("2", "redis", project="my-gateway", name="my-gateway-redis-1"),
            row("3", "redis", project="gateway-x", name="gateway-redis-x"),
        )
        assert {name: item.id for name, item in found.containers().items()} == {"redis": "1"}
        assert found.container("redis").id == "1"

    def test_several_of_a_service_come_by_their_numbers(self):
        """The engine lists the newest first."""
        numbered = [row(f"kong-{item}", "kong", labels={f"{LABEL}container-number": item}) for item in ("10", "2", "1")]
        found = engine(*numbered, row("redis", "redis"))
        assert [item.id for item in found.replicas("kong")] == ["kong-1", "kong-2", "kong-10"]
        assert (found.container("kong").id, found.containers()["kong"].id) == ("kong-1", "kong-1")
        assert found.replicas("nginx") == []

    def test_of_two_with_one_number_the_older_counts(self):
        """The other one is what Compose was about to put in its place when it was killed."""
        new, old = (row(name, "kong", Created=made) for name, made in (("new", 200), ("old", 100)))
        found = engine(new, old)
        assert [item.id for item in found.replicas("kong")] == ["old"]
        assert (found.container("kong").id, found.containers()["kong"].id) == ("old", "old")

    def test_one_off_ones_do_not_count(self):
        found = engine(row("1", "kong", labels={f"{LABEL}oneoff": "True"}))
        assert found.containers() == {}
        assert found.container("kong") is None

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_of_scaled_ones_the_first(self, order):
        rows = [row(str(number), "kong", labels={f"{LABEL}container-number": str(number)}) for number in (1, 2)]
        assert engine(*(rows[place] for place in order)).containers()["kong"].id == "1"

    def test_one_that_goes_away_meanwhile(self):
        assert list(engine(row("1", "kong", gone=True), row("2", "redis")).containers()) == ["redis"]

    def test_one_that_goes_away_while_it_is_asked_for_by_service(self):
        """Compose replaces it while readiness is being asked."""
        assert engine(row("1", "kong", gone=True)).container("kong") is None


@pytest.mark.parametrize(
    ("grace", "state", "expected"),
    [
        (None, "running", [("stop", "kong-id", {"timeout": 10})]),
        (0, "running", [("stop", "kong-id", {"timeout": 0})]),
        (25, "running", [("stop", "kong-id", {"timeout": 25})]),
        (600, "running", [("stop", "kong-id", {"timeout": 30})]),
        (None, "paused", [("unpause", "kong-id"), ("stop", "kong-id", {"timeout": 10})]),
    ],
    ids=["default", "at-once", "own", "at-most-30", "paused-first-let-go"],
)
def test_stop(grace, state, expected):
    found = engine()
    found.stop(samples.container("kong", state=state, settings=samples.settings(stop_grace_seconds=grace)))
    assert found.api.calls == expected


class TestHalfMade:
    """What Compose made to replace a container and never started would take that one's name in the next call."""

    @staticmethod
    def rows(**new):
        about = {"State": "created", "labels": {f"{LABEL}replace": "gateway-kong-1"}, **new}
        return [row("new", "kong", Created=200, **about), row("old", "kong", Created=100, State="running")]

    @pytest.mark.parametrize("turned", [False, True])
    def test_it_goes_while_the_other_one_is_there(self, turned):
        found = engine(*(self.rows()[::-1] if turned else self.rows()))
        found.remove_half_made("kong")
        assert found.api.calls == [("remove_container", "new", {"force": True})]

    def test_alone_it_stays(self):
        found = engine(self.rows()[0])
        found.remove_half_made("kong")
        assert found.api.calls == []

    @pytest.mark.parametrize("new", [{"State": "running"}, {"labels": {}}], ids=["started", "no-replacement"])
    def test_another_one_stays(self, new):
        found = engine(*self.rows(**new))
        found.remove_half_made("kong")
        assert found.api.calls == []


class TestNetworks:
    """The project's own are taken away once nobody is on them any more."""

    @staticmethod
    def removed(*rows, refusing=""):
        """Remove the networks and return what the engine was told; nginx refuses to go until it is stopped."""
        found = engine(*rows)
        told = found.api.calls

        def disconnect(container_id, _network_id, force):
            told.append(("disconnect", container_id))
            if refusing and container_id == "nginx" and ("stop", "nginx", {"timeout": 0}) not in told:
                raise refusing if isinstance(refusing, Exception) else docker.errors.APIError(refusing)

        found.api.networks = lambda filters: [{"Id": "net", "Name": "gateway_masking"}]
        found.api.containers = lambda **_filters: list(rows)
        found.api.disconnect_container_from_network = disconnect
        assert found.remove_networks() == 1
        return told

    def test_everything_is_taken_off_first(self):
        assert self.removed(row("kong", "kong"), row("nginx", "nginx")) == [
            ("disconnect", "kong"),
            ("disconnect", "nginx"),
            ("remove_network", "net"),
        ]

    def test_what_restarts_in_a_loop_is_stopped_for_it(self):
        """The engine lists it as on the network, and says that it is not connected between two starts."""
        refusing = "container nginx is not connected to network gateway_masking"
        assert self.removed(row("nginx", "nginx"), row("redis", "redis"), refusing=refusing) == [
            ("disconnect", "nginx"),
            ("stop", "nginx", {"timeout": 0}),
            ("disconnect", "nginx"),
            ("disconnect", "redis"),
            ("remove_network", "net"),
        ]

    @pytest.mark.parametrize(
        "refusing",
        [
            docker.errors.NotFound("no such container: nginx"),
            docker.errors.APIError("Container nginx is marked for removal and cannot be connected or disconnected"),
        ],
        ids=["gone", "being-removed"],
    )
    def test_what_is_going_already_is_no_hindrance(self, refusing):
        assert self.removed(row("nginx", "nginx"), refusing=refusing) == [
            ("disconnect", "nginx"),
            ("remove_network", "net"),
        ]

    def test_what_the_engine_refuses_otherwise_is_an_error(self):
        with pytest.raises(docker.errors.APIError, match="not permitted"):
            self.removed(row("nginx", "nginx"), refusing="operation not permitted")

    def test_a_stranger_stays_on_it_and_is_named(self):
        with pytest.raises(RecoveryError, match="monitor is a stranger on network gateway_masking"):
            self.removed(row("monitor", "monitor", project="other"))


def test_an_engine_that_does_not_answer(monkeypatch):
    def refuse(**_kwargs):
        raise docker.errors.DockerException("connection refused")

    monkeypatch.setattr(docker, "APIClient", refuse)
    monkeypatch.setattr(docker_stack, "ENGINE_PATIENCE", 0.0)
    with pytest.raises(RecoveryError, match="does not answer on this host: connection refused"):
        DockerStack("gateway")


def test_a_command_that_cannot_be_started_inside_is_a_status_not_a_crash():
    found = engine()

    def refuse(*_args, **_kwargs):
        raise docker.errors.APIError("container is paused")

    found.api = SimpleNamespace(exec_create=refuse)
    status, out, err = found.execute(samples.container("kong"), ["true"])
    assert (status, out) == (126, b"")
    assert b"paused" in err


def test_a_command_whose_container_ends_meanwhile_has_failed():
    found = engine()

    def forgotten(_job):
        raise docker.errors.NotFound("No such exec instance")

    found.api = SimpleNamespace(
        exec_create=lambda *_args, **_about: {"Id": "job"},
        exec_start=lambda *_args, **_about: (b"PONG", b""),
        exec_inspect=forgotten,
    )
    assert found.execute(samples.container("redis"), ["redis-cli", "PING"]) == (126, b"", b"No such exec instance")


def test_an_engine_that_is_being_restarted_is_waited_for(monkeypatch):
    answers = [docker.errors.DockerException("connection refused"), SimpleNamespace()]

    def connect(**_kwargs):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(docker, "APIClient", connect)
    monkeypatch.setattr(docker_stack, "ENGINE_PAUSE", 0.0)
    DockerStack("gateway")
    assert answers == []


@pytest.mark.parametrize(
    ("policy", "kept", "back"),
    [("always", "unless-stopped", "always"), ("unless-stopped", None, None), ("no", None, None)],
)
def test_a_stopped_kong_stays_off_through_a_restart_of_the_engine(policy, kept, back):
    found = engine()
    found.stay_off(samples.container("kong", restart_policy=policy))
    found.come_back(samples.container("kong", restart_policy=kept or policy), policy)
    changed = [call[-1]["restart_policy"]["Name"] for call in found.api.calls]
    assert changed == [name for name in (kept, back) if name]


def test_the_workers_of_before_a_reload_do_not_count():
    """They finish what they began, for hours where a client streams."""
    found = engine()
    rows = [
        ["1", "900", "nginx: master process nginx -g daemon off;"],
        ["31", "60", "nginx: worker process"],
        ["30", "61", "nginx: worker process"],
        ["20", "899", "nginx: worker process is shutting down"],
    ]
    found.api = SimpleNamespace(top=lambda _container, _columns: {"Processes": rows})
    assert found.worker_ages(samples.container("nginx")) == [60, 61]
    found.api = SimpleNamespace(top=lambda _container, _columns: {"Processes": None})
    assert found.worker_ages(samples.container("nginx")) == []

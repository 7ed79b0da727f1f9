"""Questions to the engine, against an API client that remembers."""

from __future__ import annotations

from types import SimpleNamespace

import docker
import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import docker_stack
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import (
    KEEP_LABEL,
    KEPT_FOR,
    DockerStack,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit import samples

LABEL = "com.docker.compose."


class Api:
    """As much of docker.APIClient as is asked."""

    def __init__(self, rows=(), images=None):
        self.rows, self.images, self.calls = list(rows), images or {}, []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.append((name, *args, kwargs) if kwargs else (name, *args))

    def containers(self, all=False, filters=None):  # noqa: A002  # the SDK's own name
        wanted = (filters or {}).get("label") or []
        names = (filters or {}).get("name")
        if names:
            return [item for item in self.rows if item["Names"][0] == names.strip("^$")]
        fits = [dict(pair.split("=", 1) for pair in wanted)]
        return [item for item in self.rows if all and fits[0].items() <= item["Labels"].items()]

    def inspect_container(self, container_id):
        row = next(item for item in self.rows if item["Id"] == container_id)
        if row.get("gone"):
            raise docker.errors.NotFound("gone")
        return {
            "Id": container_id,
            "Name": row["Names"][0],
            "Image": "sha256:i",
            "Config": {"Labels": row["Labels"]},
            "HostConfig": {},
            "State": {"Status": "running"},
        }

    def inspect_image(self, reference):
        if reference not in self.images:
            raise docker.errors.ImageNotFound("none")
        return self.images[reference]


def engine(*rows, images=None):
    found = DockerStack.__new__(DockerStack)
    found.project, found.api = "gateway", Api(rows, images)
    return found


def row(container_id, service, project="gateway", name="", **other):
    labels = {f"{LABEL}project": project, f"{LABEL}service": service, **other.pop("labels", {})}
    return {"Id": container_id, "Names": [f"/{name or container_id}"], "Labels": labels, **other}


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
    ("reference", "repository", "tag"),
    [
        ("gateway-kong", "gateway-kong", "latest"),
        ("redis:7.2", "redis", "7.2"),
        ("registry:5000/redis", "registry:5000/redis", "latest"),
        ("registry:5000/team/redis:7.2", "registry:5000/team/redis", "7.2"),
    ],
)
def test_tag(reference, repository, tag):
    found = engine()
    found.tag("sha256:a", reference)
    assert found.api.calls == [("tag", "sha256:a", repository, tag, {"force": True})]


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


class TestKeepImage:
    IMAGE = "sha256:" + "ab" * 32
    NAME = "kong-masking-recovery-keeps-abababababab-gateway"

    def test_a_tag_and_a_container_that_compose_does_not_take_for_its_own(self):
        labels = {f"{LABEL}project": "gateway", f"{LABEL}service": "kong", "other": "x"}
        config = {"Labels": labels, "Volumes": {"/data": {}}}
        found = engine(images={self.IMAGE: {"Id": self.IMAGE, "Config": config}})
        found.keep_image(self.IMAGE)
        (tag, host, create) = found.api.calls
        assert host == ("create_host_config", {"tmpfs": {"/data": ""}}), "the engine would make a volume"
        assert tag == ("tag", self.IMAGE, "kong-masking-recovery/kept", "abababababab", {"force": True})
        assert (create[0], create[1], create[2]["name"]) == ("create_container", self.IMAGE, self.NAME)
        foreign = {f"{LABEL}project": "", f"{LABEL}service": ""}
        assert create[2]["labels"] == {**foreign, KEEP_LABEL: self.IMAGE, KEPT_FOR: "gateway"}
        assert not any(call[0] == "start" for call in found.api.calls)

    def test_once(self):
        found = engine(row("1", "", name=self.NAME), images={self.IMAGE: {"Id": self.IMAGE, "Config": None}})
        found.keep_image(self.IMAGE)
        assert [call[0] for call in found.api.calls] == ["tag"]


class Keepers:
    """The containers that keep images, with an engine that finds them by labels."""

    IMAGE = "sha256:" + "ab" * 32

    def __init__(self, *owners, in_use=False):
        self.rows = [{"Id": owner, "Labels": {KEEP_LABEL: self.IMAGE, KEPT_FOR: owner}} for owner in owners]
        self.in_use, self.untagged = in_use, []

    def containers(self, all, filters):  # noqa: A002  # the SDK's own name
        wanted = [filters["label"]] if isinstance(filters["label"], str) else filters["label"]
        pairs = [pair.partition("=")[::2] for pair in wanted]
        return [
            row
            for row in self.rows
            if all and not any(row["Labels"].get(name) != value for name, value in pairs if value)
        ]

    def remove_container(self, name):
        self.rows = [row for row in self.rows if row["Id"] != name]

    def remove_image(self, reference):
        if self.in_use:
            raise docker.errors.APIError("conflict: a container runs on it")
        self.untagged.append(reference)


class TestFreeImage:
    @pytest.mark.parametrize(
        ("owners", "left", "untagged"),
        [
            (["gateway"], [], ["kong-masking-recovery/kept:abababababab"]),
            (["gateway", "another"], ["another"], []),
            (["another"], ["another"], []),
        ],
        ids=["the-last-one", "another-project-keeps-it", "not-ours"],
    )
    def test_each_project_lets_go_of_its_own(self, owners, left, untagged):
        found = engine()
        found.api = Keepers(*owners)
        assert found.kept_images() == [Keepers.IMAGE] * ("gateway" in owners)
        found.free_image(Keepers.IMAGE)
        assert ([row["Id"] for row in found.api.rows], found.api.untagged) == (left, untagged)
        assert found.kept_images() == []

    def test_an_image_that_runs_keeps_its_tag(self):
        found = engine()
        found.api = Keepers("gateway", in_use=True)
        found.free_image(Keepers.IMAGE)
        assert found.api.rows == []


@pytest.mark.parametrize(("reference", "found"), [("a", "sha256:a"), ("none", "")])
def test_image_id(reference, found):
    assert engine(images={"a": {"Id": "sha256:a"}}).image_id(reference) == found


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

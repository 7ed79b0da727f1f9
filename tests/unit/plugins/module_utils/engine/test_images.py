"""The images of an engine, and those that are kept for backups, against an API client that remembers."""

from __future__ import annotations

import docker
import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.images import KEEP_LABEL, KEPT_FOR
from ansible_collections.kong_masking.recovery.tests.unit.small_engine import LABEL, engine, row


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

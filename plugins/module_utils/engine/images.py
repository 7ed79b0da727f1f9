# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images of a Docker Engine, and those among them that are kept for a project's backups."""

from __future__ import annotations

import contextlib
from typing import Any

from ..libraries import docker
from .container import LABEL

KEEP_REPOSITORY = "kong-masking-recovery/kept"
KEEP_LABEL = "kong_masking.recovery.keeps"
KEPT_FOR = "kong_masking.recovery.kept_for"


class Images:
    """The images that one Compose project uses and keeps; api: the engine's client."""

    api: Any
    project: str

    def image_id(self, reference: str) -> str:
        """Return the image id behind a reference or id; empty when this engine has none."""
        try:
            return str(self.api.inspect_image(reference)["Id"])
        except (docker.errors.ImageNotFound, docker.errors.NullResource):
            return ""

    def image_facts(self, reference: str) -> dict[str, Any]:
        """Return an image's default environment (name → value), labels, and the volumes that it declares."""
        config = self.api.inspect_image(reference).get("Config") or {}
        env = dict(item.split("=", 1) for item in config.get("Env") or [] if "=" in item)
        return {"env": env, "labels": config.get("Labels") or {}, "volumes": sorted(config.get("Volumes") or {})}

    def tag(self, image_id: str, reference: str) -> None:
        """Make reference name image_id."""
        repository, _unused, tag = reference.rpartition(":")
        if not repository or "/" in tag:
            repository, tag = reference, "latest"
        self.api.tag(image_id, repository, tag, force=True)

    def keep_image(self, image_id: str) -> None:
        """Make sure that neither a rebuild nor ``docker image prune -a`` takes this image away.

        A tag alone does not survive that prune; a created, never started container does. Each project has its own, so
        that none lets an image go that another one's backups need.
        """
        short = _short(image_id)
        self.tag(image_id, f"{KEEP_REPOSITORY}:{short}")
        name = f"kong-masking-recovery-keeps-{short}-{self.project}"
        if self.api.containers(all=True, filters={"name": f"^/{name}$"}):
            return
        facts = self.image_facts(image_id)
        labels = {**_unlabelled(facts), KEEP_LABEL: image_id, KEPT_FOR: self.project}
        # Without this the engine would make a volume for each that the image declares.
        host = self.api.create_host_config(tmpfs=dict.fromkeys(facts["volumes"], ""))
        self.api.create_container(
            image_id,
            command=["true"],
            entrypoint=[],
            name=name,
            labels=labels,
            network_disabled=True,
            host_config=host,
        )

    def kept_images(self) -> list[str]:
        """Return the ids of the images that are kept for this project's backups."""
        kept = self.api.containers(all=True, filters={"label": [KEEP_LABEL, f"{KEPT_FOR}={self.project}"]})
        return sorted({str(item["Labels"][KEEP_LABEL]) for item in kept})

    def free_image(self, image_id: str) -> None:
        """Let go of a kept image; its tag goes with the last one that keeps it, unless a container runs on it."""
        for item in self.api.containers(all=True, filters={"label": f"{KEEP_LABEL}={image_id}"}):
            if item["Labels"].get(KEPT_FOR) == self.project:
                self.api.remove_container(item["Id"])
        if not self.api.containers(all=True, filters={"label": f"{KEEP_LABEL}={image_id}"}):
            with contextlib.suppress(docker.errors.APIError):
                self.api.remove_image(f"{KEEP_REPOSITORY}:{_short(image_id)}")

    def foreign_labels(self, image_id: str) -> dict[str, str]:
        """Return the labels that keep a container of an image from passing for one of the project's.

        Compose labels the images that it builds, and their containers inherit those labels.
        """
        return _unlabelled(self.image_facts(image_id))


def _unlabelled(facts: dict[str, Any]) -> dict[str, str]:
    return {key: "" for key in facts["labels"] if key.startswith(LABEL)}


def _short(image_id: str) -> str:
    return image_id.rsplit(":", maxsplit=1)[-1][:12]

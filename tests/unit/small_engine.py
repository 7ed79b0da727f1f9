"""An engine's API client that remembers what it was told, and a stack on it."""

from __future__ import annotations

import docker

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack

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

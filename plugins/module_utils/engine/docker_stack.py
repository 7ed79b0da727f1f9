# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker Engine as the collection needs it: typed questions in, typed answers out.

Everything is found by Compose's project label, never by a name prefix.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Iterator
from typing import Any

from ..errors import RecoveryError
from ..libraries import docker, need
from .container import LABEL, Container, from_inspect
from .images import Images

ENGINE_TIMEOUT = 30
DEFAULT_GRACE, LONGEST_GRACE = 10, 30
ENGINE_PATIENCE, ENGINE_PAUSE = 15.0, 0.3
NOT_CONNECTED, BEING_REMOVED = "is not connected to", "is marked for removal"


class DockerStack(Images):
    """One Compose project on one engine."""

    def __init__(self, project: str, timeout: int = ENGINE_TIMEOUT) -> None:
        need("docker", "PyYAML")
        self.project = project
        self.timeout = timeout
        self.connect()

    def connect(self, patience: float | None = None) -> None:
        """Connect to the engine; one that is being restarted is given some seconds."""
        end = time.monotonic() + (ENGINE_PATIENCE if patience is None else patience)
        while True:
            try:
                address = docker.utils.kwargs_from_env()  # type: ignore[attr-defined]
                self.api = docker.APIClient(version="auto", timeout=self.timeout, **address)
            except docker.errors.DockerException as exc:
                if time.monotonic() < end and "ermission" not in str(exc):
                    time.sleep(ENGINE_PAUSE)
                    continue
                raise RecoveryError(
                    f"The Docker Engine does not answer on this host: {exc}.",
                    "Start it (systemctl start docker) and check that this user may use it: docker info",
                ) from exc
            return

    def containers(self) -> dict[str, Container]:
        """Return service → its container, the first of several, one-off ones (``compose run``) left out."""
        found: dict[str, Container] = {}
        for container in self._own():
            if container.service:
                found.setdefault(container.service, container)
        return dict(sorted(found.items()))

    def container(self, service: str) -> Container | None:
        """Return one service's container, the first of several, or None."""
        return next(self._own(f"{LABEL}service={service}"), None)

    def replicas(self, service: str) -> list[Container]:
        """Return all containers of one service in the order of their numbers."""
        return list(self._own(f"{LABEL}service={service}"))

    def _own(self, *labels: str) -> Iterator[Container]:
        """Yield the project's containers by number, of two with one number the older.

        The other one is what Compose was about to put in its place when it was killed.
        """
        seen = set()
        for summary in self._listed(*labels):
            place = (summary["Labels"].get(f"{LABEL}service"), _number(summary))
            if place in seen or summary["Labels"].get(f"{LABEL}oneoff", "False") == "True":
                continue
            try:
                answer = self.api.inspect_container(summary["Id"])
            except docker.errors.NotFound:
                continue
            seen.add(place)
            yield from_inspect(answer)

    def _listed(self, *labels: str) -> list[dict[str, Any]]:
        """Return the engine's summaries of the project's containers, of one number the older first."""
        filters = {"label": [f"{LABEL}project={self.project}", *labels]}
        return sorted(self.api.containers(all=True, filters=filters), key=_age)

    def everyone(self) -> list[dict[str, Any]]:
        """Return the engine's summaries of all containers, other projects' included."""
        return list(self.api.containers(all=True))

    def networks(self) -> list[dict[str, Any]]:
        """Return the engine's descriptions of all networks."""
        return list(self.api.networks())

    def has_network(self) -> bool:
        """Say whether the project has a network."""
        return bool(self.own_networks())

    def own_networks(self) -> list[dict[str, Any]]:
        """Return the engine's descriptions of the networks that Compose made for the project."""
        return list(self.api.networks(filters={"label": [f"{LABEL}project={self.project}"]}))

    def remove_networks(self) -> int:
        """Remove the project's own networks and return how many; its containers are taken off first, others' never."""
        found = self.own_networks()
        for network in found:
            for item in self.api.containers(all=True, filters={"network": network["Id"]}):
                if item["Labels"].get(f"{LABEL}project") != self.project:
                    name = item["Names"][0].lstrip("/")
                    raise RecoveryError(
                        f"{name} is a stranger on network {network['Name']}, which cannot be made anew with it there.",
                        f"Take it off: docker network disconnect {network['Name']} {name}",
                    )
                self._take_off(item["Id"], network["Id"])
            self.api.remove_network(network["Id"])
        return len(found)

    def _take_off(self, container_id: str, network_id: str) -> None:
        """Take a container off a network; one that restarts in a loop has no place on it between two starts."""
        for last in (False, True):
            try:
                self.api.disconnect_container_from_network(container_id, network_id, force=True)
            except docker.errors.NotFound:  # gone meanwhile, as one-off ones go
                return
            except docker.errors.APIError as exc:
                if BEING_REMOVED in str(exc):
                    return
                if last or NOT_CONNECTED not in str(exc):
                    raise
                # Stopped, it comes to no further start, which would take a place again.
                self.api.stop(container_id, timeout=0)
            else:
                return

    def remove_half_made(self, service: str) -> None:
        """Remove what an interrupted Compose made to replace a container and never started, while that one is there.

        Compose replaces two of one number at once, and they then take each other's name.
        """
        seen: set[int] = set()
        for summary in self._listed(f"{LABEL}service={service}"):
            half_made = summary.get("State") == "created" and f"{LABEL}replace" in summary["Labels"]
            if half_made and _number(summary) in seen:
                with contextlib.suppress(docker.errors.NotFound):
                    self.api.remove_container(summary["Id"], force=True)
            seen.add(_number(summary))

    def execute(
        self, container: Container, cmd: list[str], env: dict[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run cmd inside a container; return exit status, standard output and standard error."""
        try:
            job = self.api.exec_create(container.id, cmd, environment=env or {})
            out, err = self.api.exec_start(job["Id"], demux=True)
            # Where the container ends meanwhile, the engine forgets what ran in it.
            status = int(self.api.exec_inspect(job["Id"])["ExitCode"] or 0)
        except docker.errors.APIError as exc:
            return 126, b"", str(exc).encode()
        return status, out or b"", err or b""

    def stream(self, container: Container, cmd: list[str], env: dict[str, str]) -> Iterator[tuple[bytes, bytes]]:
        """Run cmd inside a container and yield (stdout, stderr) chunks as they come; raise when it fails."""
        job = self.api.exec_create(container.id, cmd, environment=env)
        for out, err in self.api.exec_start(job["Id"], stream=True, demux=True):
            yield out or b"", err or b""
        status = self.api.exec_inspect(job["Id"])["ExitCode"]
        if status != 0:
            raise RecoveryError(
                f"{cmd[0]} in {container.name} ended with status {status}.", f"Look: docker logs {container.name}"
            )

    def stop(self, container: Container, longest: int = LONGEST_GRACE) -> None:
        """Stop with the service's own grace period (s, at most longest), then kill; a paused one is let go first."""
        grace = container.settings.get("stop_grace_seconds")
        if container.state == "paused":
            self.api.unpause(container.id)
        self.api.stop(container.id, timeout=min(DEFAULT_GRACE if grace is None else int(grace), longest))

    def stay_off(self, container: Container) -> None:
        """Keep a container that is about to be stopped from coming back by itself, should the engine be restarted.

        ``unless-stopped`` differs from ``always`` in just this.
        """
        if container.restart_policy == "always":
            self._policy(container, "unless-stopped")

    def come_back(self, container: Container, policy: str) -> None:
        """Give a container the restart policy back that stay_off took."""
        if policy == "always" and container.restart_policy == "unless-stopped":
            self._policy(container, policy)

    def _policy(self, container: Container, name: str) -> None:
        policy: Any = {"Name": name}
        self.api.update_container(container.id, restart_policy=policy)

    def start(self, container: Container) -> None:
        """Start a container that exists."""
        self.api.start(container.id)

    def remove(self, container: Container) -> None:
        """Remove a container of the project, running or not; its volumes stay."""
        self.api.remove_container(container.id, force=True)

    def worker_ages(self, container: Container) -> list[int]:
        """Return the ages (s) of the worker processes, the youngest first; a reload starts new ones.

        Those of before a reload, which only finish what they began, do not count.
        """
        try:
            table = self.api.top(container.id, "-eo pid,etimes,args")
        except docker.errors.APIError:
            return []
        rows = [row for row in table["Processes"] or [] if row[1].isdigit()]
        return sorted(int(row[1]) for row in rows if "worker process" in row[-1] and "shutting down" not in row[-1])

    def processes(self, container: Container) -> list[tuple[int, int, str, str]]:
        """Return (pid on the host, parent, state, command) of a container's processes; empty where nobody can tell."""
        try:
            table = self.api.top(container.id, "-eo pid,ppid,stat,args")
        except docker.errors.APIError:
            return []
        rows = [row for row in table["Processes"] or [] if row[0].isdigit() and row[1].isdigit()]
        return [(int(row[0]), int(row[1]), row[2], row[3]) for row in rows]

    def usage(self, container: Container) -> dict[str, Any]:
        """Return the engine's figures about a running container at this moment; empty where there are none."""
        try:
            return dict(self.api.stats(container.id, stream=False, one_shot=True))
        except docker.errors.APIError:
            return {}

    def read_file(self, container: Container, path: str) -> bytes:
        """Return a file as the container sees it, running or not; raise where it has none."""
        try:
            chunks, _stat = self.api.get_archive(container.id, path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = next((item for item in archive if item.isfile()), None)
                content = archive.extractfile(member) if member else None
                if content is not None:
                    return content.read()
        except docker.errors.APIError:
            pass
        raise RecoveryError(f"{container.name} has no file {path}.", f"Look: docker exec {container.name} ls -l {path}")

    def events(self, container: Container, since: int, until: int) -> list[dict[str, Any]]:
        """Return what the engine tells about a container between two moments (seconds since the epoch)."""
        try:
            rows = self.api.events(since=since, until=until, filters={"container": container.id}, decode=True)
            return [dict(row) for row in rows]
        except docker.errors.APIError:
            return []

    def project_networks(self) -> set[str]:
        """Return the names of the project's networks."""
        return {str(item["Name"]) for item in self.own_networks()}

    def start_error(self, container: Container) -> str:
        """Return why the engine could not start a container; empty when it could."""
        try:
            return str(self.api.inspect_container(container.id)["State"].get("Error") or "")
        except docker.errors.APIError:
            return ""

    def logs(self, container: Container, lines: int = 20) -> str:
        """Return the last lines of a container's log, unredacted."""
        return self.api.logs(container.id, tail=lines, stdout=True, stderr=True).decode("utf-8", "replace")

    def port_owner(self, port: int) -> str:
        """Return the name of the container that publishes a host port, whichever project it belongs to; else empty."""
        for summary in self.api.containers():
            if any(item.get("PublicPort") == port for item in summary.get("Ports") or []):
                return str(summary["Names"][0].lstrip("/"))
        return ""


def _number(summary: dict[str, Any]) -> int:
    return int(summary["Labels"].get(f"{LABEL}container-number", "1"))


def _age(summary: dict[str, Any]) -> tuple[int, int]:
    return _number(summary), int(summary.get("Created") or 0)

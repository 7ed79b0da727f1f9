# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As much of the Docker SDK as a rollback uses, on the standard library; for force_rollback on a target without it.

The methods ask what the SDK's methods of the same names ask, and return the same. Settings of the Docker client
(~/.docker/config.json) are not read. Any method raises APIError where the engine refuses (NotFound and ImageNotFound
where it has no such thing), NullResource for an empty name, and ConnectionError of the family of requests where the
engine went away.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from ..errors import RecoveryError
from . import plain_docker_errors as errors
from .plain_engine import Answer, Engine, address_of_environment, unframed

__all__ = ["APIClient", "errors", "utils"]

OLDEST = (1, 24)
ONE_SHOT_SINCE = (1, 41)

# Where the SDK keeps it.
utils = SimpleNamespace(kwargs_from_env=address_of_environment)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _filters(filters: Mapping[str, Any]) -> str:
    """Return filters as they travel: each a list of strings."""
    return json.dumps(
        {key: list(map(str, value if isinstance(value, list) else [value])) for key, value in filters.items()}
    )


def _set(**values: Any) -> dict[str, Any]:
    """Return those that have a value."""
    return {name: value for name, value in values.items() if value is not None}


class APIClient:
    """The engine's API in the version that the engine itself names; timeout (s) of one question."""

    def __init__(self, base_url: str = "", version: str = "auto", timeout: float = 60) -> None:
        self._engine = Engine(base_url, timeout)
        if version == "auto":
            try:
                version = str(self._engine.ask("GET", "/version").json()["ApiVersion"])
            except (OSError, ValueError, KeyError, TypeError) as exc:
                raise errors.DockerException(f"Error while fetching server API version: {exc}") from exc
        self.api_version = version
        if _number(version) < OLDEST:
            raise errors.InvalidVersion(f"API versions below {'.'.join(map(str, OLDEST))} are not spoken.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise RecoveryError(
            f"The question {name} to the Docker Engine needs the Python library docker.", "Install it for this task."
        )

    def _ask(self, method: str, path: str, *names: Any, **options: Any) -> Answer:
        """Send a question about what names name; {} in path stands for them."""
        known = [item.get("Id") if isinstance(item, dict) else item for item in names]
        if not all(known):
            raise errors.NullResource("Resource ID was not provided")
        full = path.format(*(quote(str(item), safe="/:") for item in known))
        return self._engine.ask(method, f"/v{self.api_version}{full}", **options)

    def _do(self, method: str, path: str, *names: Any, **options: Any) -> None:
        self._ask(method, path, *names, **options).read()

    # Containers

    def containers(self, all: bool = False, filters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:  # noqa: A002
        """Return summaries of the running containers, or of all."""
        params: dict[str, Any] = {"limit": -1, "all": int(all), "size": 0, "trunc_cmd": 0}
        params.update(_set(filters=_filters(filters) if filters else None))
        return list(self._ask("GET", "/containers/json", params=params).json())

    def inspect_container(self, container: Any) -> dict[str, Any]:
        """Return everything about a container."""
        return dict(self._ask("GET", "/containers/{}/json", container).json())

    def create_host_config(
        self,
        binds: Sequence[str] | None = None,
        tmpfs: Mapping[str, str] | None = None,
        network_mode: str = "default",
        volumes_from: Sequence[str] | None = None,
        log_config: Mapping[str, str] | None = None,
        userns_mode: str | None = None,
    ) -> dict[str, Any]:
        """Return the host's side of a container that is to be created."""
        found: dict[str, Any] = {"NetworkMode": network_mode}
        found.update(_set(VolumesFrom=volumes_from, Binds=None if binds is None else list(binds)))
        found.update(_set(UsernsMode=userns_mode))
        if tmpfs:
            found["Tmpfs"] = dict(tmpfs)
        if log_config:
            found["LogConfig"] = {"Type": log_config["type"], "Config": {}}
        return found

    def create_container(  # noqa: PLR0913  # as many as the SDK's own
        self,
        image: str,
        command: Sequence[str] | None = None,
        *,
        entrypoint: Sequence[str] | None = None,
        name: str | None = None,
        user: str | None = None,
        environment: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        network_disabled: bool = False,
        working_dir: str | None = None,
        host_config: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Create a container; return its Id and warnings."""
        streams = {"AttachStdin": False, "AttachStdout": True, "AttachStderr": True}
        body = {"Tty": False, "OpenStdin": False, "StdinOnce": False, **streams, "NetworkDisabled": network_disabled}
        body.update(_set(User=user, Env=environment, Cmd=command, Image=image, Entrypoint=entrypoint))
        body.update(_set(WorkingDir=working_dir))
        body.update(_set(HostConfig=host_config, Labels=labels))
        return dict(self._ask("POST", "/containers/create", params=_set(name=name), body=body).json())

    def start(self, container: Any) -> None:
        """Start a container; one that runs stays as it is."""
        self._do("POST", "/containers/{}/start", container)

    def stop(self, container: Any, timeout: int = 10) -> None:
        """Stop a container, after timeout (s) by force."""
        patience = None if self._engine.timeout is None else self._engine.timeout + timeout
        self._do("POST", "/containers/{}/stop", container, params={"t": timeout}, timeout=patience)

    def unpause(self, container: Any) -> None:
        """Let a paused container go on."""
        self._do("POST", "/containers/{}/unpause", container)

    def update_container(self, container: Any, restart_policy: Mapping[str, Any]) -> dict[str, Any]:
        """Give a container another restart policy; return the engine's warnings."""
        body = {"RestartPolicy": dict(restart_policy)}
        return dict(self._ask("POST", "/containers/{}/update", container, body=body).json())

    def wait(self, container: Any, timeout: float | None = None) -> dict[str, Any]:
        """Wait until a container ends; return its StatusCode. Raise a Timeout after timeout (s)."""
        return dict(self._ask("POST", "/containers/{}/wait", container, timeout=timeout).json())

    def remove_container(self, container: Any, v: bool = False, force: bool = False) -> None:
        """Remove a container; v: its anonymous volumes too; force: although it runs."""
        self._do("DELETE", "/containers/{}", container, params={"v": v, "link": False, "force": force})

    # What a container shows

    def top(self, container: Any, ps_args: str) -> dict[str, Any]:
        """Return Titles and Processes of a container."""
        return dict(self._ask("GET", "/containers/{}/top", container, params={"ps_args": ps_args}).json())

    def stats(self, container: Any, stream: bool = False, one_shot: bool = True) -> dict[str, Any]:
        """Return one reading of a container's usage; raise InvalidVersion where the engine cannot give just one."""
        if one_shot and _number(self.api_version) < ONE_SHOT_SINCE:
            raise errors.InvalidVersion("one_shot is not supported for API version < 1.41")
        params = {"stream": stream, "one-shot": one_shot}
        return dict(self._ask("GET", "/containers/{}/stats", container, params=params).json())

    def logs(
        self,
        container: Any,
        stdout: bool = True,
        stderr: bool = True,
        *,
        timestamps: bool = False,
        tail: int | str = "all",
        since: int | None = None,
    ) -> bytes:
        """Return a container's log, its last tail lines, both streams joined."""
        params: dict[str, Any] = {
            "stderr": int(stderr),
            "stdout": int(stdout),
            "timestamps": int(timestamps),
            "follow": 0,
        }
        params.update(tail=tail, **_set(since=since))
        said = self._ask("GET", "/containers/{}/logs", container, params=params).read()
        return said if self.inspect_container(container)["Config"]["Tty"] else unframed(said)

    def get_archive(self, container: Any, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        """Return (a tar archive in pieces, what the engine says about the path)."""
        answer = self._ask("GET", "/containers/{}/archive", container, params={"path": path})
        about = base64.b64decode(answer.reply.getheader("X-Docker-Container-Path-Stat") or "e30=")
        return answer.chunks(), dict(json.loads(about))

    def exec_create(
        self, container: Any, cmd: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Prepare a command inside a container; return its Id."""
        body = {"Container": container, "User": "", "Privileged": False, "Tty": False, "Cmd": list(cmd)}
        body.update(AttachStdin=False, AttachStdout=True, AttachStderr=True)
        body.update(_set(Env=None if environment is None else [f"{key}={value}" for key, value in environment.items()]))
        return dict(self._ask("POST", "/containers/{}/exec", container, body=body).json())

    def exec_start(self, exec_id: Any, stream: bool = False, demux: bool = True) -> Any:
        """Run a prepared command; return (stdout, stderr), None for what it did not use, or yield pieces of both."""
        if not demux:
            raise RecoveryError(
                "A command's streams in one need the Python library docker.", "Install it for this task."
            )
        body = {"Tty": False, "Detach": False}
        frames = self._ask("POST", "/exec/{}/start", exec_id, body=body, upgrade=True).frames()
        if stream:
            return frames
        out: list[bytes] = []
        err: list[bytes] = []
        for said, complained in frames:
            out += [said] if said is not None else []
            err += [complained] if complained is not None else []
        return b"".join(out) if out else None, b"".join(err) if err else None

    def exec_inspect(self, exec_id: Any) -> dict[str, Any]:
        """Return what became of a command: Running, ExitCode."""
        return dict(self._ask("GET", "/exec/{}/json", exec_id).json())

    # Images, networks, events

    def inspect_image(self, image: Any) -> dict[str, Any]:
        """Return everything about an image."""
        return dict(self._ask("GET", "/images/{}/json", image).json())

    def tag(self, image: Any, repository: str, tag: str | None = None, force: bool = False) -> bool:
        """Give an image one more name."""
        params = {**_set(tag=tag), "repo": repository, "force": int(force)}
        answer = self._ask("POST", "/images/{}/tag", image, params=params)
        answer.read()
        return answer.reply.status == 201

    def remove_image(self, image: Any, force: bool = False) -> list[dict[str, Any]]:
        """Remove a name of an image, with the last one the image."""
        return list(self._ask("DELETE", "/images/{}", image, params={"force": force, "noprune": False}).json())

    def networks(self, filters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return descriptions of networks."""
        return list(self._ask("GET", "/networks", params={"filters": _filters(filters or {})}).json())

    def remove_network(self, net_id: Any) -> None:
        """Remove a network without containers."""
        self._do("DELETE", "/networks/{}", net_id)

    def disconnect_container_from_network(self, container: Any, net_id: Any, force: bool = False) -> None:
        """Take a container off a network."""
        self._do("POST", "/networks/{}/disconnect", net_id, body={"Container": container, "Force": force})

    def events(
        self, since: int, until: int, filters: Mapping[str, Any] | None = None, decode: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Yield what happened between two moments (s since the epoch)."""
        if not decode:
            raise RecoveryError("Events as text need the Python library docker.", "Install it for this task.")
        params = {"since": since, "until": until, **_set(filters=_filters(filters) if filters else None)}
        answer = self._ask("GET", "/events", params=params, timeout=None)
        return (json.loads(line) for line in answer.lines() if line.strip())

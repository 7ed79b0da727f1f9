# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known about one container of the stack, read from an ``inspect`` answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..times import parse_time

LABEL = "com.docker.compose."
# Seconds after which a container that fell is taken to stay up.
SETTLED_SECONDS = 10.0
NAMELESS = "is not found by its name on the project's network"
UNHEALTHY = "is unhealthy"
# Somebody else holds its address there, or nothing leads to it; a new start gives it the same address.
UNREACHED = "listens, but is not reached at its address on the project's network"
# A Kong that was killed leaves its sockets in its container, and some releases then never start in it again.
OLD_SOCKETS = "cannot start over its sockets of before"
# What was mounted when a container was made stays a file, or a directory, for it: it never starts over the other one.
OTHER_KIND = "cannot start over what was a file and is a directory, or the other way round"
_OTHER_KIND_SAID = "mount a directory onto a file"
ENGINE_NETWORKS = ("host", "none", "bridge")
ANY_ADDRESS = "0.0.0.0"  # noqa: S104  # read, never bound
# What Compose calls a service that others wait for until it has done its work.
COMPLETED = "service_completed_successfully"
# Policies by which what ended with 0 is not started again.
NEVER_AGAIN = ("", "no", "on-failure")


@dataclass(frozen=True)
class Mount:
    """A bind mount or volume: type, source on the host, destination inside, writable."""

    type: str
    source: str
    destination: str
    writable: bool


@dataclass(frozen=True)
class Container:
    """One container as the engine reports it; env holds values and must not leave the module unredacted."""

    id: str
    name: str
    service: str
    image_id: str
    image_ref: str
    config_hash: str
    compose_version: str
    depends_on: tuple[str, ...]
    env: Mapping[str, str]
    state: str
    health: str
    exit_code: int
    oom_killed: bool
    restarts: int
    created: str
    started_at: str
    mounts: tuple[Mount, ...]
    ports: Mapping[str, tuple[str, int]]
    addresses: Mapping[str, str]
    aliases: tuple[str, ...]
    restart_policy: str
    settings: Mapping[str, Any]
    pid: int = 0
    compose_files: tuple[str, ...] = ()
    error: str = ""

    @property
    def running(self) -> bool:
        """Running and able to answer: neither paused nor in a restart loop."""
        return self.state == "running"

    @property
    def nameless(self) -> bool:
        """Whether its service name is missing from its network aliases."""
        mode = str(self.settings.get("network_mode", ""))
        shared = mode in ENGINE_NETWORKS or mode.startswith("container:")
        return not shared and self.service not in self.aliases

    @property
    def address(self) -> str:
        """The container's own address on the project's network; empty when it has none."""
        return next((address for address in self.addresses.values() if address), "")

    @property
    def trouble(self) -> str:
        """Why this container needs a new start; empty when it needs none.

        A failing health check alone is no trouble as long as the process runs: readiness is asked of the service.
        """
        # Taken off its networks, a container does not get them back by a start.
        lost = f", {NAMELESS}" if self.nameless and not self.addresses else ""
        if self.oom_killed and not self.running:
            return f"was killed for lack of memory{lost}"
        if self.state in ("restarting", "paused", "dead", "removing"):
            return f"is {self.state}{lost}"
        if self.state != "running":
            kind = f", {OTHER_KIND}" if _OTHER_KIND_SAID in self.error else ""
            return f"is {self.state} with exit status {self.exit_code}{kind}{lost}"
        if self.nameless:
            return NAMELESS
        if self.health == "unhealthy":
            return UNHEALTHY
        return ""

    def unsettled(self, now: float) -> str:
        """Why nobody can say yet that this container stays up: the engine has just started it again.

        now: seconds since the epoch. Empty where it never fell, or has been up for long enough.
        """
        up = now - self.started
        return f"is up for {up:.0f} s only" if self.restarts and up < SETTLED_SECONDS else ""

    @property
    def started(self) -> float:
        """When it was started, in seconds since the epoch; 0 when never."""
        moment = parse_time(self.started_at)
        return moment.timestamp() if moment and moment.year > 1 else 0.0

    def mounted_at(self, inside: str) -> str:
        """Return the path on the host of a path inside the container; empty when no mount covers it."""
        best: Mount | None = None
        for mount in self.mounts:
            covers = inside == mount.destination or inside.startswith(mount.destination.rstrip("/") + "/")
            if covers and mount.source and (best is None or len(mount.destination) > len(best.destination)):
                best = mount
        return best.source + inside[len(best.destination.rstrip("/")) :] if best else ""


def is_job(container: Container, core: Collection[str]) -> bool:
    """Say whether a container is a one-shot job that did its work: it ended with 0 and nothing was to start it again.

    Starting it again would do its work twice. A core service never is one: it has to run.
    """
    done = container.state == "exited" and container.exit_code == 0
    return done and container.restart_policy in NEVER_AGAIN and container.service not in core


def from_inspect(answer: Mapping[str, Any]) -> Container:
    """Build a Container from the engine's answer to ``GET /containers/ID/json``."""
    config, host, state = answer["Config"], answer["HostConfig"], answer["State"]
    labels = config.get("Labels") or {}
    network = answer.get("NetworkSettings") or {}
    return Container(
        id=answer["Id"],
        name=answer["Name"].lstrip("/"),
        service=labels.get(f"{LABEL}service", ""),
        image_id=answer["Image"],
        image_ref=config.get("Image", ""),
        config_hash=labels.get(f"{LABEL}config-hash", ""),
        compose_version=labels.get(f"{LABEL}version", ""),
        depends_on=tuple(part.split(":")[0] for part in labels.get(f"{LABEL}depends_on", "").split(",") if part),
        env=dict(item.split("=", 1) for item in config.get("Env") or [] if "=" in item),
        state="paused" if state.get("Paused") else "restarting" if state.get("Restarting") else state.get("Status", ""),
        health=(state.get("Health") or {}).get("Status", "none"),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        restarts=int(answer.get("RestartCount") or 0),
        created=answer.get("Created", ""),
        started_at=state.get("StartedAt", ""),
        mounts=_mounts(answer.get("Mounts") or [], host.get("Tmpfs") or {}),
        ports=_published(host.get("PortBindings") or {}, network.get("Ports") or {}),
        addresses={name: link.get("IPAddress", "") for name, link in sorted((network.get("Networks") or {}).items())},
        aliases=tuple(
            sorted({name for link in (network.get("Networks") or {}).values() for name in link.get("Aliases") or []})
        ),
        restart_policy=(host.get("RestartPolicy") or {}).get("Name", ""),
        settings=_settings(config, host, network),
        pid=int(state.get("Pid") or 0),
        error=state.get("Error") or "",
        compose_files=tuple(filter(None, labels.get(f"{LABEL}project.config_files", "").split(","))),
    )


def _mounts(listed: Iterable[Mapping[str, Any]], in_memory: Iterable[str]) -> tuple[Mount, ...]:
    """Return what is mounted by place; a tmpfs hides the volume that the image wants there, which is listed too."""
    found = {
        item["Destination"]: Mount(
            item.get("Type", ""), item.get("Source", ""), item["Destination"], bool(item.get("RW"))
        )
        for item in listed
    }
    found.update({place: Mount("tmpfs", "", place, writable=True) for place in in_memory})
    return tuple(found[place] for place in sorted(found))


def _published(wanted: Mapping[str, Any], bound: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Return container port → (host address, host port): what is bound now, else what the container asks for."""
    ports: dict[str, tuple[str, int]] = {}
    for inside in sorted(set(wanted) | set(bound)):
        # An engine may say that it bound :: where all addresses were asked for.
        only_ipv6 = {item.get("HostIp") for item in wanted.get(inside) or []} == {"::"}
        anywhere = {ANY_ADDRESS: "127.0.0.1", "::": "::1" if only_ipv6 else "127.0.0.1"}
        for item in bound.get(inside) or wanted.get(inside) or []:
            # What does not run may ask for one of several ports (8100-8110): which one it gets is not known yet.
            if str(item.get("HostPort") or "").isdigit():
                address = item.get("HostIp") or ANY_ADDRESS
                ports.setdefault(inside, (anywhere.get(address, address), int(item["HostPort"])))
    return ports


def _settings(config: Mapping[str, Any], host: Mapping[str, Any], network: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes two containers differ to their user; compared where config-hash labels cannot be."""
    return {
        "command": config.get("Cmd") or [],
        "entrypoint": config.get("Entrypoint") or [],
        "user": config.get("User", ""),
        "working_dir": config.get("WorkingDir", ""),
        "stop_grace_seconds": config.get("StopTimeout"),
        "healthcheck": config.get("Healthcheck") or {},
        "memory": host.get("Memory") or 0,
        "cpus": (host.get("NanoCpus") or 0) / 1e9,
        "restart": (host.get("RestartPolicy") or {}).get("Name", ""),
        "ports": dict(sorted((host.get("PortBindings") or {}).items())),
        "binds": sorted(host.get("Binds") or []),
        "network_mode": host.get("NetworkMode") or "",
        "networks": sorted(network.get("Networks") or {}),
    }


def as_record(container: Container) -> dict[str, Any]:
    """Return the container as JSON types for the backup's containers.json (0600: it holds environment values)."""
    return {
        "id": container.id,
        "name": container.name,
        "image_id": container.image_id,
        "image_ref": container.image_ref,
        "config_hash": container.config_hash,
        "compose_version": container.compose_version,
        "depends_on": list(container.depends_on),
        "env": dict(container.env),
        "state": container.state,
        "health": container.health,
        "started_at": container.started_at,
        "restarts": container.restarts,
        "settings": dict(container.settings),
    }


def differences(recorded: Mapping[str, Any], container: Container, kept: Collection[str] = ()) -> list[str]:
    """Return the variables and settings that differ from a record, kept variables aside.

    Nothing differs where the same Compose gave both the same label.
    """
    labels = (recorded["config_hash"], recorded["compose_version"])
    if not kept and labels == (container.config_hash, container.compose_version):
        return []
    now = json.loads(json.dumps(as_record(container)))
    names = {name for name in {*now["env"], *recorded["env"]} if now["env"].get(name) != recorded["env"].get(name)}
    fields = {name for name in now["settings"] if now["settings"][name] != recorded["settings"].get(name)}
    return sorted(names - set(kept)) + sorted(fields)


def ended_since(recorded: Mapping[str, Mapping[str, Any]], containers: Mapping[str, Container]) -> dict[str, str]:
    """Return service → what is wrong with each that ran when a record was made and does not run now.

    One that stopped with 0 may look like a job that is done.
    """
    ran = {name for name, item in recorded.items() if item.get("state") == "running"}
    return {name: item.trouble for name, item in containers.items() if name in ran and not item.running}

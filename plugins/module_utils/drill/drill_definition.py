# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn a stack's definition into one that can run beside it and touches nothing of it. Pure.

What Compose reads from the backup's files is taken as it is, but for everything that reaches outside: names, ports,
networks, volumes, labels, hosts, devices. Outside data are never given to a scratch container for writing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

FILE, DIRECTORY, OTHER, ABSENT = "file", "directory", "other", "absent"
# A host's own trees: mounted even for reading only, they hand over the engine's socket or the host itself.
HOST_TREES = ("/var/run", "/run", "/proc", "/sys", "/dev", "/var/lib/docker")
KEPT_FIELDS = (
    "cap_drop",
    "command",
    "configs",
    "cpus",
    "deploy",
    "dns_search",
    "entrypoint",
    "environment",
    "extra_hosts",
    "group_add",
    "healthcheck",
    "hostname",
    "init",
    "links",
    "mem_limit",
    "mem_reservation",
    "memswap_limit",
    "networks",
    "oom_kill_disable",
    "platform",
    "read_only",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "user",
    "volumes",
    "working_dir",
)


@dataclass
class Scratch:
    """The definition to run, and what differs from the real one.

    left_out: service → why it cannot run here; notes: what a person should know; folders: empty directories to make,
    path below the private folder → the live path whose owner and mode they take.
    """

    document: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where things are: the private folder's copy of the stack, a folder for empty data, and the questions to ask.

    relative(path) gives a path below the live stack, or empty; kind(path) what stands there on the host.
    """

    copy: str
    empty: str
    relative: Callable[[str], str]
    kind: Callable[[str], str]


def scratch(
    document: Mapping[str, Any],
    services: Mapping[str, Mapping[str, Any]],
    project: str,
    labels: Mapping[str, str],
    place: Place,
) -> Scratch:
    """Return the scratch definition of ``docker compose config``'s document; services are the backup's records."""
    result = Scratch({"name": project})
    wanted: dict[str, Any] = {}
    for name, definition in (document.get("services") or {}).items():
        if name not in services:
            continue
        why = _cannot_run(definition)
        mounts: list[Any] = []
        if not why:
            mounts, why = _mounts(name, definition, place, result)
        if why:
            result.left_out[name] = why
            continue
        kept = {key: value for key, value in definition.items() if key in KEPT_FIELDS and value is not None}
        kept.update(image=services[name]["image_id"], pull_policy="never", restart="no", labels=dict(labels))
        kept.update(logging={"driver": "json-file"}, volumes=mounts)
        if definition.get("network_mode"):
            kept["network_mode"] = definition["network_mode"]
        if isinstance(definition.get("networks"), Mapping):
            kept["networks"] = {key: _link(value) for key, value in definition["networks"].items()}
        if isinstance(kept.get("deploy"), Mapping):
            kept["deploy"] = {"resources": kept["deploy"].get("resources") or {}}
        wanted[name] = kept
    for name in set(services) - set(wanted) - set(result.left_out):
        result.left_out[name] = "the backup's definition does not have it"
    result.document["services"] = wanted
    # A network without a way out: nothing of a rehearsal reaches the provider, a live service or a collector of logs.
    result.document["networks"] = {
        name: {"internal": True, "labels": dict(labels)} for name in document.get("networks") or {}
    }
    result.document["volumes"] = {name: {"labels": dict(labels)} for name in document.get("volumes") or {}}
    result.notes += [f"volume {name} begins empty" for name in document.get("volumes") or {}]
    for kind in ("secrets", "configs"):
        if document.get(kind):
            result.document[kind] = {name: _source(about, place) for name, about in document[kind].items()}
    return result


def _cannot_run(definition: Mapping[str, Any]) -> str:
    """Return why a service cannot be started beside the live one without touching something; empty when it can."""
    mode = str(definition.get("network_mode") or "")
    if mode and mode != "none" and not mode.startswith("service:"):
        return f"it uses the network of {'the host' if mode == 'host' else mode}"
    for name in ("privileged", "use_api_socket"):
        if definition.get(name):
            return f"it is {name.replace('_', ' ')}"
    if any(definition.get(name) for name in ("devices", "device_cgroup_rules", "gpus", "provider")):
        return "it uses devices of the host"
    if any(str(definition.get(name) or "") == "host" for name in ("pid", "ipc", "uts", "userns_mode", "cgroup")):
        return "it shares a namespace of the host"
    if definition.get("volumes_from"):
        return "it takes the volumes of another container"
    return ""


def _link(about: Any) -> Any:
    """Return a service's place on a network without what is fixed: addresses belong to the live one."""
    if not isinstance(about, Mapping):
        return None
    return {"aliases": list(about["aliases"])} if about.get("aliases") else None


def _mounts(service: str, definition: Mapping[str, Any], place: Place, result: Scratch) -> tuple[list[Any], str]:
    """Return (the mounts of a scratch container, why it cannot have them)."""
    mounts: list[Any] = []
    for number, item in enumerate(definition.get("volumes") or []):
        if item["type"] != "bind":
            mounts.append(item)
            continue
        source, inside = str(item["source"]), _below(str(item["source"]), place)
        if inside:
            result.folders[os.path.join(place.copy, inside)] = inside
            mounts.append({**item, "source": os.path.join(place.copy, inside)})
            continue
        kind = place.kind(source)
        if source == "/" or kind == OTHER or any(_covers(tree, source) for tree in HOST_TREES):
            return [], f"it mounts {source} of the host"
        if item.get("read_only") and kind != ABSENT:
            mounts.append(item)
            continue
        # Data outside the stack: the scratch container gets an empty place of the same kind instead.
        own = os.path.join(place.empty, f"{service}-{number}")
        result.folders[own] = source
        result.notes.append(f"{service} has an empty place instead of {source}")
        mounts.append({**item, "source": own})
    return mounts, ""


def _below(source: str, place: Place) -> str:
    """Return the path of a source relative to the stack, whether it was written relative or absolute."""
    if source == place.copy or source.startswith(place.copy + os.sep):
        return os.path.relpath(source, place.copy)
    return place.relative(source)


def _covers(tree: str, path: str) -> bool:
    return path == tree or path.startswith(tree + "/") or tree.startswith(path.rstrip("/") + "/")


def _source(about: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return a secret or a config whose file is the backup's; the name by which the live one is known goes."""
    kept = {key: value for key, value in about.items() if key not in ("name", "labels")}
    if "file" in kept:
        inside = _below(str(kept["file"]), place)
        kept["file"] = os.path.join(place.copy, inside) if inside else kept["file"]
    return kept


def waves(services: Mapping[str, Mapping[str, Any]], core: tuple[str, str, str]) -> list[list[str]]:
    """Return the services in the order in which they start: Redis; Kong and what needs neither; all the others.

    services: name → its record in the manifest, which tells what it depends on.
    """
    redis, kong, proxy = core
    behind = {kong, proxy}
    late: set[str] = set()
    while True:
        more = {name for name, item in services.items() if name != kong and (behind | late) & set(item["depends_on"])}
        if more <= late:
            break
        late |= more
    late |= {proxy} & set(services)
    first = [name for name in (redis,) if name in services]
    second = sorted(set(services) - late - {redis})
    return [wave for wave in (first, second, sorted(late - {redis, kong})) if wave]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Memory limits of a rehearsal, and its leftovers, which are found by label."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ..engine.docker_stack import DockerStack
from ..engine.process_name import process_id
from ..errors import RecoveryError
from ..libraries import docker
from ..redis.redis_scratch import LABEL, MEMORY_FACTOR, OWNER
from ..runner import Runner

SCRATCH_PROJECT = "com.docker.compose.project"
PREFIX = "kmr-drill-"
RESERVE = 256 << 20
# A container whose use is not known: about what a Kong with one worker takes.
UNKNOWN_USE = 256 << 20


def labels_of(live: DockerStack) -> dict[str, str]:
    """Return the labels of everything that a rehearsal makes: whose it is, and which process it belongs to."""
    return {LABEL: live.project, OWNER: process_id(os.getpid())}


def need_memory(runner: Runner, live: DockerStack, dump_bytes: int) -> None:
    """Raise where a second stack could drive the host out of memory: the live one would be killed for it."""
    used = sum(_use(live, container.id) for container in live.containers().values() if container.running)
    wanted, free = used + dump_bytes * MEMORY_FACTOR + RESERVE, runner.available_memory()
    if free < wanted:
        raise RecoveryError(
            f"A rehearsal beside the live stack may take {wanted >> 20} MiB, the host has {free >> 20} available.",
            "Rehearse when less runs, or on another host.",
            available_bytes=free,
            wanted_bytes=wanted,
        )


def _use(live: DockerStack, container: str) -> int:
    try:
        found = live.api.stats(container, stream=False, one_shot=True)["memory_stats"]
        return int(found["usage"]) - int((found.get("stats") or {}).get("inactive_file", 0))
    except (docker.errors.APIError, KeyError, TypeError, ValueError):
        return UNKNOWN_USE


@contextlib.contextmanager
def swept(live: DockerStack, project: str) -> Iterator[None]:
    """Clear what killed rehearsals left, and at the end everything of this one, whatever happened."""
    sweep(live)
    try:
        yield
    finally:
        _remove(live, f"{SCRATCH_PROJECT}={project}")
        _remove(live, f"{LABEL}={project}")


def sweep(live: DockerStack) -> int:
    """Remove what rehearsals of this project left whose process is gone; return how many of them there were."""
    dead = set()
    for kind in ("containers", "networks", "volumes"):
        for labels in _labels(live, kind, f"{LABEL}={live.project}"):
            owner = labels.get(OWNER, "")
            pid = owner.split(":")[0]
            gone = not pid.isdigit() or process_id(int(pid)) != owner
            if gone and labels.get(SCRATCH_PROJECT, "").startswith(PREFIX):
                dead.add(labels[SCRATCH_PROJECT])
    for project in dead:
        _remove(live, f"{SCRATCH_PROJECT}={project}")
        _remove(live, f"{LABEL}={project}")
    return len(dead)


def _labels(live: DockerStack, kind: str, label: str) -> list[dict[str, str]]:
    return [item.get("Labels") or {} for item in _found(live, kind, label)]


def _found(live: DockerStack, kind: str, label: str) -> list[dict[str, Any]]:
    filters = {"label": label}
    if kind == "containers":
        return list(live.api.containers(all=True, filters=filters))
    if kind == "networks":
        return list(live.api.networks(filters=filters))
    return list(live.api.volumes(filters=filters).get("Volumes") or [])


def _remove(live: DockerStack, label: str) -> None:
    """Remove what carries a label; what another hand removed meanwhile is no failure."""
    for item in _found(live, "containers", label):
        with contextlib.suppress(docker.errors.APIError):
            live.api.remove_container(item["Id"], force=True, v=True)
    for item in _found(live, "networks", label):
        with contextlib.suppress(docker.errors.APIError):
            live.api.remove_network(item["Id"])
    for item in _found(live, "volumes", label):
        with contextlib.suppress(docker.errors.APIError):
            live.api.remove_volume(item["Name"], force=True)

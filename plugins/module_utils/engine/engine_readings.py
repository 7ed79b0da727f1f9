# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine knows about containers beside their state: usage, logs with times, kills for lack of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import RecoveryError
from ..libraries import docker
from .container import Container
from .docker_stack import DockerStack

LOG_LINES = 20000


def usage(engine: DockerStack, container: Container) -> dict[str, Any]:
    """Return one reading of a container's usage as the engine gives it; empty where it gives none."""
    try:
        found = engine.api.stats(container.id, stream=False, one_shot=True)
    except (docker.errors.APIError, docker.errors.InvalidVersion):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def memory_share(reading: Mapping[str, Any]) -> float | None:
    """Return the share of its limit that a container uses, the kernel's reclaimable cache aside. Pure."""
    memory = reading.get("memory_stats") or {}
    used, limit = memory.get("usage"), memory.get("limit")
    if not used or not limit:
        return None
    about = memory.get("stats") or {}
    cache = about.get("inactive_file", about.get("total_inactive_file", 0))
    return max(0, used - cache) / limit


def cpu_share(earlier: Mapping[str, Any], later: Mapping[str, Any], cpus: float) -> float | None:
    """Return the share of its processor time that a container used between two readings. Pure.

    cpus: its limit; 0 takes all of the machine's.
    """
    before, after = earlier.get("cpu_stats") or {}, later.get("cpu_stats") or {}
    try:
        used = after["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
        whole = after["system_cpu_usage"] - before["system_cpu_usage"]
        there = after.get("online_cpus") or len(after["cpu_usage"].get("percpu_usage") or [0])
    except KeyError:
        return None
    return used / whole * there / (cpus or there) if whole > 0 and used >= 0 else None


def log_since(engine: DockerStack, container: Container, since: float) -> str:
    """Return a container's log since a time (s since the epoch), each line led by the engine's own time.

    Raise where its logging driver keeps nothing that can be read.
    """
    try:
        found = engine.api.logs(container.id, since=int(since), timestamps=True, tail=LOG_LINES)
    except docker.errors.APIError as exc:
        raise RecoveryError(f"The log of {container.name} cannot be read.") from exc
    return str(found.decode("utf-8", "replace"))


def killed_for_memory(engine: DockerStack, since: float, until: float) -> set[str]:
    """Return the names of the project's containers in which a process was killed for lack of memory."""
    filters = {"event": "oom", "label": f"com.docker.compose.project={engine.project}"}
    try:
        found = engine.api.events(since=int(since), until=int(until) + 1, filters=filters, decode=True)
        return {str(item["Actor"]["Attributes"].get("name", "")) for item in found if isinstance(item, dict)}
    except docker.errors.APIError:
        return set()

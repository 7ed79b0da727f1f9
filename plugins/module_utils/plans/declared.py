# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services of a definition, for a backup that recorded none of its own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..engine import compose
from ..engine.container import ANY_ADDRESS, COMPLETED


def declared(
    resolved: Mapping[str, Any],
    project: str,
    relative: Callable[[str], str],
    core: Iterable[str],
    present: Callable[[str], bool],
    runs: bool,
) -> dict[str, dict[str, Any]]:
    """Return service → image_ref, present, depends_on, mounts (relative to the stack), name, places and wanted.

    name: of its container, where one is given; places: on the host, as in boundary.py; wanted: whether it is.
    A service without a container is wanted, so made anew, where the core needs it. Any other one may be a job that did
    its work and was removed: it is wanted where something starts it again whenever it ends, or where nothing of the
    project is there any more. resolved: service → definition as Compose resolved it, services of profiles that are not
    active left out; present: whether this host has an image; runs: whether any container of the project is there.
    """
    depends = {name: set(item.get("depends_on") or {}) for name, item in resolved.items()}
    needed = compose.needed_by(depends, list(core))
    found = {}
    for name, item in resolved.items():
        if not _replicated(item):
            continue
        reference = str(item.get("image") or default_image(project, name))
        here = present(reference)
        found[name] = {
            "image_ref": reference,
            "present": here,
            "depends_on": sorted(depends[name]),
            "mounts": _mounts(item, relative),
            "name": str(item.get("container_name") or ""),
            "places": _places(item),
            "wanted": name in needed or (here and (_stays(item) or not runs)),
        }
    return found


def jobs(resolved: Mapping[str, Any]) -> list[str]:
    """Return the services that others wait for until they have done their work, as Compose does."""
    conditions = [item.get("depends_on") or {} for item in resolved.values()]
    rows = (pair for one in conditions if isinstance(one, Mapping) for pair in one.items())
    return sorted({name for name, about in rows if (about or {}).get("condition") == COMPLETED})


def defined(item: Mapping[str, Any] | None, named: Callable[[str], str]) -> dict[str, Any]:
    """Return image and mounts of a definition; empty where there is none. named: a path as the stack calls it."""
    return {"image": str(item.get("image") or ""), "mounts": _mounts(item, named)} if item else {}


def _mounts(item: Mapping[str, Any], named: Callable[[str], str]) -> list[str]:
    return [named(mount["source"]) for mount in item.get("volumes") or [] if mount["type"] == "bind"]


def _places(item: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """Return the places on the host that a service asks for; of a range it is not known which one it gets."""
    return [
        (str(port.get("host_ip") or ANY_ADDRESS), int(port["published"]), str(port.get("protocol") or "tcp"))
        for port in item.get("ports") or []
        if str(port.get("published") or "").isdigit()
    ]


def _replicated(item: Mapping[str, Any]) -> bool:
    """Say whether a service is to have a container at all."""
    number = (item.get("deploy") or {}).get("replicas", item.get("scale"))
    return number is None or int(number) > 0


def _stays(item: Mapping[str, Any]) -> bool:
    """Say whether a service is started again when it ends."""
    policy = ((item.get("deploy") or {}).get("restart_policy") or {}).get("condition", item.get("restart"))
    return policy not in (None, "", "no", "none")


def default_image(project: str, service: str) -> str:
    """Return how Compose 2 names the image of a service that is built only."""
    return f"{project}-{service}"


def reference(recorded: str, project: str, service: str, definition: Mapping[str, Any]) -> str:
    """Return the tag that Compose will look for: that of an image built by Compose 1 is not the one of Compose 2."""
    by_compose_1 = recorded.partition(":")[0] == f"{project}_{service}" and not definition.get("image")
    return default_image(project, service) if by_compose_1 and definition else recorded

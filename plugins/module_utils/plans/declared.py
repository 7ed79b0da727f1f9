# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services of a definition, for a backup that recorded none of its own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def declared(resolved: Mapping[str, Any], project: str, relative: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """Return service → image_ref, depends_on, mounts (relative to the stack) of each that Compose would start.

    resolved: service → definition as Compose resolved it, services of profiles that are not active left out.
    """
    return {
        name: {
            "image_ref": str(item.get("image") or default_image(project, name)),
            "depends_on": sorted(item.get("depends_on") or {}),
            "mounts": [relative(mount["source"]) for mount in item.get("volumes") or [] if mount["type"] == "bind"],
        }
        for name, item in resolved.items()
        if _wanted(item)
    }


def _wanted(item: Mapping[str, Any]) -> bool:
    """Say whether a service is to have a container at all."""
    number = (item.get("deploy") or {}).get("replicas", item.get("scale"))
    return number is None or int(number) > 0


def default_image(project: str, service: str) -> str:
    """Return how Compose 2 names the image of a service that is built only."""
    return f"{project}-{service}"


def reference(recorded: str, project: str, service: str, definition: Mapping[str, Any]) -> str:
    """Return the tag that Compose will look for: that of an image built by Compose 1 is not the one of Compose 2."""
    by_compose_1 = recorded.partition(":")[0] == f"{project}_{service}" and not definition.get("image")
    return default_image(project, service) if by_compose_1 and definition else recorded

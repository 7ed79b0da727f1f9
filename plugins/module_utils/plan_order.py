# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From decisions to actions in an order that keeps Kong off while Redis is away. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import compose
from .decisions import (
    KEEP,
    RECREATE,
    RELOAD,
    REMOVE,
    RESTART,
    START,
    Decision,
    data_needs_kong_off,
    network_is_made_anew,
)

# Seconds that force gives a container before it is killed.
FORCED_GRACE = 2
ENDING = ("stop", RESTART, RECREATE, REMOVE)


def order(
    decisions: Mapping[str, Decision],
    files: list[dict[str, Any]],
    target: Mapping[str, Any],
    live: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return all actions in their order: files, tags, Kong off, Redis, Kong, the proxy; clients beside.

    A service that none of the three core ones needs is marked ``beside``: it is handled at the same time.
    """
    redis, kong, proxy = (settings[f"{role}_service"] for role in ("redis", "kong", "proxy"))
    depends = _dependencies(decisions, target, live, (redis, kong, proxy))
    path = compose.needed_by(depends, [redis, kong, proxy])
    actions: list[dict[str, Any]] = [item for item in files if not _hot(item, decisions, settings)]
    actions += _tags(decisions, target, live)
    data = live.get("data") or {}
    anew = network_is_made_anew(live, settings)
    redis_moves = data_needs_kong_off(live) or (
        redis in decisions and decisions[redis].do in (START, RESTART, RECREATE)
    )
    kong_runs = (live["services"].get(kong) or {}).get("state") not in (None, "exited", "created", "dead")
    kong_off = [{"action": "stop", "service": kong, "why": "because Redis", "beside": False}]
    kong_off = kong_off if redis_moves and kong_runs else []
    if anew:
        # Before anything is started: a container that is up on the old network would be taken off it again.
        why = "containers do not find each other"
        actions += [*kong_off, {"action": "rebuild_network", "why": why, "beside": False}]
    for name in (name for name in compose.start_order(depends) if name in decisions and name not in path):
        actions += _service_actions(name, decisions[name], beside=True)
    actions += [] if anew else kong_off
    waiting = []
    for name in (name for name in compose.start_order(depends) if name in decisions and name in path):
        decision = decisions[name]
        if name == kong and decision.do == RELOAD:
            actions.append(_load_configuration(decision, target, settings))
            actions += [item for item in files if _hot(item, decisions, settings)]
            continue
        do = START if name == kong and decision.do == RESTART and redis_moves else decision.do
        policy = (live["services"].get(name) or {}).get("restart_policy", "")
        # Data that Redis cannot start with is replaced by replace_data itself, which leaves a Redis that serves.
        by_files = name == redis and data.get("changes") and data.get("method") == "file"
        steps = [] if by_files and do in (START, RESTART) else _service_actions(name, decision, beside=False, do=do)
        actions += [{**step, "restart_policy": policy} if do == START and policy else step for step in steps]
        if name == redis and data.get("changes"):
            actions += [] if by_files or do == KEEP else [_ready(name)]
            actions.append(_replace_data(name, data))
            continue
        if do in (KEEP, REMOVE):
            continue
        # Kong's boot is the long part: the proxy is replaced while it lasts, and both are asked afterwards.
        ready = _ready(name)
        if name == kong:
            ready["configuration_hash"] = target["kong"].get("configuration_hash") or ""
        if name in (kong, proxy):
            waiting.append(ready)
        else:
            actions.append(ready)
    actions += waiting + _displaced_tags(target, live)
    if settings.get("force"):
        for action in actions:
            if action["action"] in ENDING:
                action["grace"] = FORCED_GRACE
    return actions


def _dependencies(
    names: Iterable[str], target: Mapping[str, Any], live: Mapping[str, Any], core: tuple[str, str, str]
) -> dict[str, set[str]]:
    """Return service → what must be up before it; Kong always comes after Redis and the proxy after Kong.

    Containers made with ``--no-deps`` have lost the label that says it, so the definition goes first.
    """
    known = set(names)
    declared = live.get("depends_on") or {}
    found = {}
    for name in known:
        described = target["services"].get(name) or live["services"][name]
        found[name] = set(declared.get(name, described["depends_on"]))
    for earlier, later in zip(core, core[1:]):
        if later in found and earlier in known:
            found[later].add(earlier)
    return found


def _ready(service: str) -> dict[str, Any]:
    return {"action": "ready", "service": service, "why": "asked of the service itself", "beside": False}


def _replace_data(service: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data action, with everything that its execution needs."""
    needed = {name: data[name] for name in ("mode", "method", "scope", "source", "sha256")}
    needed["brought"] = data.get("brought", "")
    return {
        "action": "replace_data",
        "service": service,
        "why": f"redis_data={data['mode']}",
        "beside": False,
        **needed,
    }


def _hot(item: Mapping[str, Any], decisions: Mapping[str, Decision], settings: Mapping[str, Any]) -> bool:
    """Kong's file is put in place only after Kong accepted it, so that a refused one changes nothing."""
    kong = decisions.get(settings["kong_service"])
    return bool(kong and kong.do == RELOAD and item["path"] == settings.get("kong_file"))


def _load_configuration(decision: Decision, target: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    wanted = target["files"][settings["kong_file"]]
    return {
        "action": "load_configuration",
        "service": settings["kong_service"],
        "source": wanted["source"],
        "sha256": wanted["sha256"],
        "configuration_hash": target["kong"]["configuration_hash"],
        "why": ", ".join(decision.why),
        "beside": False,
    }


def _tags(
    decisions: Mapping[str, Decision], target: Mapping[str, Any], live: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the tags to move back: a rebuilt or pulled tag would otherwise bring the new image up again.

    Where the target itself had a tag elsewhere, it is moved only for a service that Compose starts anew.
    """
    moved: dict[str, str] = {}
    for name in sorted(decisions):
        wanted = target["services"].get(name)
        if not wanted or "@sha256:" in wanted["image_ref"]:
            continue
        reference, image_id = wanted["image_ref"], wanted["image_id"]
        elsewhere = _recorded_tag(target, reference) not in ("", image_id)
        if live["images"].get(reference) != image_id and not (elsewhere and decisions[name].do != RECREATE):
            moved[reference] = image_id
    why = "the tag names another image now"
    return [_tag(reference, image_id, why) for reference, image_id in sorted(moved.items())]


def _recorded_tag(target: Mapping[str, Any], reference: str) -> str:
    """Return the image that a tag named in the target, whatever ran then; empty where that was not recorded."""
    return str((target.get("tags") or {}).get(reference) or "")


def _displaced_tags(target: Mapping[str, Any], live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tags that named an image in the target which did not run there; set last, for they start nothing."""
    rows = []
    for wanted in target["services"].values():
        recorded = _recorded_tag(target, wanted["image_ref"])
        present = recorded in live["present_images"]
        if recorded not in ("", wanted["image_id"]) and present and live["images"].get(wanted["image_ref"]) != recorded:
            rows.append((wanted["image_ref"], recorded))
    why = "the tag named this image, built and not deployed"
    return [_tag(reference, image_id, why) for reference, image_id in sorted(set(rows))]


def _tag(reference: str, image_id: str, why: str) -> dict[str, Any]:
    return {"action": "tag_image", "reference": reference, "image_id": image_id, "why": why}


def _service_actions(name: str, decision: Decision, beside: bool, do: str = "") -> list[dict[str, Any]]:
    do = do or decision.do
    if do == KEEP:
        return []
    return [{"action": do, "service": name, "why": ", ".join(decision.why), "beside": beside}]

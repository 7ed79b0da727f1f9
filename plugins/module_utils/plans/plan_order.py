# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From decisions to actions in an order that keeps Kong off while Redis is away. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..engine import compose
from ..engine.container import COMPLETED
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
    other_networks,
)

# Seconds that force gives a container before it is killed.
FORCED_GRACE = 2
KEEP_DATA = "keep_data"
AUTO, LOOK, BRING = "auto", "look", "bring"
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
    data = live.get("data") or {}
    actions: list[dict[str, Any]] = [item for item in files if not _hot(item, decisions, settings)]
    tags = _tags(decisions, target, live)
    actions += tags
    kong_off = _kong_off(decisions, live, redis, kong)
    if network_is_made_anew(live, settings):
        # Before anything is started: a container that is up on the old network would be taken off it again.
        why = other_networks(live) or "containers do not find each other"
        actions += [*kong_off, {"action": "rebuild_network", "why": why, "beside": False}]
        kong_off = []
    given = _given_up(decisions, live, {str(item["service"]) for item in kong_off})
    removed = {item["service"] for item in given if item["action"] == REMOVE}
    beside = [
        step
        for name in compose.start_order(depends)
        if name in decisions and name not in {*path, *removed}
        for step in _service_actions(name, decisions[name], live, beside=True)
    ]
    # Where ports are given up, what is handled beside may get one, or give one up.
    actions += [*kong_off, *given, *beside] if given else [*beside, *kong_off]
    if redis not in decisions and data.get("changes"):
        actions.append(_replace_data(redis, data))  # a Redis outside the project: its data are all that can be changed
    waiting: list[dict[str, Any]] = []
    for name in (name for name in compose.start_order(depends) if name in decisions and name in path - removed):
        decision = decisions[name]
        if name == kong and decision.do == RELOAD:
            actions.append(_load_configuration(decision, target, settings))
            actions += [item for item in files if _hot(item, decisions, settings)]
            continue
        if name == redis:
            actions += _redis_actions(name, decision, live, data, settings)
            continue
        do = START if name == kong and decision.do == RESTART and _redis_moves(decisions, live, redis) else decision.do
        actions += _service_actions(name, decision, live, beside=False, do=do)
        if do in (KEEP, REMOVE):
            continue
        # Kong's boot is the long part: the proxy is replaced while it lasts, and both are asked afterwards.
        ready = _ready(name)
        if name in (live.get("jobs") or ()):
            ready["until"] = COMPLETED
        if name == kong:
            ready["configuration_hash"] = target["kong"].get("configuration_hash") or ""
        (waiting if name in (kong, proxy) else actions).append(ready)
    found = actions + waiting + _displaced_tags(target, live, tags)
    if all(item["action"] == KEEP_DATA and not item["everything"] for item in found):
        return []  # nothing is changed, so nothing was lost on the way
    if not settings.get("force"):
        return found
    # Killed while it saves, a Redis that answers would lose what it was given since its last save.
    return _with_grace(found, spared=redis if data.get("before") is not None else "")


def _redis_actions(
    name: str,
    decision: Decision,
    live: Mapping[str, Any],
    data: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the steps of Redis, its data included."""
    if decision.do == REMOVE:
        return _service_actions(name, decision, live, beside=False)
    by_files = bool(data.get("changes")) and data.get("method") == "file"
    # Data that it cannot start with is replaced by replace_data itself, which leaves a Redis that serves.
    started = decision.do != KEEP and not (by_files and decision.do in (START, RESTART))
    steps = _service_actions(name, decision, live, beside=False) if started else []
    asked = [_ready(name)] if started and not by_files else []
    changed = [_replace_data(name, data)] if data.get("changes") else []
    kept = _kept(name, data, settings, bool(asked))
    return [*steps, *changed, *kept] if by_files else [*steps, *asked, *kept, *changed]


def _kept(service: str, data: Mapping[str, Any], settings: Mapping[str, Any], started: bool) -> list[dict[str, Any]]:
    """Return the look at data that are to stay, behind a new start; where nobody knows what there was, there is none.

    settings: keep_data (look: in any case, bring: the newest copy's are wanted in any case), and force, which does not
    wait for data that cannot be had.
    """
    how = settings.get("keep_data") or AUTO
    if how == AUTO and not (started and data.get("before") is not None):
        return []
    why = "what it does not load again comes back out of the snapshot"
    step = {"action": KEEP_DATA, "service": service, "why": why, "beside": False}
    return [{**step, "everything": how == BRING, "optional": bool(settings.get("force"))}]


def _redis_moves(decisions: Mapping[str, Decision], live: Mapping[str, Any], redis: str) -> bool:
    """Say whether Redis will be away at some moment, for itself or for its data."""
    return data_needs_kong_off(live) or (redis in decisions and decisions[redis].do in (START, RESTART, RECREATE))


def _kong_off(
    decisions: Mapping[str, Decision], live: Mapping[str, Any], redis: str, kong: str
) -> list[dict[str, Any]]:
    """Return the step that takes a running Kong off while Redis is away."""
    runs = (live["services"].get(kong) or {}).get("state") not in (None, "exited", "created", "dead")
    step = {"action": "stop", "service": kong, "why": "because Redis", "beside": False}
    return [step] if runs and _redis_moves(decisions, live, redis) else []


def _given_up(decisions: Mapping[str, Decision], live: Mapping[str, Any], off: Collection[str]) -> list[dict[str, Any]]:
    """Return the steps by which services give up ports that others of the project get; off: who is off already.

    Two containers cannot have one place, and the one that gets it may come first in the order.
    """
    found = []
    for name, places in sorted((live.get("handed_over") or {}).items()):
        do = decisions[name].do if name in decisions else KEEP
        takers = [f"{port} goes to {taker}" for taker, port in places if _moves(decisions.get(taker))]
        if do == REMOVE and takers:
            found += _service_actions(name, decisions[name], live, beside=False)
        elif do == RECREATE and takers and name not in off:
            found.append({"action": "stop", "service": name, "why": ", ".join(takers), "beside": False})
    return found


def _moves(decision: Decision | None) -> bool:
    return decision is not None and decision.do in (START, RESTART, RECREATE)


def _with_grace(actions: list[dict[str, Any]], spared: str) -> list[dict[str, Any]]:
    """Return the actions of force, which leaves a container little time to stop; spared: one that keeps its own."""
    return [
        {**item, "grace": FORCED_GRACE} if item["action"] in ENDING and item["service"] != spared else item
        for item in actions
    ]


def _dependencies(
    names: Iterable[str], target: Mapping[str, Any], live: Mapping[str, Any], core: tuple[str, str, str]
) -> dict[str, set[str]]:
    """Return service → what must be up before it; Kong always comes after Redis and the proxy after Kong.

    Containers made with ``--no-deps`` have lost the label that says it, so the definition goes first.
    """
    known = set(names)
    records = {**live["services"], **target["services"]}
    recorded = {name: item["depends_on"] for name, item in records.items()}
    needed = {**recorded, **(live.get("depends_on") or {})}
    found = {name: set(needed.get(name, ())) for name in known}
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


def _displaced_tags(
    target: Mapping[str, Any], live: Mapping[str, Any], moved: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the tags that named an image in the target which did not run there; set last, for they start nothing.

    moved: the tags that this plan moves before, for services that Compose starts anew.
    """
    now = {**live["images"], **{item["reference"]: item["image_id"] for item in moved}}
    rows = []
    for wanted in target["services"].values():
        recorded = _recorded_tag(target, wanted["image_ref"])
        present = recorded in live["present_images"]
        if recorded not in ("", wanted["image_id"]) and present and now.get(wanted["image_ref"]) != recorded:
            rows.append((wanted["image_ref"], recorded))
    why = "the tag named this image, built and not deployed"
    return [_tag(reference, image_id, why) for reference, image_id in sorted(set(rows))]


def _tag(reference: str, image_id: str, why: str) -> dict[str, Any]:
    return {"action": "tag_image", "reference": reference, "image_id": image_id, "why": why}


def _service_actions(
    name: str, decision: Decision, live: Mapping[str, Any], beside: bool, do: str = ""
) -> list[dict[str, Any]]:
    """Return the step of one service; a start tells the restart policy that a stop before it may have taken."""
    do = do or decision.do
    if do == KEEP:
        return []
    step = {"action": do, "service": name, "why": ", ".join(decision.why), "beside": beside}
    policy = (live["services"].get(name) or {}).get("restart_policy", "")
    return [{**step, "restart_policy": policy} if do == START and policy else step]

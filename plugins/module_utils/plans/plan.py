# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a backup and what runs now to an ordered list of actions. Pure: the same input gives the same plan.

Target and live state come from plan_input.py; a table of cases states both:
    services   name → image_ref, image_id, config_hash, compose_version, depends_on, mounts (relative to the stack);
               those of the target may have defined: image and mounts as Compose reads the backup's definition;
               live ones also differs (fields that differ from the record), trouble, state, running, stale_files
    declared   live only, where the target has no services of its own: those of the definition (image_ref, present,
               depends_on, mounts, wanted: whether it is made anew where it has no container)
    redis_closed  of the live state: reason, hint and unsaved (a new start would lose data) where Redis serves others
                  and not us, else empty
    redis_read    of the target: whether Redis let us in when the backup was taken, None where nobody recorded it
    files      path → sha256, mode, uid, gid, and for the target its source in the backup; of a link: link, where it
               leads, empty for what is none
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..guards import Guard, split_waived
from ..wording import short
from .decisions import (
    OWNER_ONLY,
    RECREATE,
    RELOAD,
    REMOVE,
    RESTART,
    START,
    Decision,
    covers,
    decide,
    network_is_made_anew,
    other_networks,
)
from .plan_order import order

SECONDS = {RELOAD: 0.3, START: 1.0, RESTART: 1.5, RECREATE: 2.0, REMOVE: 1.0}
KONG_BOOT_SECONDS = 5.0


def build_plan(target: Mapping[str, Any], live: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan: actions in order, per-service decisions, refusals, waived guards, warnings, estimate.

    settings: redis_service, kong_service, proxy_service, kong_file (relative path or empty), services (limit, empty for
    all), force, data_mode.
    """
    limit = set(settings.get("services") or ())
    if limit and settings["redis_service"] not in limit:
        live = {**live, "data": {**(live.get("data") or {}), "changes": False}}
    changed_files = _files(target, live)
    decisions = decide(target, live, settings, changed_files)
    if limit:
        described = {**live["services"], **(live.get("declared") or {}), **target["services"]}
        changed_files = _files_of(limit, decisions, described, changed_files, settings)
    actions = order(decisions, changed_files, target, live, settings)
    guards = _guards(target, live, limit) + _not_as_it_ran(target, decisions) + _networks(live, decisions, settings)
    closed, closed_warnings = _closed_redis(target, live, decisions.get(settings["redis_service"]))
    refusals, waived = split_waived(guards + closed, bool(settings.get("force")))
    for number, action in enumerate(actions, 1):
        action["step"] = number
    return {
        "backup_id": target["id"],
        "env_file": target.get("env_file") or "",
        "services": {name: {"do": item.do, "why": item.why} for name, item in sorted(decisions.items())},
        "actions": actions,
        "refusals": refusals,
        "waived": waived,
        "warnings": list(target.get("notes") or []) + list(live.get("warnings") or []) + closed_warnings,
        "data": dict(live.get("data") or {}),
        "estimate_seconds": round(_estimate(actions, settings), 1),
    }


def _files(target: Mapping[str, Any], live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the file actions: writes of what differs, removals of what the backup says was not there.

    A link comes after the files: from the moment when it leads to one, that one is whole.
    """
    writes = [
        {"action": "write_file", "path": path, "why": why, **wanted, "in_place": path in live["mounted_singly"]}
        for path, wanted in sorted(target["files"].items(), key=lambda item: ("link" in item[1], item[0]))
        for why in [_file_difference(wanted, live["files"].get(path))]
        if why
    ]
    gone = "was not there when the backup was taken"
    removals = [{"action": "remove_file", "path": path, "why": gone} for path in sorted(live.get("extra_files") or ())]
    return writes + removals


def _file_difference(wanted: Mapping[str, Any], now: Mapping[str, Any] | None) -> str:
    """Return how a file differs from the backup's; empty when it does not."""
    if now is None:
        return "is missing"
    if "link" in wanted:
        found = f"leads to {now['link']}" if now["link"] else "is no link"
        return "" if now["link"] == wanted["link"] else f"{found}, in the backup to {wanted['link']}"
    if now["sha256"] != wanted["sha256"]:
        return "differs"
    return OWNER_ONLY if any(now[field] != wanted[field] for field in ("mode", "uid", "gid")) else ""


def _files_of(
    limit: set[str],
    decisions: Mapping[str, Decision],
    described: Mapping[str, Any],
    files: list[dict[str, Any]],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the files that the named services need: what they mount, and the definition where one is recreated.

    described: service → its mounts, as the backup has them, else as the definition and the container do.
    """
    recreated = any(decisions[name].do == RECREATE for name in limit if name in decisions)
    mounts = [path for name in limit for path in (described.get(name) or {}).get("mounts") or ()]
    return [
        item
        for item in files
        if covers(mounts, item["path"]) or (recreated and item["path"] in settings.get("definition_files", ()))
    ]


def _guards(target: Mapping[str, Any], live: Mapping[str, Any], limit: set[str]) -> list[Guard]:
    """Return everything that speaks against the plan, all at once."""
    guards: list[Guard] = list(live.get("guards") or [])
    for name, wanted in sorted(target["services"].items()):
        if (not limit or name in limit) and wanted["image_id"] not in live["present_images"]:
            guards.append(
                Guard(
                    "image_gone",
                    f"{name}: image {short(wanted['image_id'])} ({wanted['image_ref']}) is not on this host any more.",
                    "Load it (docker load, docker pull by digest) or choose another backup.",
                )
            )
    declared = live.get("declared") or {}
    guards += [
        Guard(
            "image_gone",
            f"{name} has no container, and its image {item['image_ref']} is not on this host.",
            f"Build or pull it: docker compose build {name}, or docker compose pull {name}.",
        )
        for name, item in sorted(declared.items())
        if name not in live["services"] and item["wanted"] and not item["present"] and (not limit or name in limit)
    ]
    everything = {*target["services"], *live["services"], *declared}
    unknown = limit - everything
    if unknown:
        known = ", ".join(sorted(everything))
        guards.append(
            Guard(
                "unknown_service",
                f"services names {', '.join(sorted(unknown))}, the stack has {known}.",
                "Correct -e services=",
            )
        )
    return guards


def _not_as_it_ran(target: Mapping[str, Any], decisions: Mapping[str, Decision]) -> list[Guard]:
    """Return a guard for each container that Compose would make of another image, or of other files, than it ran with.

    A variable of the shell that deployed it, or its directory, is in no backup: it would be gone once that shows.
    """
    found = []
    for name, wanted in sorted(target["services"].items()):
        defined = wanted.get("defined") or {}
        if not defined or name not in decisions or decisions[name].do != RECREATE:
            continue
        other = [f"mounts {path}" for path in defined["mounts"] if path and not covers(wanted["mounts"], path)]
        if defined["image"] and defined["image"] != wanted["image_ref"]:
            other.insert(0, f"the image {defined['image']} in place of {wanted['image_ref']}")
        if other:
            found.append(
                Guard(
                    "definition_differs",
                    f"{name} would be made anew, and the backup's definition says other than its container ran with: "
                    f"{', '.join(other)}.",
                    "It was deployed with a variable of a shell, or from another directory: set stack_dir and "
                    "stack_compose_files as it was deployed, or choose another backup.",
                )
            )
    return found


def _networks(live: Mapping[str, Any], decisions: Mapping[str, Decision], settings: Mapping[str, Any]) -> list[Guard]:
    """Return a guard where the networks have to be made anew, and cannot be without others that are on them."""
    if network_is_made_anew(live, settings):
        # By force those of the project are taken off it.
        passengers = [] if settings.get("force") else list(live.get("passengers") or ())
        return [
            Guard(
                "network_guest",
                f"{other} is no part of this plan and on the project's network, which is made anew.",
                f"Take it off: docker network disconnect NETWORK {other}",
            )
            for other in [*(live.get("guests") or ()), *passengers]
        ]
    made = sorted(name for name, item in decisions.items() if item.do == RECREATE)
    if not made or not live.get("other_networks"):
        return []
    why = f"{', '.join(made)} would be made anew, and Compose the networks with it, on which the others are"
    return [Guard("network_differs", f"{other_networks(live)}: {why}.", "Roll everything back: leave services out.")]


def _closed_redis(
    target: Mapping[str, Any], live: Mapping[str, Any], decision: Decision | None
) -> tuple[list[Guard], list[str]]:
    """Return (guards, warnings) for a Redis that serves Kong and does not let us in.

    Nobody could tell that it is back after a new start, and Kong would stay off. Where it was read when the backup was
    taken, it will be again once it is what it was then. Left alone, it is in nobody's way.
    """
    closed = live.get("redis_closed")
    if not closed or decision is None:
        return [], []
    moves = decision.do in (START, RESTART, RECREATE)
    changes = bool((live.get("data") or {}).get("changes"))
    if moves and closed.get("unsaved"):
        lost = f" It would be started anew ({', '.join(decision.why)}) and lose what it could not save."
        return [Guard("redis_closed", f"{closed['reason']}{lost}", closed["hint"])], []
    if moves and target.get("redis_read") is False:
        then = f" It would be started anew ({', '.join(decision.why)}), never count as ready, and Kong would stay off."
        return [Guard("redis_closed", f"{closed['reason']}{then}", closed["hint"])], []
    if changes and not moves:
        return [Guard("redis_closed", f"{closed['reason']} Its data cannot be changed.", closed["hint"])], []
    return [], [f"{closed['reason']} {closed['hint']}"]


def _estimate(actions: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> float:
    total = 0.0
    for action in actions:
        if not action.get("beside"):
            total += SECONDS.get(action["action"], 0.05)
            if action["action"] in (START, RESTART, RECREATE) and action["service"] == settings["kong_service"]:
                total += KONG_BOOT_SECONDS
    return total

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a backup and what runs now to an ordered list of actions. Pure: the same input gives the same plan.

Target and live state come from plan_input.py; a table of cases states both:
    services   name → image_ref, image_id, config_hash, compose_version, depends_on, mounts (relative to the stack);
               live ones also differs (fields that differ from the record), trouble, state, running, stale_files
    files      path → sha256, mode, uid, gid, and for the target its source in the backup
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import compose
from .guards import Guard, split_waived

KEEP, RELOAD, START, RESTART, RECREATE, REMOVE = "keep", "reload", "start", "restart", "recreate", "remove"
STRENGTH = {KEEP: 0, RELOAD: 1, START: 2, RESTART: 3, RECREATE: 4, REMOVE: 5}
SECONDS = {RELOAD: 0.3, START: 1.0, RESTART: 1.5, RECREATE: 2.0, REMOVE: 1.0}
KONG_BOOT_SECONDS = 5.0
OWNER_ONLY = "has another owner or mode"


class Decision:
    """What happens to one service, and why: the strongest of all that was asked for."""

    def __init__(self) -> None:
        self.do = KEEP
        self.why: list[str] = []

    def want(self, do: str, why: str) -> None:
        """Ask for at least this much."""
        if STRENGTH[do] > STRENGTH[self.do]:
            self.do = do
        if why not in self.why:
            self.why.append(why)


def build_plan(target: Mapping[str, Any], live: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan: actions in order, per-service decisions, refusals, waived guards, warnings, estimate.

    settings: redis_service, kong_service, proxy_service, kong_file (relative path or empty), services (limit, empty for
    all), force, data_mode.
    """
    limit = set(settings.get("services") or ())
    changed_files = _files(target, live)
    decisions = _decide(target, live, settings, changed_files)
    if limit:
        decisions = {name: decision for name, decision in decisions.items() if name in limit or _follows(decision)}
        changed_files = _files_of(limit, decisions, target, changed_files, settings)
    actions = _order(decisions, changed_files, target, live, settings)
    refusals, waived = split_waived(_guards(target, live, limit), bool(settings.get("force")))
    for number, action in enumerate(actions, 1):
        action["step"] = number
    return {
        "backup_id": target["id"],
        "services": {name: {"do": item.do, "why": item.why} for name, item in sorted(decisions.items())},
        "actions": actions,
        "refusals": refusals,
        "waived": waived,
        "warnings": list(target.get("notes") or []) + list(live.get("warnings") or []),
        "data": dict(live.get("data") or {}),
        "estimate_seconds": round(_estimate(actions, settings), 1),
    }


def _files(target: Mapping[str, Any], live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the file actions: writes of what differs, removals of what the backup says was not there."""
    writes = [
        {"action": "write_file", "path": path, "why": why, **wanted, "in_place": path in live["mounted_singly"]}
        for path, wanted in sorted(target["files"].items())
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
    if now["sha256"] != wanted["sha256"]:
        return "differs"
    return OWNER_ONLY if any(now[field] != wanted[field] for field in ("mode", "uid", "gid")) else ""


def _decide(
    target: Mapping[str, Any], live: Mapping[str, Any], settings: Mapping[str, Any], files: list[dict[str, Any]]
) -> dict[str, Decision]:
    """Return service → decision, the consequences of one service for another included."""
    names = set(target["services"]) | set(live["services"])
    decisions = {name: Decision() for name in names}
    for name, wanted in target["services"].items():
        _decide_service(decisions[name], wanted, live["services"].get(name))
    for name in set(live["services"]) - set(target["services"]):
        if target["services"]:
            decisions[name].want(REMOVE, "was not part of the stack when the backup was taken")
        else:
            _decide_alone(decisions[name], live["services"][name])
    # A process that has read the file does not care who owns it.
    content = {item["path"] for item in files if item["why"] != OWNER_ONLY}
    _mounted_content(decisions, live, settings, content, target)
    _consequences(decisions, live, settings)
    return decisions


def _decide_service(decision: Decision, wanted: Mapping[str, Any], running: Mapping[str, Any] | None) -> None:
    """Compare one recorded service with its container."""
    if running is None:
        decision.want(RECREATE, "has no container")
        return
    if running["image_id"] != wanted["image_id"]:
        decision.want(RECREATE, f"image {short(running['image_id'])} → {short(wanted['image_id'])}")
    # The labels can be compared only where the same Compose wrote both; otherwise what counts is what differs.
    comparable = running["compose_version"] == wanted["compose_version"]
    if running["differs"]:
        decision.want(RECREATE, "differs in " + ", ".join(running["differs"]))
    elif comparable and running["config_hash"] != wanted["config_hash"]:
        decision.want(RECREATE, "Compose definition differs")
    _decide_alone(decision, running)


def _decide_alone(decision: Decision, running: Mapping[str, Any]) -> None:
    """Ask for what the container's own state needs."""
    if running["differs"]:
        decision.want(RECREATE, "differs in " + ", ".join(running["differs"]))
    if running["trouble"]:
        again = (
            START if running["state"] in ("exited", "created") else RECREATE if running["state"] == "dead" else RESTART
        )
        decision.want(again, running["trouble"])


def _mounted_content(
    decisions: dict[str, Decision],
    live: Mapping[str, Any],
    settings: Mapping[str, Any],
    changed: set[str],
    target: Mapping[str, Any],
) -> None:
    """Ask for a reload or restart where a mounted file changes, or where the container still sees an older one."""
    kong, proxy = settings["kong_service"], settings["proxy_service"]
    kong_file = settings.get("kong_file") or ""
    for name, running in live["services"].items():
        mounted = [path for path in sorted(changed) if _covers(running["mounts"], path)]
        stale = [path for path in running.get("stale_files") or () if path in target["files"]]
        for path in mounted:
            gentle = (name == kong and path == kong_file and live.get("kong_hash")) or name == proxy
            decisions[name].want(RELOAD if gentle and path not in stale else RESTART, f"{path} differs")
        for path in stale:
            decisions[name].want(RESTART, f"{path} was replaced under the running container")
    wanted_hash = (target.get("kong") or {}).get("configuration_hash") or ""
    if kong in decisions and kong_file and wanted_hash and live.get("kong_hash") and live["kong_hash"] != wanted_hash:
        decisions[kong].want(RELOAD, "serves another configuration")


def _consequences(decisions: dict[str, Decision], live: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Kong is off while Redis is away (it would mix up clients' ids); the proxy learns Kong's new address."""
    redis, kong, proxy = (settings[f"{role}_service"] for role in ("redis", "kong", "proxy"))
    moves = (START, RESTART, RECREATE)
    if redis in decisions and kong in decisions and decisions[redis].do in moves and decisions[kong].do != REMOVE:
        decisions[kong].want(RESTART, "because Redis")
    if kong in decisions and proxy in decisions and decisions[kong].do in moves:
        decisions[proxy].want(RELOAD, "because Kong gets a new address")
    if proxy in decisions and decisions[proxy].do == RELOAD and not (live["services"].get(proxy) or {}).get("running"):
        decisions[proxy].want(START, "does not run")


def _follows(decision: Decision) -> bool:
    """Say whether a service is touched only because another one is."""
    return decision.do != KEEP and all(why.startswith("because ") for why in decision.why)


def _files_of(
    limit: set[str],
    decisions: Mapping[str, Decision],
    target: Mapping[str, Any],
    files: list[dict[str, Any]],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the files that the named services need: what they mount, and the definition where one is recreated."""
    recreated = any(decisions[name].do == RECREATE for name in limit if name in decisions)
    mounts = [path for name in limit for path in (target["services"].get(name) or {}).get("mounts") or ()]
    return [
        item
        for item in files
        if _covers(mounts, item["path"]) or (recreated and item["path"] in settings.get("definition_files", ()))
    ]


def _order(
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
    depends = {name: list((target["services"].get(name) or live["services"][name])["depends_on"]) for name in decisions}
    path = compose.needed_by(depends, [redis, kong, proxy])
    actions: list[dict[str, Any]] = [item for item in files if not _hot(item, decisions, settings)]
    actions += _tags(decisions, target, live)
    redis_moves = redis in decisions and decisions[redis].do in (START, RESTART, RECREATE)
    kong_runs = (live["services"].get(kong) or {}).get("state") not in (None, "exited", "created", "dead")
    for name in (name for name in compose.start_order(depends) if name in decisions and name not in path):
        actions += _service_actions(name, decisions[name], beside=True)
    if redis_moves and kong_runs:
        actions.append({"action": "stop", "service": kong, "why": "because Redis", "beside": False})
    waiting = []
    for name in (name for name in compose.start_order(depends) if name in decisions and name in path):
        decision = decisions[name]
        if name == kong and decision.do == RELOAD:
            actions.append(_load_configuration(decision, target, settings))
            actions += [item for item in files if _hot(item, decisions, settings)]
            continue
        do = START if name == kong and decision.do == RESTART and redis_moves else decision.do
        actions += _service_actions(name, decision, beside=False, do=do)
        if do in (KEEP, REMOVE):
            continue
        # Kong's boot is the long part: the proxy is replaced while it lasts, and both are asked afterwards.
        ready = {"action": "ready", "service": name, "why": "asked of the service itself", "beside": False}
        if name == kong:
            ready["configuration_hash"] = target["kong"].get("configuration_hash") or ""
        if name in (kong, proxy):
            waiting.append(ready)
        else:
            actions.append(ready)
    return actions + waiting


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
    """Return the tags to move back: a rebuilt or pulled tag would otherwise bring the new image up again."""
    moved: dict[str, str] = {}
    for name in sorted(decisions):
        wanted = target["services"].get(name)
        if (
            wanted
            and "@sha256:" not in wanted["image_ref"]
            and live["images"].get(wanted["image_ref"]) != wanted["image_id"]
        ):
            moved[wanted["image_ref"]] = wanted["image_id"]
    return [
        {"action": "tag_image", "reference": reference, "image_id": image_id, "why": "the tag names another image now"}
        for reference, image_id in sorted(moved.items())
    ]


def _service_actions(name: str, decision: Decision, beside: bool, do: str = "") -> list[dict[str, Any]]:
    do = do or decision.do
    if do == KEEP:
        return []
    return [{"action": do, "service": name, "why": ", ".join(decision.why), "beside": beside}]


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
    unknown = limit - set(target["services"]) - set(live["services"])
    if unknown:
        known = ", ".join(sorted(set(target["services"]) | set(live["services"])))
        guards.append(
            Guard(
                "unknown_service",
                f"services names {', '.join(sorted(unknown))}, the stack has {known}.",
                "Correct -e services=",
            )
        )
    return guards


def _estimate(actions: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> float:
    total = 0.0
    for action in actions:
        if not action.get("beside"):
            total += SECONDS.get(action["action"], 0.05)
            if action["action"] in (START, RESTART, RECREATE) and action["service"] == settings["kong_service"]:
                total += KONG_BOOT_SECONDS
    return total


def _covers(mounts: Iterable[str], path: str) -> bool:
    return any(path == mount or path.startswith(mount.rstrip("/") + "/") for mount in mounts)


def short(image_id: str) -> str:
    """Return the part of an image id that people compare."""
    return image_id.rsplit(":", maxsplit=1)[-1][:12]

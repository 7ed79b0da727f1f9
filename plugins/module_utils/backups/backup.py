# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup is, which ones can be used, and which one is the last known good. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..engine import networks
from ..errors import RecoveryError
from ..times import parse_time

FORMAT = 1
FOLDERS = {"deploy": "pre-deploy", "rollback": "rollback-state", "data": "data"}
ID_PATTERN = re.compile(r"(deploy|rollback|data)-([0-9]{8}-[0-9]{6})\Z")
GUIDE_FILES = ("config.env", "services-state.json", "redis-backup.rdb")
NO_ID = "{!r} is no backup id: expected deploy-YYYYMMDD-HHMMSS or rollback-YYYYMMDD-HHMMSS."
LIST_HINT = "List them: ansible-playbook playbooks/list_backups.yml -e env={environment}"


def kind_of(backup_id: str) -> str:
    """Return deploy, rollback or data; raise for anything that is no id, a path in particular."""
    match = ID_PATTERN.match(backup_id)
    if not match:
        raise RecoveryError(NO_ID.format(backup_id))
    return match.group(1)


def time_of(backup_id: str) -> datetime | None:
    """Return the time in an id, read as UTC; None when it is no date. The manifest's time goes before it."""
    match = ID_PATTERN.match(backup_id)
    try:
        return datetime.strptime(match.group(2), "%Y%m%d-%H%M%S").replace(tzinfo=timezone.utc) if match else None
    except ValueError:
        return None


def record(manifest: Mapping[str, Any], marks: Mapping[str, Any], path: str, now: datetime) -> dict[str, Any]:
    """Return the backup record that passes between phases, built from a manifest and its marks."""
    created = parse_time(str(manifest["created"]))
    since = parse_time(str(manifest.get("running_since") or ""))
    ran = (created - since).total_seconds() if created and since else None
    return {
        "id": manifest["id"],
        "kind": manifest["kind"],
        "path": path,
        "layout": "manifest",
        "created": manifest["created"],
        "sequence": int(manifest["sequence"]),
        "environment": manifest["environment"],
        "project": manifest["project"],
        "host": manifest["host"],
        "verified": bool(marks.get("verified")),
        "critical": bool(marks.get("critical")),
        "complete": bool(manifest["complete"]),
        # What it holds is what ran, also where it does not hold everything.
        "exact": bool(manifest.get("exact", manifest["complete"])),
        "notes": list(manifest.get("notes") or []),
        "size": sum(int(item["size"]) for item in manifest["files"]),
        "age_seconds": int((now - created).total_seconds()) if created else None,
        "ran_seconds": int(ran) if ran is not None else None,
        "services": manifest.get("services") or {},
        "networks": manifest.get("networks") or {},
        "kong": manifest.get("kong") or {},
        "redis": manifest.get("redis") or {},
        "undo_data": manifest.get("undo_data", "keep"),
        "tags": manifest.get("tags") or {},
        "absent": list(manifest.get("absent") or []),
        "directories": list(manifest.get("directories") or []),
        "spared": list(manifest.get("spared") or []),
        "links": dict(manifest.get("links") or {}),
        "compose_version": manifest.get("compose_version", ""),
    }


def original_record(
    backup_id: str, path: str, sizes: Mapping[str, int], environment: str, now: datetime, dump: str = ""
) -> dict[str, Any]:
    """Return the record of a backup in the guide's original layout: no manifest, often config.env alone.

    sizes: name → bytes of the guide's files that are there; dump: where the script left one outside of it. The layout
    does not say whose it is, so it is taken as this environment's; ids were written in local time, so the age is about
    right only.
    """
    created = time_of(backup_id)
    cannot = ["compose files, Kong's file and proxy configuration are not in it and stay as they are"]
    if not sizes.get("redis-backup.rdb"):
        use = f"; a dump of that time is {dump}, to use it: cp {dump} {path}/redis-backup.rdb" if dump else ""
        cannot.append(f"it holds no Redis data{use}")
    return {
        "id": backup_id,
        "kind": kind_of(backup_id),
        "path": path,
        "layout": "original",
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ") if created else "",
        "sequence": 0,
        "environment": environment,
        "project": "",
        "host": "",
        "verified": False,
        "critical": False,
        "complete": False,
        "exact": False,
        "notes": ["original layout, unsigned, no checksums", *cannot],
        "size": sum(sizes.values()),
        "age_seconds": int((now - created).total_seconds()) if created else None,
        "ran_seconds": None,
        "services": {},
        "networks": {},
        "kong": {},
        "redis": {"file": "redis-backup.rdb"} if sizes.get("redis-backup.rdb") else {},
        "undo_data": "keep",
        "tags": {},
        "absent": [],
        "directories": [],
        "spared": [],
        "links": {},
        "compose_version": "",
    }


def refusal(found: Mapping[str, Any], environment: str, project: str, hosts: Sequence[str]) -> str:
    """Return why a backup with a readable record cannot be used here; empty when it can."""
    if found["environment"] != environment:
        return f"belongs to environment {found['environment']}"
    if found["layout"] == "manifest" and found["project"] != project:
        return f"belongs to project {found['project']}"
    if found["layout"] == "manifest" and found["host"] not in hosts:
        return f"was taken on host {found['host']}"
    return ""


def newest_first(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return backups newest first, by the manifest's sequence and creation time, never by the file system's."""
    return sorted(
        (dict(item) for item in found), key=lambda item: (item["sequence"], item["created"], item["id"]), reverse=True
    )


# A backup's record → the mounted files that are no longer as in it.
Edited = Callable[[Mapping[str, Any]], Sequence[str]]


def same_state(found: Mapping[str, Any], live: Mapping[str, Any], edited: Edited) -> bool:
    """Say whether a backup describes what runs now: image ids, Compose's hashes, Kong's configuration, mounted files.

    live: {"services": {name: {"image_id", "config_hash"}}, "networks": the project's own as the engine describes them,
    "kong_hash": hex or "", "troubles": {service: why}}.
    edited: asked last, it reads files. A service in trouble is no such state: going back starts it anew.
    """
    if live.get("troubles"):
        return False
    services = found.get("services") or {}
    if not services or set(services) != set(live["services"]):
        return False
    for name, recorded in services.items():
        running = live["services"][name]
        if any(recorded[field] != running[field] for field in ("image_id", "config_hash")):
            return False
    if networks.changed(found.get("networks") or {}, {}, live.get("networks") or ()):
        return False
    kong = found.get("kong") or {}
    shown = kong.get("configuration_hash") and live.get("kong_hash")
    if shown and kong["configuration_hash"] != live["kong_hash"]:
        return False
    # What Kong shows counts more than its file, which does nothing before it is loaded.
    return not set(edited(found)) - ({kong.get("file")} if shown else set())


@dataclass(frozen=True)
class Choice:
    """What to choose by: an id or ``latest``.

    broken: critical checks of what runs now fail; a candidate that equals what runs now is then skipped.
    data_only: only the data is wanted, so data backups count too.
    rejected: id → why an earlier attempt of this run failed with it.
    """

    wanted: str
    broken: bool = False
    data_only: bool = False
    rejected: Mapping[str, str] = field(default_factory=dict)


def choose(
    found: Sequence[Mapping[str, Any]], choice: Choice, live: Mapping[str, Any], environment: str, edited: Edited
) -> tuple[dict[str, Any], str, list[str]]:
    """Return the backup to go back to, why this one, and the usable ids that are older than it.

    found: newest first, each with usable and reason. live, edited: as for same_state.
    """
    if choice.wanted != "latest":
        named = _named(found, choice, environment)
        return named, "named by deployment", older_than(found, named)
    skipped = []
    candidates = [item for item in found if item["usable"] and item["kind"] == "deploy"]
    for item in sorted(candidates, key=lambda item: not item["verified"]):
        if item["id"] in choice.rejected:
            skipped.append(f"{item['id']} was tried: {choice.rejected[item['id']]}")
            continue
        if choice.broken and same_state(item, live, edited):
            skipped.append(f"{item['id']} equals what runs now, which fails its checks")
            continue
        why = "newest verified deployment backup" if item["verified"] else "newest deployment backup (none is verified)"
        return dict(item), "; ".join([why, *skipped]), older_than(found, item)
    reasons = " ".join(f"{text}." for text in skipped)
    raise RecoveryError(
        f"No backup can be used for environment {environment}. {reasons} {available(found)}".replace("  ", " "),
        f"Name one: -e deployment=ID. {LIST_HINT.format(environment=environment)}",
        available=usable_ids(found),
    )


def _named(found: Sequence[Mapping[str, Any]], choice: Choice, environment: str) -> dict[str, Any]:
    """Return the backup that was named; raise with what could be named instead."""
    wanted, hint, ids = choice.wanted, LIST_HINT.format(environment=environment), usable_ids(found)
    if not ID_PATTERN.match(wanted):
        raise RecoveryError(f"{NO_ID.format(wanted)} {available(found)}", hint, available=ids)
    named = [item for item in found if item["id"] == wanted]
    if not named:
        raise RecoveryError(f"There is no backup {wanted}. {available(found)}", hint, available=ids)
    if not named[0]["usable"]:
        reason = f"Backup {wanted} cannot be used: {named[0]['reason']}."
        raise RecoveryError(f"{reason} {available(found)}", hint, available=ids)
    if named[0]["kind"] == "data" and not choice.data_only:
        raise RecoveryError(
            f"{wanted} holds Redis data only and is no rollback target. {available(found)}",
            f"Its data: ansible-playbook playbooks/recover_data.yml -e env={environment} -e deployment={wanted}",
            available=ids,
        )
    return dict(named[0])


def older_than(found: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> list[str]:
    """Return the ids of the usable deployment backups older than chosen, newest first."""
    position = [item["id"] for item in found].index(chosen["id"])
    return [item["id"] for item in found[position + 1 :] if item["usable"] and item["kind"] == "deploy"]


def usable_ids(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids that can be named as a rollback target, newest first."""
    return [item["id"] for item in found if item["usable"] and item["kind"] != "data"]


def available(found: Sequence[Mapping[str, Any]], limit: int = 10) -> str:
    """Return the sentence that lists what could be named instead."""
    ids = usable_ids(found)
    if not ids:
        return "No usable backup is there."
    return f"Available: {', '.join(ids[:limit])}{f' and {len(ids) - limit} more' if len(ids) > limit else ''}."

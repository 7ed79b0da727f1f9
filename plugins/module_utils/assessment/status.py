# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an engineer asks first: what runs, since when, from which deployment, is it well. Lines of it; pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..backups.backup import Edited, same_state
from ..engine.container import Container
from ..report import age_lines
from ..runs.continuation import COMPARED
from ..runs.other_runs import Unfinished
from ..times import parse_time, span

# What a run does where nothing is said.
UNSAID = {"deployment": "latest", "redis_scope": "mappings"}


def since(text: str, now: datetime) -> str:
    """Return how long ago a time was."""
    moment = parse_time(text)
    return span((now - moment).total_seconds()) if moment and moment.year > 1 else "?"


def service_line(container: Container, problem: str, now: datetime) -> str:
    """Return one service in one line: well or not, since when, its image."""
    word = "well" if not problem else "TROUBLE"
    health = "" if container.health in ("none", "healthy") else f", health check {container.health}"
    restarts = f", {container.restarts} restarts" if container.restarts else ""
    image = f"{container.image_ref} ({container.image_id.rsplit(':', maxsplit=1)[-1][:12]})"
    up = f"up {since(container.started_at, now)}" if container.running else container.state
    told = f" - {problem}" if problem else ""
    return f"{container.service:<12} {word:<8} {up}{health}{restarts}; {image}{told}"


def release(
    backups: Sequence[Mapping[str, Any]], live: Mapping[str, Any], created: str, edited: Edited
) -> dict[str, str]:
    """Return where what runs comes from: since (when the newest container was made), deployment, same_as.

    deployment: the deployment before which the newest older backup was taken, as deploy-X is the state before X;
    same_as: the newest usable backup that describes exactly what runs; live, edited: as for same_state.
    """
    made = parse_time(created)
    usable = [item for item in backups if item["usable"] and item["kind"] != "data" and item["layout"] == "manifest"]
    before = [
        item["id"]
        for item in usable
        if item["kind"] == "deploy" and made and (moment := parse_time(item["created"])) and moment <= made
    ]
    same = next((item["id"] for item in usable if same_state(item, live, edited)), "")
    return {"since": created, "deployment": before[0] if before else "", "same_as": same}


def release_line(found: Mapping[str, str], now: datetime) -> str:
    """Return where what runs comes from, as a sentence."""
    if not found["since"]:
        return "RELEASE: nothing runs"
    parts = [f"RELEASE: deployed {since(found['since'], now)} ago"]
    if found["deployment"]:
        parts.append(f"after backup {found['deployment']}")
    parts.append(f"the same as in {found['same_as']}" if found["same_as"] else "in no backup yet")
    return "; ".join(parts)


def screen(
    facts: Mapping[str, Any],
    containers: Mapping[str, Container],
    problems: Mapping[str, str],
    backups: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[str]:
    """Return the whole status; facts: project, environment, host, release, expected, lock, unfinished."""
    lines = [f"STATUS: {facts['project']} ({facts['environment']}) on {facts['host']}"]
    lines.append(release_line(facts["release"], now))
    lines += [service_line(item, problems.get(name, ""), now) for name, item in containers.items()]
    lines += [f"{name:<12} TROUBLE  has no container" for name in facts["expected"] if name not in containers]
    lines += age_lines(backups)
    lines += [run_line(item, facts["environment"], now) for item in facts["unfinished"]]
    lines.append(lock_line(facts["lock"]))
    bad = len(problems) + sum(name not in containers for name in facts["expected"])
    return [*lines, f"IN TROUBLE: {bad}" if bad else "ALL WELL"]


def run_line(item: Unfinished, environment: str, now: datetime) -> str:
    """Return an unfinished run with the command that takes it up: the one that it was begun with."""
    asked = "".join(
        f" -e {name}={shlex.quote(str(item.arguments[name]))}"
        for name in COMPARED
        if item.arguments.get(name, "") not in ("", UNSAID.get(name))
    )
    command = f"ansible-playbook playbooks/{item.kind}.yml -e env={environment}{asked}"
    where = item.phase or "no phase"
    return f"UNFINISHED: {item.run}, begun {since(item.began, now)} ago, last in {where}; take it up: {command}"


def lock_line(holder: str) -> str:
    """Return who holds the stack's lock; holder: in words, empty for nobody."""
    return f"LOCK: held by {holder}" if holder else "LOCK: free"

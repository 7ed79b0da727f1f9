# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the lines of journals to records of runs. Pure; a cut line and a run without an end are ordinary cases.

A record: run, kind, environment, project, host, by, arguments, fence, timeout, detected_at, resumes, began and ended
(wall time), finished, outcome, service, not_measured, seconds, failure, backup_id, snapshot_id, phases, steps,
warnings; what the phases left: backup, why, older, plan, snapshot, executed, checks, checks_before, data_after, undo.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..times import parse_time

UNFINISHED = "unfinished"


def read_events(text: str) -> list[dict[str, Any]]:
    """Return the events of a journal's text; a line that a kill cut short, or that is none of ours, is left out."""
    events = []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            events.append(event)
    return events


def run_record(run: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is known about one run."""
    begin = _first(events, "begin")
    end = _last(events, "end")
    phases = _merged(_phases(events))
    wall = [str(item["wall"]) for item in events if item.get("wall")]
    record: dict[str, Any] = {
        "run": run,
        "kind": str(begin.get("kind") or run.split("-", 1)[0]),
        "by": dict(begin.get("by") or {}),
        "arguments": dict(begin.get("arguments") or {}),
        "timeout": float(begin.get("timeout") or 120),
        "began": wall[0] if wall else "",
        "ended": str(end.get("wall") or ""),
        "last_seen": wall[-1] if wall else "",
        "finished": bool(end),
        "outcome": str(end.get("outcome") or UNFINISHED),
        "service": str(end.get("service") or "not measured"),
        "not_measured": int(end.get("not_measured") or 0),
        # A run that never ended is closed by the next one, which does not know how long it took.
        "seconds": _number(end.get("seconds"), 0.0) or _spread([item for item in events if item is not end]),
        "failure": str(end.get("failure") or ""),
        "backup_id": str(end.get("backup_id") or ""),
        "snapshot_id": str(end.get("snapshot_id") or ""),
        "fence": begin.get("fence"),
        "phases": [{key: value for key, value in item.items() if key != "result"} for item in phases],
        "steps": _steps(events),
        "warnings": [str(item.get("text", "")) for item in events if item["event"] == "warning"],
    }
    for name in ("environment", "project", "host", "detected_at", "resumes"):
        record[name] = str(begin.get(name) or "")
    record.update(_records(phases, end))
    # A run that went on with an interrupted one made no snapshot of its own.
    record["snapshot"] = record["snapshot"] or dict((begin.get("carries") or {}).get("snapshot") or {})
    record["snapshot"].update({"copy": copy["id"]} if (copy := _copy(phases)) else {})
    counted = _last(events, "data")
    record["data_after"] = record["data_after"] or {key: counted[key] for key in ("keys", "mappings") if key in counted}
    record["executed"] = record["executed"] or [item for item in record["steps"] if item["state"] == "end"]
    record["backup_id"] = record["backup_id"] or str(record["backup"].get("id") or "")
    record["snapshot_id"] = record["snapshot_id"] or str(record["snapshot"].get("id") or "")
    return record


def history(journals: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the records of (run, text of its journal), oldest first."""
    records = [run_record(run, read_events(text)) for run, text in journals]
    return sorted(records, key=lambda item: (item["began"], item["run"]))


def brief(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with only what the figures over many runs need: hundreds of them pass through one result."""
    plan = record["plan"]
    named = ("name", "status", "level")
    return {
        **record,
        "steps": [],
        "warnings": [],
        "backup": {},
        "older": [],
        "undo": {},
        "arguments": {},
        "executed": [{"service": item["service"]} for item in record["executed"] if item.get("service")],
        "checks": [{key: item[key] for key in named} for item in record["checks"]],
        "checks_before": [{key: item[key] for key in named} for item in record["checks_before"]],
        "snapshot": {"redis": {"status": (record["snapshot"].get("redis") or {}).get("status", "")}},
        "plan": {
            "services": {name: {"do": item.get("do")} for name, item in (plan.get("services") or {}).items()},
            "data": {"changes": (plan.get("data") or {}).get("changes")},
            "waived": [{"name": item["name"]} for item in plan.get("waived") or []],
            "refusals": [{"name": item["name"]} for item in plan.get("refusals") or []],
        },
    }


def seconds_between(earlier: str, later: str) -> float | None:
    """Return the seconds from one wall time to another; None when either is none or they stand the wrong way round."""
    first, second = parse_time(earlier), parse_time(later)
    if first is None or second is None or second < first:
        return None
    return (second - first).total_seconds()


def back_after(record: Mapping[str, Any]) -> float | None:
    """Return the seconds from a run's beginning to services that are ready; None when that was never reached."""
    if record["service"] != "back":
        return None
    done = [item for item in record["phases"] if item["phase"] in ("apply", "undo") and item["ok"]]
    return float(done[-1]["start"] + done[-1]["seconds"]) if done else None


def _first(events: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    return next((item for item in events if item["event"] == kind), {})


def _last(events: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    return next((item for item in reversed(events) if item["event"] == kind), {})


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else otherwise


def _clock(event: Mapping[str, Any]) -> float:
    return _number(event.get("mono"), 0.0)


def _spread(events: Sequence[Mapping[str, Any]]) -> float:
    """Return how long the events span by the clock that nobody sets; 0 where a reboot set it back."""
    ticks = [_clock(item) for item in events]
    return round(max(0.0, ticks[-1] - ticks[0]), 3) if ticks else 0.0


def _phases(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the phases in order: phase, start (s since the begin), seconds, ok (None: never ended), msg, hint."""
    zero = _clock(events[0]) if events else 0.0
    found: list[dict[str, Any]] = []
    for event in events:
        if event["event"] != "phase":
            continue
        start = round(max(0.0, _clock(event) - zero), 3)
        if event.get("state") == "begin":
            found.append({"phase": str(event.get("phase")), "start": start, "seconds": 0.0, "ok": None, "result": {}})
            continue
        item = next((one for one in reversed(found) if one["phase"] == event.get("phase") and one["ok"] is None), None)
        if item is None:
            item = {"phase": str(event.get("phase")), "start": start - _number(event.get("seconds"), 0.0)}
            found.append(item)
        item.update(
            seconds=_number(event.get("seconds"), round(start - item["start"], 3)),
            ok=bool(event.get("ok")),
            result=event.get("result") if isinstance(event.get("result"), dict) else {},
        )
        item["start"] = max(0.0, item["start"])
        item.update({name: str(event[name]) for name in ("msg", "hint") if event.get(name)})
    return found


def _steps(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps in order, one each: what, start (s since the begin), ms, state (``begin``: never ended)."""
    zero = _clock(events[0]) if events else 0.0
    found: dict[Any, dict[str, Any]] = {}
    for event in events:
        if event["event"] != "step":
            continue
        item = found.setdefault(
            (event.get("step"), event.get("action")), {"start": round(max(0.0, _clock(event) - zero), 3), "ms": None}
        )
        known = ("step", "action", "service", "path", "reference", "why", "result", "state", "ms")
        item.update({name: event[name] for name in known if event.get(name) is not None})
    return list(found.values())


def _merged(phases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the phases with neighbours of one name as one: several modules may make up a phase."""
    found: list[dict[str, Any]] = []
    for item in phases:
        last = found[-1] if found else None
        if last is None or last["phase"] != item["phase"]:
            found.append(dict(item))
            continue
        ended = item["start"] + item["seconds"] if item["ok"] is not None else item["start"]
        last.update({name: item[name] for name in ("msg", "hint") if name in item})
        last["seconds"] = round(ended - last["start"], 3)
        last["ok"] = item["ok"] if last["ok"] else last["ok"]
        lists = {
            name: [*(last["result"].get(name) or []), *item["result"][name]]
            for name in ("checks", "executed")
            if isinstance(item["result"].get(name), list)
        }
        last["result"] = {**last["result"], **item["result"], **lists}
    return found


def _copy(phases: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the data backup that a run made which went on with another one's snapshot."""
    found = [item["result"].get("backup") for item in phases if item["phase"] == "copy" and item["result"]]
    return found[-1] or {} if found else {}


def _records(phases: Sequence[Mapping[str, Any]], end: Mapping[str, Any]) -> dict[str, Any]:
    """Return the records that the phases left, the latest of each, empty where a phase left none."""
    turn = next((number for number, item in enumerate(phases) if item["phase"] == "undo"), len(phases))

    def of(phase: str, among: Sequence[Mapping[str, Any]] = phases) -> Mapping[str, Any]:
        found = [item["result"] for item in among if item["phase"] == phase and item["result"]]
        return found[-1] if found else {}

    undone = end.get("outcome") == "undone"
    left = (end.get("checks") or []) if undone else []
    after = of("verify", phases[turn:]).get("checks") or of("undo").get("checks") or left
    undo = {"undone": undone, "reason": str(of("undo").get("reason") or ""), "checks": list(after)}
    verified = of("verify", phases[:turn])
    return {
        "backup": dict(of("discover").get("backup") or {}),
        "why": str(of("discover").get("why") or ""),
        "older": list(of("discover").get("older") or []),
        "checks_before": list(of("before").get("checks") or of("discover").get("checks") or []),
        "plan": dict(of("plan").get("plan") or {}),
        "snapshot": dict(of("snapshot").get("backup") or {}),
        "executed": list(of("apply").get("executed") or []),
        "checks": list(verified.get("checks") or ([] if undone else end.get("checks") or [])),
        "data_after": dict(verified.get("data") or {}),
        "undo": undo if turn < len(phases) or undone else {},
    }

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the record of a run, or from many, to the document of a report: what docs/report.schema.json describes. Pure.

The document is everything that the pages show; a page computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..redact import scrub_tree
from ..runs.budgets import BACK, CLASSES, RECOVERY, VERIFY, phase_budget, rollback_class
from ..runs.escalation import escalation
from ..runs.take_back import DATA_ALONE, take_back
from . import kpi
from .run_evidence import checklist, criteria
from .run_history import back_after, seconds_between
from .scenario import scenario

RUN_SCHEMA = "kong_masking.recovery/run-report/1"
HISTORY_SCHEMA = "kong_masking.recovery/history-report/1"
# Actions after which a service is away until it is ready again.
MOVES = ("stop", "start", "restart", "recreate", "replace_data")


def run_document(record: Mapping[str, Any], contacts: Sequence[Mapping[str, Any]], generated: str) -> dict[str, Any]:
    """Return the report of one run; contacts as in recovery_contacts; generated is the time of the report (UTC)."""
    which = rollback_class(record["kind"], record["plan"])
    phases = [_phase(item, which) for item in record["phases"]]
    document = {
        "schema": RUN_SCHEMA,
        "generated": generated,
        "run": _head(record, which),
        "verdict": verdict(record),
        "target": _target(record),
        "phases": phases,
        "budgets": _budgets(record, which, phases),
        "warnings": list(record["warnings"]),
        "plan": _plan(record),
        "actions": _actions(record),
        "data": _data(record),
        "checks": [_check(item) for item in record["checks"]],
        "checks_undo": [_check(item) for item in record["undo"].get("checks") or []],
        "checks_before": [_check(item) for item in record["checks_before"]],
        "diagnosis": _diagnosis(record),
        "scenario": scenario(record),
        "checklist": checklist(record),
        "criteria": criteria(record),
        "escalation": escalation(contacts, _minutes_base(record), record["service"] == "back"),
        "return_command": return_command(record),
    }
    # The journal carries no secrets; text from elsewhere may still hold an address with a password in it.
    return scrub_tree(document, [])


def history_document(records: Sequence[Mapping[str, Any]], scope: str, last: int, generated: str) -> dict[str, Any]:
    """Return the report over many runs, oldest first; scope says whose they are, last how many are listed."""
    ordered = sorted(records, key=lambda item: (item["began"], item["run"]))
    document = {
        "schema": HISTORY_SCHEMA,
        "generated": generated,
        "scope": scope,
        "runs_known": len(ordered),
        "first": ordered[0]["began"] if ordered else "",
        "last": ordered[-1]["began"] if ordered else "",
        "figures": kpi.figures(ordered),
        "success_by_kind": kpi.success_by_kind(ordered),
        "durations": kpi.durations(ordered),
        "outcomes": _outcomes(ordered),
        "patterns": kpi.patterns(ordered),
        "runs": [_row(item) for item in ordered[-last:]],
    }
    return scrub_tree(document, [])


def verdict(record: Mapping[str, Any]) -> str:
    """Return the closing line of a run as its screen said it."""
    if not record["finished"]:
        return "SERVICE: NOT MEASURED, the run has no end in its journal"
    if record["service"] != "back":
        return f"SERVICE: {str(record['service']).upper()}"
    missing = record["not_measured"]
    return f"SERVICE: BACK, {missing} checks not measured" if missing else "SERVICE: BACK"


def return_command(record: Mapping[str, Any]) -> str:
    """Return the command that takes a run back; empty when it changed nothing, or was undone already."""
    applied = any(item["phase"] == "apply" for item in record["phases"])
    if not record["snapshot_id"] or not applied or record["outcome"] == "undone":
        return ""
    arguments = record["arguments"]
    told = {"mode": arguments.get("redis_data"), "scope": arguments.get("redis_scope")}
    data = record["plan"].get("data") or (told if record["kind"] == DATA_ALONE else {})
    snapshot = {**record["snapshot"], "id": record["snapshot_id"]}
    return take_back(record["kind"], record["environment"], snapshot, data)


def _minutes_base(record: Mapping[str, Any]) -> float:
    """Return the seconds since the incident was detected, or since the run began, at the run's end."""
    found = seconds_between(record["detected_at"], record["last_seen"]) if record["detected_at"] else None
    return record["seconds"] if found is None else found


def _head(record: Mapping[str, Any], which: str) -> dict[str, Any]:
    names = (
        "run", "kind", "environment", "project", "host", "by", "arguments", "began", "ended", "finished", "outcome",
        "service", "not_measured", "seconds", "failure", "detected_at", "resumes", "snapshot_id", "timeout",
    )  # fmt: skip
    return {**{name: record[name] for name in names}, "class": which}


def _target(record: Mapping[str, Any]) -> dict[str, Any]:
    backup = record["backup"]
    return {
        "id": record["backup_id"],
        "created": str(backup.get("created") or ""),
        "age_seconds": seconds_between(str(backup.get("created") or ""), record["began"]),
        "verified": bool(backup.get("verified")),
        "why": record["why"],
        "next_older": str(record["older"][0]) if record["older"] else "",
    }


def _phase(item: Mapping[str, Any], which: str) -> dict[str, Any]:
    budget = phase_budget(item["phase"], which)
    within = None if budget is None or item["ok"] is None else item["seconds"] <= budget
    message = " ".join(part for part in (item.get("msg", ""), item.get("hint", "")) if part)
    named = {name: item[name] for name in ("phase", "start", "seconds", "ok")}
    return {**named, "budget": budget, "within": within, "message": message}


def _budgets(record: Mapping[str, Any], which: str, phases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the guide measures against a time: name, seconds (None: not measured), budget, within."""
    verify = [item["seconds"] for item in phases if item["phase"] == "verify" and item["ok"] is not None]
    rows = (
        (which, back_after(record), CLASSES[which]),
        ("to service back", back_after(record), float(record["timeout"]) if record["timeout"] else BACK),
        ("services away", _outage(record), RECOVERY),
        ("verification", verify[-1] if verify else None, VERIFY),
    )
    return [
        {"name": name, "seconds": took, "budget": budget, "within": None if took is None else took <= budget}
        for name, took, budget in rows
    ]


def _outage(record: Mapping[str, Any]) -> float | None:
    """Return the seconds from the first step that moves a service to the last one that found one ready."""
    moved = [item for item in record["steps"] if item.get("action") in MOVES]
    done = [item for item in record["steps"] if item.get("action") == "ready" and item.get("ms") is not None]
    if not moved or not done:
        return None
    return round(max(0.0, max(item["start"] + item["ms"] / 1000 for item in done) - moved[0]["start"]), 3)


def _plan(record: Mapping[str, Any]) -> dict[str, Any]:
    plan = record["plan"]
    guards = ("name", "reason", "hint")
    return {
        "data_line": str((plan.get("data") or {}).get("line") or ""),
        "services": [
            {"name": name, "do": item.get("do", ""), "why": list(item.get("why") or [])}
            for name, item in (plan.get("services") or {}).items()
        ],
        "refusals": [
            {**{key: str(item.get(key) or "") for key in guards}, "waivable": bool(item.get("waivable"))}
            for item in plan.get("refusals") or []
        ],
        "waived": [{key: str(item.get(key) or "") for key in guards[:2]} for item in plan.get("waived") or []],
        "warnings": [str(item) for item in plan.get("warnings") or []],
        "estimate_seconds": plan.get("estimate_seconds"),
    }


def _actions(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the plan's actions with what became of each: done with its ms, not finished, or not begun."""
    carried = {(item.get("step"), item.get("action")): item for item in [*record["steps"], *record["executed"]]}
    ended = {(item.get("step"), item.get("action")) for item in record["executed"]}
    rows = []
    for item in record["plan"].get("actions") or record["executed"]:
        key = (item.get("step"), item.get("action"))
        found = carried.get(key)
        state = "done" if key in ended else "not finished" if found is not None else "not begun"
        rows.append(
            {
                "step": item.get("step"),
                "action": str(item.get("action") or ""),
                "what": str(item.get("service") or item.get("path") or item.get("reference") or ""),
                "why": str(item.get("why") or ""),
                "state": state,
                "ms": (found or {}).get("ms"),
                "start": next((one["start"] for one in record["steps"] if one.get("step") == item.get("step")), None),
            }
        )
    return rows


def _data(record: Mapping[str, Any]) -> dict[str, Any]:
    planned = record["plan"].get("data") or {}
    result: Mapping[str, Any] = next((item["result"] for item in record["executed"] if item.get("result")), {})
    saved = record["snapshot"].get("redis") or {}
    after = record["data_after"]
    return {
        "mode": str(planned.get("mode") or ""),
        "scope": str(planned.get("scope") or ""),
        "line": str(planned.get("line") or ""),
        "keys_before": result.get("keys_before", saved.get("keys")),
        "keys_after": result.get("keys_after", after.get("keys")),
        "mappings_before": saved.get("mappings", planned.get("before")),
        "mappings_after": after.get("mappings"),
        "written": result.get("keys_restored"),
        "removed": result.get("keys_removed"),
        "method": str(result.get("method") or ""),
        "why": str(result.get("why") or ""),
        "snapshot": str(saved.get("status") or ""),
    }


def _check(item: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: str(item.get(name) or "") for name in ("name", "status", "level", "expected", "found")}
    return {**named, "ms": item.get("ms")}


def _diagnosis(record: Mapping[str, Any]) -> dict[str, str] | None:
    if not record["failure"] and record["finished"] and record["outcome"] not in ("failed", "undone"):
        return None
    broken = next((item for item in record["phases"] if not item["ok"]), None)
    text = record["failure"] or (broken or {}).get("msg") or "The journal ends in the middle of the run."
    hint = (broken or {}).get("hint") or ("" if record["finished"] else "Run the same command again: it resumes.")
    undone = str(record["undo"].get("reason") or "")
    if record["undo"]:
        undone = undone or ("the state from before runs again" if record["undo"]["undone"] else "left as it is")
    return {"phase": broken["phase"] if broken else "", "text": str(text), "hint": str(hint), "undo": undone}


def _outcomes(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    counted: dict[str, int] = {}
    for item in records:
        counted[item["outcome"]] = counted.get(item["outcome"], 0) + 1
    return [{"outcome": name, "runs": counted[name]} for name in sorted(counted)]


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    names = ("run", "kind", "host", "began", "outcome", "service", "not_measured", "seconds", "backup_id", "failure")
    which = rollback_class(record["kind"], record["plan"])
    back = back_after(record)
    return {
        **{name: record[name] for name in names},
        "class": which,
        "back_after": back,
        "budget": CLASSES[which],
        "needless": None if kpi.was_needless(record) is None else bool(kpi.was_needless(record)),
    }

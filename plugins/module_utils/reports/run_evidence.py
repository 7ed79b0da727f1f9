# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guide's checklist and success criteria, each item with what the journal shows about it. Pure.

An item is ``done`` or ``open`` by evidence; what no journal can show is ``for a person``. A criterion is ``met``,
``missed`` or ``not measured``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..runs.budgets import BACK
from .run_history import back_after, seconds_between

DONE, OPEN, PERSON = "done", "open", "for a person"
MET, MISSED, NOT_MEASURED = "met", "missed", "not measured"
RPO = 300.0


def checklist(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the guide's boxes: part, item, state, and the evidence."""
    seconds = f"{sum(item['ok'] is not None for item in record['phases'])} phases with their seconds in the journal"
    rows = [
        ("before", "Incident confirmed and rollback decision made", *_person("who decided, and when")),
        ("before", "Stakeholders notified", *_person("a message that was sent is not one that was read")),
        ("before", "Backup availability verified", *_phase(record, "discover", _chosen(record))),
        ("before", "Current state documented", *_snapshot(record)),
        ("during", "Rollback command executed", *_phase(record, "apply", "every action of the plan was carried out")),
        ("during", "Progress monitored", *_person("the log could be followed on the host")),
        ("during", "Issues documented", DONE, _issues(record)),
        ("during", "Timeline tracked", DONE if record["phases"] else OPEN, seconds),
        ("after", "Services verified healthy", *_checks(record["checks"], lambda item: item["level"] == "critical")),
        (
            "after",
            "End-to-end functionality tested",
            *_checks(record["checks"], lambda item: "masking" in item["name"]),
        ),
        ("after", "Performance validated", *_checks(record["checks"], lambda item: "performance" in item["name"])),
        ("after", "Stakeholders updated", *_person("")),
        ("after", "Incident analysis scheduled", *_person("root cause, timeline, prevention")),
    ]
    return [{"part": part, "item": item, "state": state, "evidence": text} for part, item, state, text in rows]


def _person(text: str) -> tuple[str, str]:
    return PERSON, text


def _phase(record: Mapping[str, Any], phase: str, good: str) -> tuple[str, str]:
    found = [item for item in record["phases"] if item["phase"] == phase]
    if not found:
        return OPEN, "the run did not come to it"
    if found[-1]["ok"]:
        return DONE, good
    return OPEN, found[-1].get("msg") or "it was begun and has no end in the journal"


def _chosen(record: Mapping[str, Any]) -> str:
    why = f": {record['why']}" if record["why"] else ""
    return f"{record['backup_id'] or 'a backup'} was found and proven{why}"


def _snapshot(record: Mapping[str, Any]) -> tuple[str, str]:
    if not record["snapshot_id"]:
        return OPEN, "no snapshot was taken"
    data = record["snapshot"].get("redis") or {}
    return DONE, f"{record['snapshot_id']}, data {data.get('status') or 'not told'}"


def _issues(record: Mapping[str, Any]) -> str:
    count = len(record["warnings"])
    return f"{count} warning{'' if count == 1 else 's'} and {1 if record['failure'] else 0} failures in the journal"


def _checks(checks: Iterable[Mapping[str, Any]], wanted: Any) -> tuple[str, str]:
    rows = [item for item in checks if wanted(item)]
    bad = [item["name"] for item in rows if item["status"] == "failed"]
    unknown = [item["name"] for item in rows if item["status"] == "not_measured"]
    if bad:
        return OPEN, f"failed: {', '.join(bad)}"
    if not rows or len(unknown) == len(rows):
        return PERSON, "not measured"
    left = f"; not measured: {', '.join(unknown)}" if unknown else ""
    return (PERSON if unknown else DONE), f"{len(rows) - len(unknown)} of {len(rows)} checks passed{left}"


def criteria(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the guide's success criteria: name, target, state, and what was found."""
    rows = [
        ("RTO", "< 2 min", *_rto(record)),
        ("RPO", "< 5 min", *_rpo(record)),
        ("Service availability", "> 99.9 %", NOT_MEASURED, "a journal does not count clients' requests"),
        ("Data integrity", "100 %", *_share(record, ("redis", "kong_configuration_hash", "masking"))),
        ("Functional completeness", "100 %", *_completeness(record)),
    ]
    return [{"name": name, "target": target, "state": state, "found": found} for name, target, state, found in rows]


def _rto(record: Mapping[str, Any]) -> tuple[str, str]:
    took = back_after(record)
    if took is None:
        return (MISSED, "the service did not come back") if record["service"] == "not back" else (NOT_MEASURED, "")
    return (MET if took < BACK else MISSED), f"{took:.1f} s from the beginning to ready services"


def _rpo(record: Mapping[str, Any]) -> tuple[str, str]:
    data = record["plan"].get("data") or {}
    if not record["checks"] or not data.get("mode"):
        return NOT_MEASURED, "the run did not come to the end of its plan"
    lost = [str(item["problem"]) for item in record["executed"] if item.get("problem")]
    if lost:
        return MISSED, f"data were not brought back: {'; '.join(lost)}"
    if any(item["action"] == "keep_data" and item.get("result") for item in record["executed"]):
        return MET, "what Redis did not load again came back out of this run's copy"
    if data["mode"] in ("keep", "merge"):
        return MET, "0 s: the live mappings stayed"
    if data["mode"] == "empty":
        return NOT_MEASURED, "mappings left service on purpose; the snapshot holds them"
    age = seconds_between(str(record["backup"].get("created") or ""), record["began"])
    if age is None:
        return NOT_MEASURED, "the age of the backup's data is not known"
    return (MET if age < RPO else MISSED), f"data of {age:.0f} s before"


def _share(record: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, str]:
    rows = [item for item in record["checks"] if item["name"] in names]
    bad = [item["name"] for item in rows if item["status"] == "failed"]
    known = [item for item in rows if item["status"] != "not_measured"]
    if bad:
        return MISSED, f"failed: {', '.join(bad)}"
    if not rows or len(known) < len(rows):
        return NOT_MEASURED, f"{len(known)} of {len(names)} checks were made"
    return MET, f"{len(rows)} of {len(rows)}: {', '.join(item['name'] for item in rows)}"


def _completeness(record: Mapping[str, Any]) -> tuple[str, str]:
    critical = [item for item in record["checks"] if item["level"] == "critical"]
    good = sum(item["status"] == "passed" for item in critical)
    if not critical:
        return NOT_MEASURED, "nothing was verified"
    if any(item["status"] == "failed" for item in critical):
        return MISSED, f"{good} of {len(critical)} critical checks passed"
    return (MET if good == len(critical) else NOT_MEASURED), f"{good} of {len(critical)} critical checks passed"

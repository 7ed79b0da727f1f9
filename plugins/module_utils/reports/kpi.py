# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key figures over the records of runs (run_history.py), each with how many runs it was measured on. Pure.

A figure that no run carries is None: "not measured", never filled in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Any

from ..checks import passed
from ..runs.budgets import CLASSES, rollback_class
from .run_history import UNFINISHED, back_after, seconds_between

ROLLBACKS = ("rollback", "force_rollback")
ATTEMPTS = ("completed", "failed", "undone", UNFINISHED)
# The guide's success rates; a rollback by hand leaves no journal, so nothing is known about it.
BY_KIND = (("rollback", "automated rollback", 0.98), ("force_rollback", "force rollback", 0.90))
OTHER_KINDS = (("recover_data", "data recovery", None),)
MANUAL = ("manual", "manual rollback", 0.95)


def succeeded(record: Mapping[str, Any]) -> bool:
    """Say whether a run did what it was for: it completed and the service was seen back."""
    return record["outcome"] == "completed" and record["service"] == "back"


def attempts(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rollbacks that counted: not those refused or planned, nor those with nothing to do."""
    return [item for item in records if item["kind"] in ROLLBACKS and item["outcome"] in ATTEMPTS]


def figure(name: str, title: str, target: tuple[str, float], values: Sequence[float], meaning: str) -> dict[str, Any]:
    """Return one figure: the mean of values, None when there are none; target is ("<" or ">" or ">=", limit)."""
    sign, limit = target
    value = round(mean(values), 4) if values else None
    met = None
    if value is not None:
        met = {"<": value < limit, ">": value > limit, ">=": value >= limit}[sign]
    return {
        "name": name,
        "title": title,
        "value": value,
        "unit": "seconds" if name.endswith("_seconds") else "share",
        "measured_on": len(values),
        "target": {"sign": sign, "limit": limit},
        "met": met,
        "meaning": meaning,
    }


def figures(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the guide's key figures."""
    tried = attempts(records)
    rollbacks = [item for item in records if item["kind"] in ROLLBACKS]
    detected = [found for item in rollbacks for found in [seconds_between(item["detected_at"], item["began"])]]
    took = [back_after(item) for item in tried if succeeded(item)]
    from_detection = [
        found for item in tried if succeeded(item) for found in [seconds_between(item["detected_at"], item["ended"])]
    ]
    saved = [found for item in tried for found in [data_saved(item)]]
    needless = [found for item in rollbacks for found in [was_needless(item)]]
    return [
        figure("mttd_seconds", "MTTD, mean time to detect", ("<", 120), _known(detected),
               "from incident_detected_at, as given to the run, to the beginning of the rollback"),
        figure("mttr_seconds", "MTTR, mean time to roll back", ("<", 300), _known(took),
               "from the beginning of a successful rollback to services that are ready"),
        figure("mttr_from_detection_seconds", "MTTR from detection", ("<", 300), _known(from_detection),
               "from incident_detected_at to the end of a successful rollback, people and verification included"),
        figure("success_rate", "Success rate", (">", 0.95), [float(succeeded(item)) for item in tried],
               "rollbacks that completed with the service back, of those that were begun"),
        figure("data_saved_rate", "No data lost", (">=", 1.0), _known(saved),
               "rollbacks whose data were saved, and the copy proven, before the first change"),
        figure("false_positive_rate", "False positives", ("<", 0.10), _known(needless),
               "rollbacks of a stack that passed every critical check before"),
    ]  # fmt: skip


def data_saved(record: Mapping[str, Any]) -> float | None:
    """Return 1 when a proven copy of the data lay there before the first change, 0 when not, None without a change."""
    if not any(item["phase"] == "apply" for item in record["phases"]):
        return None
    status = str((record["snapshot"].get("redis") or {}).get("status") or "")
    return 1.0 if status == "proven" else 0.0


def was_needless(record: Mapping[str, Any]) -> float | None:
    """Return 1 when every critical check passed before the rollback, 0 when one failed, None when nobody looked."""
    return float(passed(record["checks_before"])) if record["checks_before"] else None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def success_by_kind(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return per kind of run: how many, how many succeeded, the rate, and the guide's."""
    rows = []
    for kind, title, target in (*BY_KIND, MANUAL, *OTHER_KINDS):
        tried = [item for item in records if item["kind"] == kind and item["outcome"] in ATTEMPTS]
        good = sum(succeeded(item) for item in tried)
        if not tried and target is None:
            continue
        rows.append(
            {
                "kind": kind,
                "title": title,
                "runs": len(tried),
                "succeeded": good,
                "rate": round(good / len(tried), 4) if tried else None,
                "target": target,
            }
        )
    return rows


def durations(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return per class of rollback that succeeded: how many, mean, median, longest, and how many within its budget."""
    rows = []
    good = [item for item in attempts(records) if succeeded(item)]
    for which, budget in CLASSES.items():
        took = _known(back_after(item) for item in good if rollback_class(item["kind"], item["plan"]) == which)
        rows.append(
            {
                "class": which,
                "budget": budget,
                "runs": len(took),
                "mean": round(mean(took), 3) if took else None,
                "median": round(median(took), 3) if took else None,
                "longest": round(max(took), 3) if took else None,
                "within": sum(value <= budget for value in took),
            }
        )
    return rows


def patterns(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what comes up again and again: what failed before, where runs break, what is changed, what is waived."""
    rollbacks = [item for item in records if item["kind"] in ROLLBACKS]
    groups: list[tuple[str, Iterable[str]]] = [
        ("failed before the rollback", (name for item in rollbacks for name in _failed(item["checks_before"]))),
        ("phase in which a run broke", (broken_phase(item) for item in rollbacks if broken_phase(item))),
        ("failed after the rollback", (name for item in rollbacks for name in _failed(item["checks"]))),
        ("service that was changed", (name for item in rollbacks for name in _changed(item))),
        ("guard that was waived", (one["name"] for item in rollbacks for one in item["plan"].get("waived") or [])),
        ("reason for a refusal", (one["name"] for item in rollbacks for one in item["plan"].get("refusals") or [])),
    ]
    rows = []
    for what, names in groups:
        counted = Counter(names)
        # Equal counts in the order of their names: the same journals give the same page.
        top = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:5]
        if top:
            rows.append({"what": what, "top": [{"name": name, "runs": count} for name, count in top]})
    return rows


def broken_phase(record: Mapping[str, Any]) -> str:
    """Return the phase that failed or never ended; empty when none did."""
    return next((item["phase"] for item in record["phases"] if not item["ok"]), "")


def _failed(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [item["name"] for item in checks if item["status"] == "failed"]


def _changed(record: Mapping[str, Any]) -> list[str]:
    return sorted({str(item["service"]) for item in record["executed"] if item.get("service")})

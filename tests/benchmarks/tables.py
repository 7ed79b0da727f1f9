"""Readings as tables, and bounds held against them. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
# class → (total against the naive way, outage against the bare path, whether no request may fail)
BOUNDS: dict[str, tuple[float, float | None, bool]] = {
    "nothing differs": (0.10, None, True),
    "Kong's file only": (0.12, None, True),
    "data only, 10,000 keys": (0.15, None, True),
    "environment of Kong": (0.20, 1.15, False),
    "image of one service": (0.20, 1.15, False),
    "everything": (0.20, 1.15, False),
    "everything, and hung": (0.30, None, False),
}
ALONE = "Ansible alone"
# The naive way waits for timers, a rollback computes: on a slower machine only the second takes longer. Where Ansible's
# empty tasks alone take a greater share of the naive way than this, bounds on totals are as much wider, and it is said.
SHARE = 0.025
# What cannot be reached, and where the measurement that shows the limit is explained.
EXPLAINED = {
    ("everything", "rollback: total / naive"): "not met: the client's grace, see [performance](performance.md)"
}
COLUMNS = (
    "what differs",
    "way",
    "total",
    "service back after",
    "longest gap",
    "failed of sent",
    "wrong",
    "Ansible's own",
    "tasks",
    "processes",
)


def median(items: Sequence[Mapping[str, Any]], field: str) -> float:
    """The median of one field of readings."""
    return statistics.median(item[field] for item in items)


def spread(items: Sequence[Mapping[str, Any]], field: str) -> str:
    """The median, with the least and the greatest."""
    values = [item[field] for item in items]
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def slower(alone: Sequence[float], naive: Sequence[float]) -> float:
    """How many times wider the bounds on totals are on this machine; 1 where it is fast enough, or was not asked."""
    return max(1.0, statistics.median(alone) / statistics.median(naive) / SHARE) if alone else 1.0


def ratio(
    name: str, what: str, bound: float, ours: Sequence[float], theirs: Sequence[float], wider: float = 1.0
) -> dict[str, Any]:
    """Hold the ratio of two medians against a bound: met, met within the spread of the readings, or not met.

    What a reason in EXPLAINED or the machine's pace (wider: how many times) excuses is not met either, and says why.
    """
    found = statistics.median(ours) / statistics.median(theirs)
    if found <= bound:
        verdict = "met"
    elif min(ours) / max(theirs) <= bound:
        verdict = "met within the spread"
    elif (name, what) in EXPLAINED:
        verdict = EXPLAINED[name, what]
    elif found <= bound * wider:
        verdict = f"not met: the machine's pace, {bound * wider:.2f} [at this one](performance.md)"
    else:
        verdict = "not met"
    return {"class": name, "what": what, "bound": bound, "found": round(found, 3), "verdict": verdict}


def verdicts(rows: Rows) -> list[dict[str, Any]]:
    """Hold every bound for which there are readings."""
    found = []
    naive = [item["total"] for item in rows["any"]["naive"]]
    wider = slower([item["total"] for item in rows["any"].get(ALONE, ())], naive)
    for name, (total, outage, unnoticed) in BOUNDS.items():
        for way in ("rollback", "force"):
            ours = rows.get(name, {}).get(way)
            if not ours:
                continue
            totals = [item["total"] for item in ours]
            found.append(ratio(name, f"{way}: total / naive", total, totals, naive, wider))
            bare = rows[name].get("bare")
            if outage is not None and bare:
                gaps = [item["gap"] for item in ours], [item["gap"] for item in bare]
                found.append(ratio(name, f"{way}: outage / bare path", outage, *gaps))
            if not any(item["sent"] for item in ours):
                continue  # no load went beside it
            failed = sum(item["failed"] for item in ours) if unnoticed else 0
            wrong = int(sum(item["wrong"] for item in ours) + failed)
            what = f"{way}: failed and wrong requests" if unnoticed else f"{way}: wrong requests"
            found.append(
                {"class": name, "what": what, "bound": 0, "found": wrong, "verdict": "not met" if wrong else "met"}
            )
    return found


def spent(classes: Rows) -> list[str]:
    """A table of the median seconds of each phase's modules, and of what is Ansible's: start, tasks, imports."""
    shown = [
        (name, items)
        for name, ways in classes.items()
        for items in [ways.get("rollback") or ways.get("force")]
        if items
    ]
    phases = list(dict.fromkeys(phase for _name, items in shown for one in items for phase in one["phases"]))
    lines = [f"| what differs | {' | '.join(phases)} | Ansible's own |", f"| --- |{' --- |' * (len(phases) + 1)}"]
    for name, items in shown:
        cells = [f"{statistics.median(one['phases'].get(phase, 0.0) for one in items):.2f}" for phase in phases]
        lines.append(f"| {name} | {' | '.join(cells)} | {median(items, 'ansible'):.2f} |")
    return lines


def noticed(way: str, items: Sequence[Mapping[str, Any]]) -> list[str]:
    """The cells of what clients noticed; empty where there were none, or where the upstream went down as well."""
    if not any(item["sent"] for item in items):
        return [""] * 4
    failed = f"{median(items, 'failed'):.0f} of {median(items, 'sent'):.0f}"
    wrong = "" if way == "naive" else f"{sum(item['wrong'] for item in items):.0f}"
    return [spread(items, "back"), spread(items, "gap"), failed, wrong]


def markdown(result: Mapping[str, Any]) -> str:
    """One page: machine, readings, bounds."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = [
        "# The last benchmark",
        "",
        (
            f"`make bench`: {result['measured']}, commit {result['commit']}, {result['machine']}, load average"
            f" {result['load']} at its beginning, {versions}. {result['runs']} runs of each way; seconds as median"
            f" (least–greatest). Meanwhile {result['rate']} masking requests a second went through the proxy; one that"
            " was answered otherwise than with its own identifier, or that reached the upstream unmasked, is wrong. A"
            " cell is empty where nobody could see it: no requests go to a stack that hangs, and the naive way takes"
            " the upstream away too."
        ),
        "",
        "![Seconds of each way back, and how long clients were without an answer](pictures/bench.svg)",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"| {' | '.join('---' for _column in COLUMNS)} |",
    ]
    for name, ways in result["classes"].items():
        for way, items in ways.items():
            playbook = way in ("rollback", "force")
            tasks = f"{median(items, 'tasks'):.0f}" if playbook else ""
            lines.append(
                f"| {name} | {way} | {spread(items, 'total')} | {' | '.join(noticed(way, items))} |"
                f" {spread(items, 'ansible') if playbook else ''} |"
                f" {tasks} |"
                f" {median(items, 'processes'):.0f} |"
            )
    lines += ["", "## Where a rollback's time goes", "", *spent(result["classes"])]
    lines += ["", "## Bounds", "", "| what differs | what | bound | found | |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {one['class']} | {one['what']} | {one['bound']} | {one['found']} | {one['verdict']} |"
        for one in result["bounds"]
    ]
    return "\n".join([*lines, ""])

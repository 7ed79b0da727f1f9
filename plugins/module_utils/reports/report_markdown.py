# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report's document as Markdown for a ticket. Pure; it shows the document and computes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..wording import UNKNOWN, amount, count, moment, plural, seconds_text

_MEANS_SOMETHING = re.compile(r"([\\`*_{}\[\]<>#|~])")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
BOXES = {"done": "[x]", "open": "[ ]", "for a person": "[ ]"}


def md(value: Any) -> str:
    """Return anything as one line of text that Markdown takes for text."""
    return _MEANS_SOMETHING.sub(r"\\\1", _UNSEEN.sub(" ", "" if value is None else str(value)).strip())


def code(value: Any) -> str:
    """Return a block that is shown as it stands; its content cannot end it."""
    content = str(value).replace("```", "'''")
    return f"```\n{content}\n```"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table; nothing without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *lines, ""] if lines else []


def run_markdown(document: Mapping[str, Any]) -> str:
    """Return the report of one run."""
    run, data = document["run"], document["data"]
    took = f"**{md(run['outcome'])}**, {moment(run['began'])} UTC, {seconds_text(run['seconds'])} ({md(run['class'])})"
    lines = [
        f"# {md(document['verdict'])}",
        "",
        f"{md(run['kind'])} of {md(run['project'])} ({md(run['environment'])}) on {md(run['host'])}: {took}",
        "",
        f"- Run: {md(run['run'])}",
        f"- Target: {md(document['target']['id'] or 'none')} {md(document['target']['why'])}".rstrip(),
        f"- Data: {md(data['line'] or UNKNOWN)}",
        f"- Keys: {count(data['keys_before'])} before, {count(data['keys_after'])} after",
        f"- {md(document['escalation']['line'])}",
        "",
    ]
    if document["diagnosis"]:
        found = document["diagnosis"]
        lines += ["## Diagnosis", "", code(found["text"]), ""]
        lines += [
            f"{title}: {md(found[name])}\n" for title, name in (("Next", "hint"), ("Undo", "undo")) if found[name]
        ]
    lines += _plan(document)
    lines += _times(document)
    lines += ["## Checks", "", *_checks(document["checks"])] if document["checks"] else []
    criteria = (
        (md(row["name"]), md(row["target"]), md(row["state"]), md(row["found"])) for row in document["criteria"]
    )
    lines += ["## Success criteria", "", *table(("criterion", "target", "", "found"), criteria)]
    lines += ["## Checklist", ""]
    for row in document["checklist"]:
        told = ": ".join(md(part) for part in (row["state"], row["evidence"]) if part)
        lines.append(f"- {BOXES[row['state']]} {md(row['item'])} ({told})")
    lines.append("")
    if document["scenario"]:
        found = document["scenario"]
        lines += [f"## Afterwards: {md(found['name'])}", "", *(f"- [ ] {item}" for item in found["post_actions"]), ""]
    if document["return_command"]:
        lines += ["## To take it back", "", code(document["return_command"]), ""]
    return "\n".join(lines)


def history_markdown(document: Mapping[str, Any]) -> str:
    """Return the report over many runs."""
    figures = (
        (
            md(item["title"]),
            amount(item["value"], item["unit"]),
            f"{md(item['target']['sign'])} {amount(item['target']['limit'], item['unit'])}",
            UNKNOWN if item["met"] is None else "met" if item["met"] else "**missed**",
            plural(item["measured_on"], "run"),
        )
        for item in document["figures"]
    )
    kinds = (
        (
            md(item["title"]),
            str(item["runs"]),
            str(item["succeeded"]),
            amount(item["rate"], "share"),
            "none set" if item["target"] is None else amount(item["target"], "share"),
        )
        for item in document["success_by_kind"]
    )
    runs = (
        (
            moment(item["began"]),
            md(item["run"]),
            md(item["outcome"]),
            md(item["service"]),
            seconds_text(item["seconds"]),
        )
        for item in reversed(document["runs"])
    )
    return "\n".join(
        [
            f"# Rollbacks of {md(document['scope'])}",
            "",
            f"{plural(document['runs_known'], 'run')}; report of {md(document['generated'])}.",
            "",
            *table(("figure", "value", "target", "", "measured on"), figures),
            "## Success by kind",
            "",
            *table(("kind", "runs", "succeeded", "rate", "target"), kinds),
            "## The last runs",
            "",
            *table(("began (UTC)", "run", "outcome", "service", "took"), runs),
        ]
    )


def _plan(document: Mapping[str, Any]) -> list[str]:
    plan = document["plan"]
    lines = ["## Plan, and what was done", ""]
    lines += [f"- refused: {md(item['name'])}, {md(item['reason'])} {md(item['hint'])}" for item in plan["refusals"]]
    lines += [f"- waived by force: {md(item['name'])}, {md(item['reason'])}" for item in plan["waived"]]
    lines += [
        f"- {md(item['name'])}: {md(item['do'])} {md('; '.join(item['why']))}".rstrip() for item in plan["services"]
    ]
    rows = (
        (md(item["step"]), md(item["action"]), md(item["what"]), md(item["state"]), md(item["ms"]))
        for item in document["actions"]
    )
    return [*lines, "", *table(("step", "action", "what", "state", "ms"), rows)]


def _times(document: Mapping[str, Any]) -> list[str]:
    rows = (
        (
            md(item["name"]),
            seconds_text(item["seconds"]),
            f"{item['budget']:g} s",
            UNKNOWN if item["within"] is None else "within" if item["within"] else "**over**",
        )
        for item in document["budgets"]
    )
    phases = ", ".join(f"{md(item['phase'])} {seconds_text(item['seconds'])}" for item in document["phases"])
    warnings = [f"- warning: {md(item)}" for item in document["warnings"]]
    lines = ["## Times", "", *table(("what", "took", "budget", ""), rows), f"Phases: {phases or UNKNOWN}", ""]
    return [*lines, *warnings, ""] if warnings else lines


def _checks(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    bad = [item for item in checks if item["status"] != "passed"]
    rows = ((md(item["status"]), md(item["name"]), md(item["expected"]), md(item["found"])) for item in bad)
    return [f"{len(checks) - len(bad)} of {len(checks)} passed.", "", *table(("", "check", "expected", "found"), rows)]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of one run as a page for the meeting next morning. Pure; it shows the document and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..times import span
from ..wording import UNKNOWN, count, moment, seconds_text
from . import charts
from .html_page import footer, page, pair, section, table, text, tiles, word

CHECK_WORDS = {"passed": ("passed", "good"), "failed": ("FAILED", "bad"), "not_measured": (UNKNOWN, "none")}
STATES = {"met": "good", "missed": "bad", UNKNOWN: "none"}
PARTS = (("before", "Before"), ("during", "During"), ("after", "Afterwards"))


def run_page(document: Mapping[str, Any]) -> str:
    """Return the page of one run."""
    run = document["run"]
    title = f"{_kind(run['kind'])} of {run['project']} ({run['environment']}) on {run['host']}"
    return page(
        f"{document['verdict']} - {title}",
        (
            _banner(document, title),
            _overview(document),
            _times(document),
            _diagnosis(document),
            _done(document),
            _data(document),
            _checks(document),
            _closing(document),
            footer(document, f"the journal {run['run']}"),
        ),
    )


def _kind(kind: str) -> str:
    return {"force_rollback": "Force rollback", "recover_data": "Data recovery"}.get(kind, "Rollback")


def _banner(document: Mapping[str, Any], title: str) -> str:
    run = document["run"]
    good = document["verdict"] == "SERVICE: BACK" and run["outcome"] != "undone"
    kind = "wrong" if "NOT BACK" in document["verdict"] else "" if good else "unsure"
    by = run["by"]
    who = f" by {by.get('user')} from {by.get('host')}" if by else ""
    ended = f" to {run['ended'][11:19]}" if run["ended"] else ", no end in the journal"
    return (
        f'<header class="banner {kind}"><h1>{text(document["verdict"])}</h1>'
        f"<p>{text(title)}: <strong>{text(run['outcome'])}</strong></p>"
        f'<p class="sub">{text(run["run"])}, {text(moment(run["began"]))}{text(ended)} UTC{text(who)}</p>'
        "</header>"
    )


def _overview(document: Mapping[str, Any]) -> str:
    run, target, data = document["run"], document["target"], document["data"]
    age = f"{span(target['age_seconds'])} old" if target["age_seconds"] is not None else ""
    keys = f"{count(data['keys_before'])} → {count(data['keys_after'])}"
    measured = data["keys_before"] is not None or data["keys_after"] is not None
    return tiles(
        (
            ("Target", text(target["id"] or "none"), text(age)),
            ("Took", seconds_text(run["seconds"]), text(f"class: {run['class']}")),
            (
                "Keys in Redis",
                text(keys) if measured else UNKNOWN,
                text(f"data: {data['mode'] or 'not decided'}"),
            ),
            ("Checks", text(_tally(document["checks"])), f"{run['not_measured']} not measured"),
        )
    )


def _tally(checks: Sequence[Mapping[str, Any]]) -> str:
    good = sum(item["status"] == "passed" for item in checks)
    return f"{good} of {len(checks)} passed" if checks else UNKNOWN


def _times(document: Mapping[str, Any]) -> str:
    if not document["phases"]:
        return ""
    rows = []
    for item in document["phases"]:
        state = (
            word("no end", "none")
            if item["ok"] is None
            else word("ok", "good")
            if item["ok"]
            else word("failed", "bad")
        )
        late = "" if item["within"] is not False else f" {word('over', 'bad')}"
        budget = "none set" if item["budget"] is None else f"{item['budget']:g} s"
        rows.append(
            (text(item["phase"]), state, f"{item['start']:.1f} s", seconds_text(item["seconds"]) + late, budget)
        )
    budgets = [
        (
            text(item["name"]),
            seconds_text(item["seconds"]),
            f"{item['budget']:g} s",
            word(UNKNOWN, "none") if item["within"] is None
            else word("within", "good") if item["within"] else word("over", "bad"),
        )
        for item in document["budgets"]
    ]  # fmt: skip
    warnings = "".join(f"<li>{text(item)}</li>" for item in document["warnings"])
    return section(
        "Times against the budgets",
        pair(
            (
                "When each phase ran; the grey track is its budget",
                charts.timeline(document["phases"], document["actions"]),
            ),
            ("Against the guide's times; the upright line is the budget", charts.bullets(document["budgets"])),
        ),
        pair(
            ("Phases", table(("phase", "", "from", "took", "budget"), rows, (2, 3, 4))),
            ("Budgets", table(("what", "took", "budget", ""), budgets, (1, 2))),
        ),
        f"<h3>Warnings</h3><ul>{warnings}</ul>" if warnings else "",
    )


def _diagnosis(document: Mapping[str, Any]) -> str:
    found = document["diagnosis"]
    if not found:
        return ""
    where = f"<p>It broke in the phase <strong>{text(found['phase'])}</strong>.</p>" if found["phase"] else ""
    undo = f"<p>Undo: {text(found['undo'])}</p>" if found["undo"] else ""
    hint = f"<p>Next: {text(found['hint'])}</p>" if found["hint"] else ""
    return section("Diagnosis", where, f"<pre>{text(found['text'])}</pre>", undo, hint)


def _done(document: Mapping[str, Any]) -> str:
    plan, target = document["plan"], document["target"]
    kinds = {"done": "good", "not finished": "bad", "not begun": "none"}
    rows = [
        (
            text(item["step"]),
            text(item["action"]),
            text(item["what"]),
            text(item["why"]),
            word(item["state"], kinds[item["state"]]),
            "" if item["ms"] is None else f"{item['ms']} ms",
        )
        for item in document["actions"]
    ]
    services = [(text(item["name"]), text(item["do"]), text("; ".join(item["why"]))) for item in plan["services"]]
    refusals = [
        (text(item["name"]), text(item["reason"]), text(item["hint"]), "yes" if item["waivable"] else "no")
        for item in plan["refusals"]
    ]
    waived = [(text(item["name"]), text(item["reason"])) for item in plan["waived"]]
    said = "".join(f"<li>{text(item)}</li>" for item in plan["warnings"])
    return section(
        "Plan, and what was done",
        f"<p><strong>{text(plan['data_line'])}</strong></p>" if plan["data_line"] else "",
        f"<p>Target {text(target['id'])}: {text(target['why'])}</p>" if target["why"] else "",
        f"<h3>Refused</h3>{table(('guard', 'reason', 'next step', 'waivable'), refusals)}" if refusals else "",
        f"<h3>Guards waived by force</h3>{table(('guard', 'reason'), waived)}" if waived else "",
        f"<ul>{said}</ul>" if said else "",
        table(("service", "decision", "why"), services),
        table(("step", "action", "what", "why", "state", "took"), rows, (0, 5)) or "<p>No action was planned.</p>",
    )  # fmt: skip


def _data(document: Mapping[str, Any]) -> str:
    data = document["data"]
    rows = [
        ("keys", count(data["keys_before"]), count(data["keys_after"])),
        ("mappings", count(data["mappings_before"]), count(data["mappings_after"])),
    ]
    moved = ""
    if data["method"]:
        moved = (
            f"<p>{count(data['written'])} written, {count(data['removed'])} removed, by {text(data['method'])}: "
            f"{text(data['why'])}</p>"
        )
    saved = f"<p>Copy in the snapshot: {text(data['snapshot'])}</p>" if data["snapshot"] else ""
    return section("Data before and after", table(("", "before", "after"), rows, (1, 2)), moved, saved)


def _checks(document: Mapping[str, Any]) -> str:
    def rows(checks: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        order = {"failed": 0, "not_measured": 1, "passed": 2}
        return [
            (
                word(*CHECK_WORDS.get(item["status"], (item["status"], "none"))),
                text(item["name"]),
                text(item["level"]),
                text(item["expected"]),
                text(item["found"]),
                "" if item["ms"] is None else f"{item['ms']} ms",
            )
            for item in sorted(checks, key=lambda item: order.get(item["status"], 1))
        ]

    heads = ("", "check", "level", "expected", "found", "took")
    before = [item for item in rows(document["checks_before"]) if "good" not in item[0]]
    passed = sum(item["status"] == "passed" for item in document["checks_before"])
    return section(
        "Checks",
        table(heads, rows(document["checks"]), (5,)) or "<p>Nothing was verified.</p>",
        "<h3>After the undo</h3>" if document["checks_undo"] else "",
        table(heads, rows(document["checks_undo"]), (5,)),
        f"<h3>Before the run ({passed} of {len(document['checks_before'])} passed)</h3>"
        if document["checks_before"]
        else "",
        table(heads, before, (5,)),
    )


def _closing(document: Mapping[str, Any]) -> str:
    boxes = []
    for part, title in PARTS:
        rows = [item for item in document["checklist"] if item["part"] == part]
        kinds = {"done": "done", "open": "open"}
        items = "".join(
            f'<li class="{kinds.get(item["state"], "person")}">{text(item["item"])}'
            f'<small class="why">{text(": ".join(filter(None, (item["state"], item["evidence"]))))}</small></li>'
            for item in rows
        )
        boxes.append((title, f'<ul class="boxes">{items}</ul>'))
    criteria = [
        (text(item["name"]), text(item["target"]), word(item["state"], STATES[item["state"]]), text(item["found"]))
        for item in document["criteria"]
    ]
    found = document["scenario"]
    after = ""
    if found:
        items = "".join(f"<li>{text(item)}</li>" for item in found["post_actions"])
        after = (
            f"<p>Scenario {found['number']}: {text(found['name'])} "
            f'<span class="sub">({text(found["why"])})</span></p><ul class="boxes">{items}</ul>'
        )
    command = document["return_command"]
    return "\n".join(
        (
            section("Success criteria", table(("criterion", "target", "", "found"), criteria)),
            section("Escalation", f"<p>{text(document['escalation']['line'])}</p>"),
            section("To take it back", f"<pre>{text(command)}</pre>" if command else "<p>Nothing was changed.</p>"),
            section("Checklist", pair(*boxes)),
            section("Afterwards", after or "<p>No scenario of the guide is recognised; root cause: for a person.</p>"),
        )
    )

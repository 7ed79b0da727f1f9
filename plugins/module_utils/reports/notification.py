# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What webhooks are told, in the form that each of them reads. Pure; texts are scrubbed, cut and escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..redact import is_secret_name, scrub

GENERIC, SLACK, TEAMS = "generic", "slack", "teams"
FORMATS = (GENERIC, SLACK, TEAMS)
START, SUCCESS, FAILURE, BUDGET, TEST = "start", "success", "failure", "budget_passed", "test"
TITLES = {
    START: "Rollback begins",
    SUCCESS: "Rollback completed",
    FAILURE: "Rollback failed",
    BUDGET: "Rollback is past its time and goes on",
    TEST: "A test of this webhook",
}
# In this order a person reads them; what is empty is left out.
SHOWN = (
    ("service", "Service"),
    ("cause", "Cause"),
    ("target", "Target"),
    ("run", "Run"),
    ("elapsed", "Time"),
    ("escalation", "Escalation"),
    ("return_command", "To take it back"),
    ("log", "Log"),
)
LONGEST = 600


def message(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return event, title, environment, project, host and the facts of SHOWN, each a short text without secrets."""
    known = ("event", "environment", "project", "host", *(name for name, _title in SHOWN))
    found = {name: _short(facts.get(name)) for name in known if not is_secret_name(name)}
    where = f"{found['project']} ({found['environment']})" + (f" on {found['host']}" if found["host"] else "")
    return {**found, "title": f"{TITLES.get(found['event'], 'Rollback')}: {where}"}


def _short(value: Any) -> str:
    text = " ".join(scrub("" if value is None else str(value), []).split())
    for label in ("SERVICE: ", "ESCALATION: "):
        text = text.removeprefix(label)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def webhook_body(facts: Mapping[str, Any], form: str = GENERIC) -> dict[str, Any]:
    """Return the JSON body that a webhook of this form takes."""
    found = message(facts)
    rows = [(title, found[name]) for name, title in SHOWN if found.get(name)]
    if form == SLACK:
        lines = [f"*{_slack(found['title'])}*", *(f"{title}: {_slack(text)}" for title, text in rows)]
        return {"text": "\n".join(lines)}
    if form == TEAMS:
        return _teams(found["title"], rows)
    if form != GENERIC:
        raise ValueError(f"A webhook's format is {form!r}, expected one of {', '.join(FORMATS)}.")
    return {**found, "text": "\n".join([found["title"], *(f"{title}: {text}" for title, text in rows)])}


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(title: str, rows: list[tuple[str, str]]) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": title, "weight": "Bolder", "size": "Medium", "wrap": True},
            {"type": "FactSet", "facts": [{"title": name, "value": text} for name, text in rows]},
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report over many runs as a page. Pure; it shows the document and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..runs.budgets import BACK
from ..wording import UNKNOWN, amount, moment, plural, seconds_text
from . import charts
from .html_page import footer, page, pair, section, table, text, tiles, whole, word


def history_page(document: Mapping[str, Any]) -> str:
    """Return the page over many runs."""
    title = f"Rollbacks of {document['scope']}"
    span = f"{document['first'][:10]} to {document['last'][:10]}" if document["runs_known"] else "no run yet"
    known, listed = plural(document["runs_known"], "run"), len(document["runs"])
    return page(
        title,
        (
            f'<header><h1>{text(title)}</h1><p class="sub">{text(known)}, {text(span)}</p></header>',
            tiles(figure_tile(item) for item in document["figures"]),
            section(
                "Trend",
                pair(
                    ("Seconds of each run", charts.trend(document["runs"], BACK) + _legend()),
                    ("Success by kind", charts.rates(document["success_by_kind"])),
                ),
            ) if document["runs"] else "",
            section("Success by kind", _kinds(document)),
            section("Times by class of rollback", _durations(document)),
            section("What comes up again", _patterns(document)),
            section(f"The last {listed} runs" if listed != 1 else "The last run", _runs(document)),
            section("How each figure is made", _meanings(document)),
            footer(document, "the journals of these runs"),
        ),
    )  # fmt: skip


def figure_tile(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a key figure as name, value and what it is held against."""
    limit = amount(item["target"]["limit"], item["unit"])
    sign = {"<": "below", ">": "above", ">=": "at least"}[item["target"]["sign"]]
    kind = "none" if item["met"] is None else "good" if item["met"] else "bad"
    held = {"none": "", "good": "met; ", "bad": "missed; "}[kind]
    runs = plural(item["measured_on"], "run")
    return text(item["title"]), word(amount(item["value"], item["unit"]), kind), f"{held}target {sign} {limit}; {runs}"


def _legend() -> str:
    return (
        '<p class="sub">disc: service back; cross: failed; triangle: undone; '
        "ring: refused, nothing to do, or no end in the journal</p>"
    )


def _kinds(document: Mapping[str, Any]) -> str:
    rows = [
        (
            text(item["title"]),
            str(item["runs"]),
            str(item["succeeded"]) if item["runs"] else "",
            _rate(item),
            "none set" if item["target"] is None else amount(item["target"], "share"),
        )
        for item in document["success_by_kind"]
    ]
    return table(("kind", "runs", "succeeded", "rate", "target"), rows, (1, 2, 3, 4))


def _rate(item: Mapping[str, Any]) -> str:
    if item["rate"] is None:
        why = '<small class="why">a rollback by hand leaves no journal</small>' if item["kind"] == "manual" else ""
        return word(UNKNOWN, "none") + why
    missed = item["target"] is not None and item["rate"] < item["target"]
    return word(amount(item["rate"], "share"), "bad" if missed else "good")


def _durations(document: Mapping[str, Any]) -> str:
    rows = [
        (
            text(item["class"]),
            str(item["runs"]),
            seconds_text(item["mean"]),
            seconds_text(item["median"]),
            seconds_text(item["longest"]),
            f"{item['budget']:g} s",
            f"{item['within']} of {item['runs']}" if item["runs"] else "",
        )
        for item in document["durations"]
    ]
    return table(("class", "runs back", "mean", "median", "longest", "budget", "within it"), rows, (1, 2, 3, 4, 5, 6))


def _patterns(document: Mapping[str, Any]) -> str:
    rows = [
        (text(item["what"]), ", ".join(f"{text(one['name'])} ({one['runs']})" for one in item["top"]))
        for item in document["patterns"]
    ]
    return table(("what", "how often"), rows) or "<p>Nothing yet.</p>"


def _runs(document: Mapping[str, Any]) -> str:
    rows = [
        (
            whole(moment(item["began"])[:16]),
            f'{whole(item["run"])}<small class="why">{text(item["failure"][:160])}</small>',
            text(item["host"]),
            whole(item["backup_id"]),
            whole(item["outcome"]),
            word(item["service"], {"back": "good", "not back": "bad"}.get(item["service"], "none")),
            seconds_text(item["seconds"]),
        )
        for item in reversed(document["runs"])
    ]
    return table(("began (UTC)", "run", "host", "target", "outcome", "service", "took"), rows, (6,))


def _meanings(document: Mapping[str, Any]) -> str:
    return table(
        ("figure", "from what"), ((text(item["title"]), text(item["meaning"])) for item in document["figures"])
    )

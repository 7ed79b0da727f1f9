"""Pages and ticket texts: what comes from journals is escaped, and no number comes from anywhere else."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports import charts
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.history_html import history_page
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.report_html import run_page
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.report_markdown import (
    code,
    history_markdown,
    md,
    run_markdown,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import history
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_report import (
    history_document,
    run_document,
)
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples as samples

NOW = "2026-07-11T09:00:00Z"
CONTACTS = [{"name": "Ada", "minutes": 0}]
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too' \x1b[31mred\x07 \u202eback | `code` [a](b) *b*"


def run_documents():
    return [run_document(item, CONTACTS, NOW) for item in history(samples.ten_runs())]


def many():
    return history_document(history(samples.ten_runs()), "production (gw1)", 50, NOW)


PAGES = {
    **{f"run-{number}": (document, run_page(document)) for number, document in enumerate(run_documents(), 1)},
    "history": (many(), history_page(many())),
    "empty": (
        history_document([], "production", 50, NOW),
        history_page(history_document([], "production", 50, NOW)),
    ),
}


class Tags(HTMLParser):
    """Every tag must be closed in its order, and no attribute may be left without quotes."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "rect", "line", "circle", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in ("circle", "path"):
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def parsed(page):
    """A page's tags and texts."""
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def words_of(page):
    """What a reader sees, the charts aside: their marks are in tables too."""
    body = re.sub(r"<svg.*?</svg>|<style>.*?</style>|<head>.*?</head>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


def numbers_in(text):
    return {float(item.replace(",", "").rstrip(".")) for item in re.findall(r"\d[\d,]*\.?\d*", text)}


def known_numbers(value):
    """Every number that a document can lead to: itself, in percent, in minutes and seconds, in tenths, and counts."""
    if isinstance(value, dict):
        return {number for item in value.values() for number in known_numbers(item)}
    if isinstance(value, list):
        states = [item.get("status") for item in value if isinstance(item, dict)]
        counts = {float(len(value)), *(float(states.count(one)) for one in set(states))}
        return counts | {number for item in value for number in known_numbers(item)}
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, (int, float)):
        whole = int(value)
        return {
            float(value), round(float(value), 1), round(value * 100, 1), float(whole // 60), float(whole % 60),
            float(whole // 86400), float(whole // 3600 % 24), float(whole // 60 % 60),
        }  # fmt: skip
    return numbers_in(value)


@pytest.mark.parametrize("name", PAGES)
class TestEveryPage:
    def test_is_well_formed_and_needs_no_network(self, name):
        tags = parsed(PAGES[name][1])
        assert {tag for tag, _attributes in tags.seen} & {"script", "img", "iframe", "object", "form"} == set()
        references = [
            value
            for _tag, attributes in tags.seen
            for key, value in attributes.items()
            if key in ("src", "href", "action", "xlink:href")
        ]
        assert references == ["data:,"]
        assert "url(" not in PAGES[name][1]
        assert "@import" not in PAGES[name][1]

    def test_no_number_comes_from_anywhere_but_the_journals(self, name):
        document, page = PAGES[name]
        # A tally of none out of a list that is not empty shows a nought.
        assert numbers_in(words_of(page)) - known_numbers(document) - {0.0} == set()


def hostile_document():
    text = samples.ten_runs()[3][1]
    text = text.replace(
        "gateway-kong-1 does not stay up",
        HOSTILE.replace('"', '\\"').replace("\x1b", "\\u001b").replace("\x07", "\\u0007"),
    )
    text = text.replace('"host": "gw1"', '"host": "<b>gw1"').replace("deploy-20260701-010000", "deploy<i>")
    (record,) = history([("rollback-20260704-030300", text)])
    return run_document(record, [{"name": "<u>Ada", "minutes": 0}], NOW), record


def test_text_from_logs_and_names_is_escaped_on_the_page():
    document, record = hostile_document()
    assert HOSTILE in document["diagnosis"]["text"]
    for page in (run_page(document), history_page(history_document([record], "<p>all", 5, NOW))):
        tags = parsed(page)
        assert {tag for tag, _attributes in tags.seen} & {"script", "b", "i", "u"} == set()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", page)
    assert "<script>alert(1)</script>" in "".join(parsed(run_page(document)).texts)


def test_text_from_logs_and_names_stays_text_in_a_ticket():
    document, record = hostile_document()
    for text in (run_markdown(document), history_markdown(history_document([record], "<p>all", 5, NOW))):
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert not re.search(r"(?<!\\)<", outside)
        assert not re.search(r"(?<!\\)\[(?![ x]\])", outside)
        assert not re.search(r"[\x1b\x07\u202e]", outside)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", "a\\|b"), ("`x`", "\\`x\\`"), ("[l](u)", "\\[l\\](u)"), ("one\ntwo", "one two"), (None, ""), (7, "7")],
)
def test_markdown_text(text, shown):
    assert md(text) == shown


def test_a_block_of_code_cannot_be_left():
    assert code("x\n```\n# heading").count("```") == 2


def test_what_nobody_measured_is_said():
    empty = PAGES["empty"][1]
    assert words_of(empty).count("not measured") >= 6
    assert "MTTD" in words_of(empty)
    assert history_markdown(PAGES["empty"][0]).count("not measured") >= 6


def test_the_ticket_text_of_a_failure():
    text = run_markdown(run_documents()[3])
    lines = text.splitlines()
    assert lines[0] == "# SERVICE: NOT BACK"
    assert "apply: Step 3 (ready kong) failed: gateway-kong-1 does not stay up" in lines
    assert "| 3 | ready | kong | not finished |  |" in lines
    assert "- [ ] Stakeholders updated (for a person)" in lines
    assert "- [x] Current state documented (done: rollback-20260704-030300, data proven)" in lines


def bars(svg):
    return [float(found) for found in re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="10"', svg)]


def test_bars_are_as_long_as_their_values():
    rows = [
        {"name": "a", "seconds": 15.0, "budget": 60.0},
        {"name": "b", "seconds": 30.0, "budget": 60.0},
        {"name": "c", "seconds": 600.0, "budget": 60.0},
        {"name": "d", "seconds": None, "budget": 60.0},
    ]
    short, middle, over = bars(charts.bullets(rows))
    assert middle == 2 * short
    assert over > 4 * short
    assert charts.BAD in charts.bullets(rows[2:3])
    assert charts.BAD not in charts.bullets(rows[:2])
    assert "not measured" in charts.bullets(rows[3:])


def test_rates_are_as_long_as_their_values():
    rows = [
        {"title": "a", "rate": 0.5, "target": 0.4, "runs": 2, "succeeded": 1},
        {"title": "b", "rate": 1.0, "target": 0.4, "runs": 2, "succeeded": 2},
    ]
    half, whole = bars(charts.rates(rows))
    assert whole == 2 * half


def test_points_of_the_trend_stand_at_their_seconds():
    runs = [
        {"run": str(number), "seconds": seconds, "outcome": "completed", "service": "back", "began": "2026-07-01"}
        for number, seconds in enumerate((0.0, 60.0, 120.0))
    ]
    low, middle, high = (float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', charts.trend(runs, 120)))
    assert low > middle > high
    assert abs((low + high) / 2 - middle) < 0.2


def test_a_state_is_told_by_its_shape():
    def shape(outcome, service="not back"):
        return re.sub(r"[\d.]+|<title>.*?</title>", "", charts.mark(
            {"run": "r", "outcome": outcome, "service": service, "seconds": 1.0}, 1, 1
        ))  # fmt: skip

    shapes = [shape("completed", "back"), shape("failed"), shape("undone", "back"), shape("refused")]
    assert len(set(shapes)) == 4
    assert shape("completed") == shape("failed")

"""The reports' pages in a real browser: nothing in the console, nothing from the network, readable wide and narrow."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chromium import Browser

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.report_files import Reports
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import history
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples
from ansible_collections.kong_masking.recovery.tests.unit.samples import stack

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
CONTACTS = [{"name": "Ada", "minutes": 0, "phone": "+49 30 1234"}, {"name": "Lea, technical lead", "minutes": 5}]
PICTURES = {"history": "report-history.png", "rollback-20260701-030000": "report-run.png"}
LARGEST_PICTURE = 300_000
NAMES = ["history", *(run for run, _text in journal_samples.ten_runs()), "hostile"]
ASKED = {
    "wide": "document.documentElement.scrollWidth - window.innerWidth",
    "heading": "document.querySelector('h1').innerText",
    "charts": "document.querySelectorAll('svg').length",
    "smallest": "Math.min(...[...document.querySelectorAll('svg text')]"
    ".map(one => one.getBoundingClientRect().height))",
    "hacked": "typeof window.hacked",
    "text": "document.body.innerText",
}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page over ten runs, a page of each run, and one whose texts are hostile."""
    folder = tmp_path_factory.mktemp("reports")
    reports = Reports(stack(dir=str(folder)), Runner(), NOW, CONTACTS, write=True)
    records = history(journal_samples.ten_runs())
    reports.all_runs(records, 50, str(folder))
    for record in records:
        reports.one_run(records, record["run"], str(folder))
    text = dict(journal_samples.ten_runs())["rollback-20260704-030300"]
    script = "<script>window.hacked = 1</script><img src=https://example.invalid/x onerror=window.hacked=1>"
    (record,) = history([("hostile", text.replace("gateway-kong-1", script).replace("gw1", script))])
    reports.one_run([record], "hostile", str(folder))
    return folder


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_without_a_word_in_the_console_and_without_network(
    browser: Browser, pages: Path, name: str, width: int
) -> None:
    path = pages / f"{name}.html"
    found = browser.look(path, width, ASKED)

    assert found["complaints"] == []
    assert [one for one in found["requests"] if not one.startswith("data:")] == [path.as_uri()]
    assert found["hacked"] == "undefined"
    assert found["heading"]
    assert found["wide"] <= 0, "something sticks out at the side"
    assert found["smallest"] >= 10 or found["charts"] == 0, "the charts cannot be read"


@pytest.mark.parametrize("name", PICTURES)
def test_a_page_can_be_printed_and_its_picture_is_in_the_documents(
    browser: Browser, pages: Path, name: str, request: pytest.FixtureRequest
) -> None:
    found = browser.look(pages / f"{name}.html", 1280, ASKED, picture=True)
    picture = DOCS / PICTURES[name]
    if request.config.getoption("--keep-pictures"):
        picture.write_bytes(found["picture"])

    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", found["pdf"])) <= 4
    kept = picture.read_bytes()
    assert len(kept) < LARGEST_PICTURE
    # Fonts differ from machine to machine, the layout does not: about the same height.
    (width, height), (_width, now) = (struct.unpack(">II", one[16:24]) for one in (kept, found["picture"]))
    assert width == 960
    assert abs(height - now) < now / 10, "renew it: make report ARGS=--keep-pictures"


def test_what_a_reader_sees_of_a_failure(browser: Browser, pages: Path) -> None:
    text = browser.look(pages / "rollback-20260704-030300.html", 390, ASKED)["text"]
    for words in (
        "SERVICE: NOT BACK",
        "Step 3 (ready kong) failed: gateway-kong-1 does not stay up",
        "ESCALATION: minute 0, the on-call engineer rolls back: call Ada (+49 30 1234)",
        "-e deployment=rollback-20260704-030300 -e redis_data=keep",
        "not measured",
    ):
        assert words in text

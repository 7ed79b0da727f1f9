"""The end-to-end tests' stack, and playbooks that are broken off while they run."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

# Found beside this file and beside the end-to-end tests, whatever pytest's import mode is.
import stack_state
from lab import Lab

FLEET = "kmr-fleet-"


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The stack that all tests share."""
    lab = Lab(tmp_path_factory.mktemp("faults"), f"kmr-faults-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """The shared stack in its good state; whatever the test does, nothing outside the project may change."""
    running_lab.reset()
    before = outside(running_lab)
    yield running_lab
    assert outside(running_lab) == before


def outside(lab: Lab) -> tuple[dict[str, Any], list[str]]:
    """Everything that is not this project's; a fleet's second stack is worked on too."""
    found = stack_state.containers_outside(lab.project)
    strangers = {name: about for name, about in found.items() if not name.startswith(f"/{FLEET}")}
    return strangers, stack_state.names_of("volume", lab.project)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand each fault's row of the table on to its report."""
    for item in items:
        mark = item.get_closest_marker("fault")
        if mark is not None:
            given = item.callspec.params if hasattr(item, "callspec") else {}
            where = str(given.get("name") or given.get("point") or "")
            item.user_properties.append(("fault", (mark.args[0], where, str(given.get("data") or "keep"))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each fault ended in, and how many invariants were broken."""
    rows = []
    for status in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(status):
            fault = dict(report.user_properties).get("fault")
            if fault and (report.when == "call" or status != "passed"):
                rows.append((*fault, "ends as promised" if status == "passed" else f"BROKEN: {report.nodeid}"))
    if not rows:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line("| fault | at | data | outcome |")
    terminalreporter.write_line("| --- | --- | --- | --- |")
    for row in rows:
        terminalreporter.write_line(f"| {' | '.join(row)} |")
    broken = sum(row[3].startswith("BROKEN") for row in rows)
    terminalreporter.write_line(f"{len(rows)} faults, {broken} broken invariants")

"""The end-to-end tests' stack, and playbooks that are broken off while they run."""

from __future__ import annotations

import os
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
from outside import run

OF_TESTS = "kmr-"
ALONE = "PYTEST_XDIST_WORKER" not in os.environ
LENGTH_OF_AN_ID = 64


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The stack that all tests share."""
    lab = Lab(tmp_path_factory.mktemp("faults"), f"kmr-faults-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()


@pytest.fixture(scope="session")
def stranger() -> Iterator[str]:
    """Somebody else's container, network and volume; not started, as it would not outlive a killed engine as it was."""
    name = f"kmr-stranger-{uuid.uuid4().hex[:8]}"
    run(["docker", "network", "create", name])
    run(
        [
            "docker",
            "create",
            "--name",
            name,
            "--network",
            name,
            "--volume",
            f"{name}:/data",
            "kong-masking-ref/client:1",
        ]
    )
    yield name
    for command in (["rm", "--force", name], ["network", "rm", name], ["volume", "rm", name]):
        run(["docker", *command])


@pytest.fixture
def lab(running_lab: Lab, stranger: str) -> Iterator[Lab]:
    """The shared stack in its good state; whatever the test does, nothing outside the project may change."""
    running_lab.reset()
    before = outside(running_lab, stranger)
    assert stranger in before["network"], "what is compared is not empty"
    yield running_lab
    assert outside(running_lab, stranger) == before


def outside(lab: Lab, stranger: str) -> dict[str, Any]:
    """Everything that is not this project's, nor a fleet's second stack.

    With other tests beside this one, of the containers the stranger's alone: theirs and their builds' come and go.
    """
    found = stack_state.containers_outside(lab.project)
    others = {name for name in found if OF_TESTS in name} if ALONE else {*found}
    others -= {f"/{stranger}"}
    images, ours = (_images(*more) for more in ([], ["--filter", "label=kong_masking.e2e"]))
    return {
        "container": {name: about for name, about in found.items() if name not in others},
        **{kind: _others(kind, stranger) for kind in ("network", "volume")},
        "image": sorted(images - ours),
    }


def _others(kind: str, stranger: str) -> list[str]:
    found = run(["docker", kind, "ls", "--format", "{{.Name}}"]).stdout.split()
    # A nameless volume is a throw-away container's; with other tests beside this one it may be theirs.
    nameless = {name for name in found if len(name) == LENGTH_OF_AN_ID and not ALONE}
    return sorted(name for name in {*found} - nameless if not name.startswith(OF_TESTS) or name == stranger)


def _images(*more: str) -> set[str]:
    return {*run(["docker", "image", "ls", "-q", "--no-trunc", *more]).stdout.split()}


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

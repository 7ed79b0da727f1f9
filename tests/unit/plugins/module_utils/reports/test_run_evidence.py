"""Boxes are ticked by evidence only, criteria measured or said not to be, scenarios recognised by what was found."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_evidence import checklist, criteria
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import history
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.scenario import SCENARIOS, scenario
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples as samples


def record(position):
    return history(samples.ten_runs())[position]


def boxes(position):
    return {item["item"]: item["state"] for item in checklist(record(position))}


def test_a_good_run_ticks_what_its_journal_shows_and_no_more():
    assert boxes(0) == {
        "Incident confirmed and rollback decision made": "for a person",
        "Stakeholders notified": "for a person",
        "Backup availability verified": "done",
        "Current state documented": "done",
        "Rollback command executed": "done",
        "Progress monitored": "for a person",
        "Issues documented": "done",
        "Timeline tracked": "done",
        "Services verified healthy": "done",
        "End-to-end functionality tested": "done",
        "Performance validated": "done",
        "Stakeholders updated": "for a person",
        "Incident analysis scheduled": "for a person",
    }


@pytest.mark.parametrize(
    ("position", "item", "state"),
    [
        (1, "End-to-end functionality tested", "for a person"),
        (1, "Services verified healthy", "for a person"),
        (3, "Rollback command executed", "open"),
        (4, "End-to-end functionality tested", "open"),
        (5, "Current state documented", "open"),
        (5, "Rollback command executed", "open"),
        (7, "Rollback command executed", "open"),
    ],
)
def test_a_box_that_stays_open(position, item, state):
    assert boxes(position)[item] == state


@pytest.mark.parametrize(
    ("position", "states"),
    [
        (0, ["met", "met", "not measured", "met", "met"]),
        # The masking check could not be made; the restored data were two hours and more old.
        (1, ["met", "missed", "not measured", "not measured", "not measured"]),
        (3, ["missed", "not measured", "not measured", "not measured", "not measured"]),
        (4, ["met", "met", "not measured", "missed", "missed"]),
        (5, ["not measured"] * 5),
        (7, ["not measured"] * 5),
    ],
)
def test_success_criteria(position, states):
    found = criteria(record(position))
    assert [item["name"] for item in found] == [
        "RTO", "RPO", "Service availability", "Data integrity", "Functional completeness",
    ]  # fmt: skip
    assert [item["state"] for item in found] == states


def with_evidence(found="", why="", path="", changes=False):
    checks = [{**samples.BROKEN, "found": found}] if found else []
    plan = {
        "services": {"kong": {"do": "recreate", "why": [why]}} if why else {},
        "actions": [{"path": path}] if path else [],
        "data": {"changes": changes, "line": "DATA: EMPTY - 7 leave"},
    }
    return {"plan": plan, "checks_before": checks}


@pytest.mark.parametrize(
    ("evidence", "number"),
    [
        ({"path": "kong/kong.yml"}, 1),
        ({"found": "nothing loaded; kong.yml has 771e: configuration"}, 1),
        ({"found": "Redis does not take writes yet"}, 2),
        ({"changes": True}, 2),
        ({"why": "is not found by its name on the project's network"}, 3),
        ({"why": "was killed for lack of memory"}, 4),
        ({"why": "was killed for lack of memory", "path": "kong/kong.yml"}, 4),
        ({"path": "nginx/default.conf"}, None),
        ({"found": "the disk has no room"}, None),
        ({}, None),
    ],
)
def test_scenario(evidence, number):
    found = scenario(with_evidence(**evidence))
    assert (found and found["number"]) == number
    if found:
        assert found["post_actions"] == list(SCENARIOS[number - 1][1])

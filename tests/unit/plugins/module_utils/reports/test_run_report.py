"""The documents of ten runs: as the published schema says, and true to the journals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import history
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_report import (
    history_document,
    run_document,
)
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples as samples

SCHEMA = json.loads((Path(__file__).resolve().parents[5] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
CONTACTS = [{"name": "Ada", "minutes": 0}, {"name": "Lea", "minutes": 5}]
NOW = "2026-07-11T09:00:00Z"


def documents():
    return [run_document(item, CONTACTS, NOW) for item in history(samples.ten_runs())]


def problems(document):
    """What the published schema objects to, after a way through JSON."""
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(json.dumps(document)))]


@pytest.mark.parametrize("position", range(10))
def test_a_run_is_as_the_schema_says(position):
    assert problems(documents()[position]) == []


@pytest.mark.parametrize("count", [0, 1, 10])
def test_the_history_is_as_the_schema_says(count):
    assert problems(history_document(history(samples.ten_runs()[:count]), "production", 5, NOW)) == []


def test_the_schema_objects_to_what_it_does_not_know():
    document = documents()[0]
    assert problems({**document, "surprise": 1}) != []
    assert problems({**document, "verdict": None}) != []
    Draft202012Validator.check_schema(SCHEMA)


def test_verdicts():
    assert [item["verdict"] for item in documents()] == [
        "SERVICE: BACK",
        "SERVICE: BACK, 1 checks not measured",
        "SERVICE: BACK",
        "SERVICE: NOT BACK",
        "SERVICE: BACK",
        "SERVICE: NOT MEASURED",
        "SERVICE: BACK",
        "SERVICE: NOT MEASURED, the run has no end in its journal",
        "SERVICE: BACK",
        "SERVICE: NOT BACK",
    ]


def test_budgets_of_a_run_by_hand():
    first, last = documents()[0], documents()[9]
    assert [(item["name"], item["seconds"], item["budget"], item["within"]) for item in first["budgets"]] == [
        ("configuration only", 9.0, 45.0, True),
        ("to service back", 9.0, 120.0, True),
        # From the recreation of Kong, 3.002 s in, to the end of its readiness, 8.002 s in.
        ("services away", 5.0, 30.0, True),
        ("verification", 3.0, 60.0, True),
    ]
    assert {item["within"] for item in last["budgets"]} == {None}
    assert [item["phase"] for item in last["phases"] if item["within"] is False] == ["apply"]


def test_what_was_done_of_the_plan():
    states = [[item["state"] for item in found["actions"]] for found in documents()]
    assert states[0] == ["done", "done", "done"]
    assert states[3] == ["done", "done", "not finished"]
    assert states[5] == ["not begun", "not begun", "not begun"]
    assert states[6] == []


def test_data_before_and_after():
    found = documents()
    assert (found[0]["data"]["keys_before"], found[0]["data"]["keys_after"]) == (1012, 1012)
    # Nobody counted: said so, not filled in.
    assert (found[2]["data"]["keys_before"], found[2]["data"]["keys_after"]) == (1012, None)


@pytest.mark.parametrize(
    ("position", "phase", "text"),
    [
        (0, None, None),
        (3, "apply", "apply: Step 3 (ready kong) failed: gateway-kong-1 does not stay up"),
        (4, "verify", "verify: masking failed"),
        (6, None, None),
        (7, "apply", "The journal ends in the middle of the run."),
    ],
)
def test_diagnosis(position, phase, text):
    found = documents()[position]["diagnosis"]
    assert (found and found["phase"], found and found["text"]) == (phase, text)


def test_the_command_that_takes_it_back_is_complete():
    commands = [item["return_command"] for item in documents()]
    head = "ansible-playbook playbooks/rollback.yml -e env=production -e deployment="
    assert commands[0] == f"{head}rollback-20260701-030000 -e redis_data=keep"
    assert commands[1] == f"{head}rollback-20260702-030100 -e redis_data=restore"
    assert [bool(item) for item in commands] == [True, True, True, True, False, False, False, True, True, True]


def test_escalation_counts_from_the_detection():
    began = samples.BEGAN
    one = samples.JournalText("rollback-20260701-030000")
    one.begin(detected_at=samples.ago(began, 400))
    one.before(samples.plan(), [samples.BROKEN])
    one.apply(30.0, ok=False, msg="broke")
    one.end("failed", "not back", failure="broke")
    (record,) = history([(one.run, one.text)])
    assert run_document(record, CONTACTS, NOW)["escalation"]["call"] == ["Lea"]


def test_an_address_with_a_password_is_hidden():
    text = samples.ten_runs()[3][1].replace("gateway-kong-1 does not", "redis://user:Canary-pass@db does not")
    (record,) = history([("rollback-20260704-030300", text)])
    assert "Canary" not in json.dumps(run_document(record, [], NOW))

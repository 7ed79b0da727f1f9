"""The step that is due, and whom to call."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.escalation import escalation, step_due

ADA, LEA = {"name": "Ada", "minutes": 0, "phone": "+49 1"}, {"name": "Lea", "minutes": "5", "chat": "#ops"}
IVO, MAX = {"name": "Ivo", "minutes": 0}, {"name": "Max", "minutes": 15}


@pytest.mark.parametrize(
    ("seconds", "since", "words", "following"),
    [
        (0, 0, "on-call", 5),
        (299.9, 0, "on-call", 5),
        (300, 5, "technical lead", 10),
        (600, 10, "infrastructure", 15),
        (899, 10, "infrastructure", 15),
        (900, 15, "business", None),
        (86400, 15, "business", None),
    ],
)
def test_the_step_that_is_due(seconds, since, words, following):
    found = step_due(seconds)
    assert (found[0], found[2]) == (since, following)
    assert words in found[1]


@pytest.mark.parametrize(
    ("contacts", "seconds", "call"),
    [
        ([ADA, LEA], 10, ["Ada (+49 1)"]),
        ([ADA, IVO, LEA], 10, ["Ada (+49 1)", "Ivo"]),
        ([ADA, LEA], 310, ["Lea (#ops)"]),
        ([ADA, LEA], 700, ["Lea (#ops)"]),
        ([ADA, LEA, MAX], 1000, ["Max"]),
        ([LEA], 10, []),
        ([], 10, []),
        ([{"minutes": 0}], 10, []),
    ],
)
def test_whom_to_call(contacts, seconds, call):
    assert escalation(contacts, seconds, False)["call"] == call


def test_the_line():
    assert escalation([ADA, LEA], 372, False)["line"] == (
        "ESCALATION: minute 6, escalate to the technical lead: call Lea (#ops); "
        "from minute 10: engage the infrastructure team"
    )
    assert escalation([], 1000, False)["line"] == (
        "ESCALATION: minute 16, business stakeholders decide: nobody is named in recovery_contacts"
    )
    assert escalation([ADA], 30, True)["line"] == "ESCALATION: none due, the service is back; contact: Ada (+49 1)"

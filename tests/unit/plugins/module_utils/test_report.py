"""Lines for people, word for word."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import report
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import row
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import SETTINGS, env, file, image, states

ENV_FILE = "config/production.env"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 30, "3.0 GiB")],
)
def test_size_text(size, text):
    assert report.size_text(size) == text


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ({}, "-"),
        ({"verified": True}, "verified"),
        ({"verified": True, "critical": True}, "verified, critical"),
        ({"complete": False}, "incomplete"),
        ({"layout": "original", "complete": False}, "original layout"),
        ({"usable": False, "complete": False}, "-"),
    ],
)
def test_marks_text(about, text):
    assert report.marks_text(row(**about)) == text


def test_backup_table():
    rows = [
        row(verified=True, age_seconds=60, ran_seconds=11520),
        row(
            "deploy-1",
            usable=False,
            reason="has a name that is no backup id",
            age_seconds=None,
            ran_seconds=None,
            size=0,
        ),
    ]
    assert report.backup_table(rows) == [
        "ID                      AGE    RAN         SIZE     MARKS     USABLE",
        "deploy-20260729-120000  1 min  3 h 12 min  2.0 KiB  verified  yes",
        "deploy-1                ?      ?           0 B      -         no: has a name that is no backup id",
    ]
    assert report.backup_table([]) == ["No backup is there."]


@pytest.mark.parametrize(
    ("about", "line"),
    [
        ({}, "TARGET: {id} (the state before {id}, ran 3 h 12 min; 3 h 12 min old; marks: -) - because"),
        (
            {"ran_seconds": None, "age_seconds": None},
            "TARGET: {id} (the state before {id}; age unknown; marks: -) - because",
        ),
    ],
    ids=["times", "no-times"],
)
def test_target_line(about, line):
    assert report.target_line(row(**about), "because") == line.format(id="deploy-20260729-120000")


def test_target_line_of_a_snapshot():
    found = row("rollback-20260729-120000", verified=True, ran_seconds=None)
    assert report.target_line(found, "named by deployment") == (
        "TARGET: rollback-20260729-120000 (the state before that rollback; 3 h 12 min old; marks: verified)"
        " - named by deployment"
    )


class TestPlan:
    def test_nothing(self):
        lines = report.plan_lines(build_plan(*states(), SETTINGS), row(), "why", [], {})
        assert lines[0] == "DATA: KEEP - 7 live mappings stay"
        assert lines[2] == "NEXT OLDER: none"
        assert lines[3:7] == [
            "  client       keep",
            "  kong         keep",
            "  nginx        keep",
            "  redis        keep",
        ]
        assert lines[-1] == "NOTHING TO DO: the stack is in the target state"

    def test_everything(self):
        wanted, now = states(env("kong", "KONG_LOG_LEVEL"), image("redis"), file(ENV_FILE))
        now["warnings"] = ["a stranger"]
        plan = build_plan(wanted, now, SETTINGS)
        plan["refusals"] = [{"name": "image_gone", "reason": "Gone.", "hint": "Load it.", "waivable": False}]
        plan["waived"] = [{"name": "space_low", "reason": "Low.", "hint": "", "waivable": True}]
        changed = {ENV_FILE: [{"name": "KONG_LOG_LEVEL", "old": "debug", "new": "notice"}]}
        lines = report.plan_lines(plan, row(), "why", ["deploy-20260728-120000", "x"], changed)
        assert lines[2] == "NEXT OLDER: deploy-20260728-120000"
        assert lines[4:7] == [
            "  kong         recreate - differs in KONG_LOG_LEVEL; because Redis",
            "  nginx        reload - because Kong gets a new address",
            "  redis        recreate - image redis-image- → redis-image-",
        ]
        assert lines[7:] == [
            f"  write_file   {ENV_FILE} - differs",
            "      KONG_LOG_LEVEL: debug → notice",
            "  tag_image    gateway-redis → redis-image-",
            "WARNING: a stranger",
            "WAIVED by force: space_low - Low.",
            "REFUSED: image_gone - Gone. Load it. (waivable by force_rollback: no)",
            "ESTIMATE: 10 s for 9 actions",
        ]


@pytest.mark.parametrize(
    ("about", "line"),
    [
        ({}, "passed       redis                       12 ms  PONG"),
        ({"status": "failed", "found": "nothing"},
         "FAILED       redis                       12 ms  expected PONG, found nothing"),
        ({"status": "not_measured", "found": "off"}, "not measured redis                       12 ms  off"),
        ({"level": "advisory"}, "passed       redis                    (advisory)    12 ms  PONG"),
    ],
    ids=["passed", "failed", "not-measured", "advisory"],
)  # fmt: skip
def test_check_lines(about, line):
    check = {"name": "redis", "status": "passed", "level": "critical", "expected": "PONG", "found": "PONG", "ms": 12}
    assert report.check_lines([{**check, **about}]) == [line]

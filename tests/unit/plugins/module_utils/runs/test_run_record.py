"""The last screen: its last line is the truth about the service."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.run_record import (
    last_screen,
    outcome,
    return_command,
)

ACTION = {"step": 1, "action": "recreate", "service": "kong", "ms": 812}
READY = {"step": 2, "action": "ready", "service": "kong", "ms": 3000}
GOOD = {"name": "redis", "status": "passed", "level": "critical", "expected": "PONG", "found": "PONG"}
BAD = {**GOOD, "status": "failed", "found": "nothing"}
OPEN = {**GOOD, "name": "masking", "status": "not_measured"}
ADVICE = {**BAD, "name": "disk", "level": "advisory"}
PLAN = {"actions": [ACTION], "refusals": [], "waived": [], "data": {"mode": "keep", "line": "DATA: KEEP - 7 stay"}}


def run(**other):
    """A run that went well."""
    values = {
        "environment": "production",
        "project": "gateway",
        "host": "gw1",
        "backup": {"id": "deploy-20260729-120000"},
        "plan": PLAN,
        "snapshot": {"id": "rollback-20260729-151200"},
        "executed": [ACTION, READY],
        "checks": [GOOD],
        "checks_before": [GOOD],
        "phases": {"plan": 0.6, "apply": 4.4},
        "failure": "",
        "applied": True,
        "timeout": 120,
        "check_mode": False,
        "log": "/opt/gateway/logs/rollbacks/x.log",
        "report": "/opt/gateway/logs/rollbacks/x.html",
        "kind": "rollback",
        "undo": {},
        "data_after": {},
        "contacts": [{"name": "Ada", "minutes": 0}, {"name": "Lea", "minutes": 5}],
        "elapsed": 12.0,
    }
    return {**values, **other}


BEFORE = {"executed": [], "checks": [], "applied": False}


@pytest.mark.parametrize(
    ("about", "done", "last"),
    [
        ({}, "completed", "SERVICE: BACK"),
        ({"checks": [GOOD, OPEN]}, "completed", "SERVICE: BACK, 1 checks not measured"),
        ({"checks": [GOOD, OPEN, OPEN]}, "completed", "SERVICE: BACK, 2 checks not measured"),
        ({"checks": [GOOD, ADVICE]}, "completed", "SERVICE: BACK"),
        ({"checks": [GOOD, {**OPEN, "level": "advisory"}]}, "completed", "SERVICE: BACK"),
        ({"checks": [BAD], "failure": "verify"}, "failed", "SERVICE: NOT BACK"),
        ({"checks": [GOOD], "failure": "apply"}, "failed", "SERVICE: NOT BACK"),
        ({"checks": [], "failure": "apply"}, "failed", "SERVICE: NOT BACK"),
        ({"checks": [], "failure": "apply", "executed": []}, "failed", "SERVICE: NOT BACK"),
        ({**BEFORE, "failure": "snapshot"}, "failed", "SERVICE: NOT MEASURED, the run ended before any change"),
        (
            {**BEFORE, "failure": "refused", "plan": {**PLAN, "refusals": [{"name": "image_gone"}]}},
            "refused",
            "SERVICE: NOT MEASURED, the run ended before any change",
        ),
        ({**BEFORE, "failure": "no backup", "plan": {}, "backup": {}}, "failed",
         "SERVICE: NOT MEASURED, the run ended before any change"),
        ({**BEFORE, "check_mode": True}, "planned", "SERVICE: not touched (check mode); now 0 of 1 checks fail"),
        ({**BEFORE, "check_mode": True, "failure": "x"}, "failed",
         "SERVICE: not touched (check mode); now 0 of 1 checks fail"),
        ({"executed": [], "applied": False, "plan": {**PLAN, "actions": []}}, "nothing to do", "SERVICE: BACK"),
        ({"checks": [BAD], "failure": "verify", "undo": {"undone": True, "reason": "r", "checks": [GOOD]}}, "undone",
         "SERVICE: BACK"),
        ({"checks": [BAD], "failure": "verify", "undo": {"undone": True, "reason": "r", "checks": [BAD]}}, "undone",
         "SERVICE: NOT BACK"),
        ({"checks": [BAD], "failure": "verify", "undo": {"undone": True, "reason": "r"}}, "undone",
         "SERVICE: NOT BACK"),
        ({"checks": [BAD], "failure": "verify", "undo": {"undone": False, "reason": "r"}}, "failed",
         "SERVICE: NOT BACK"),
    ],
    ids=[
        "completed",
        "one-open",
        "two-open",
        "advisory-failed",
        "advisory-open",
        "verification-failed",
        "failed-although-checks-pass",
        "failed-before-verification",
        "failed-at-the-first-step",
        "failed-before-any-change",
        "refused",
        "no-backup",
        "check-mode",
        "check-mode-failed",
        "nothing-to-do",
        "undone",
        "undone-into-a-broken-state",
        "undone-and-not-verified",
        "left-as-it-is",
    ],
)  # fmt: skip
def test_truth_table(about, done, last):
    assert outcome(run(**about)) == done
    assert last_screen(run(**about))[-1] == last


@pytest.mark.parametrize("checks", [[BAD], [GOOD, BAD], [OPEN, BAD]])
def test_a_failed_critical_check_is_never_called_back(checks):
    """Also where nobody called it a failure: the verification may have been told not to fail."""
    assert last_screen(run(checks=checks, failure=""))[-1] == "SERVICE: NOT BACK"


def test_the_whole_screen():
    found = run(
        plan={**PLAN, "waived": [{"name": "space_low"}]}, checks=[GOOD, BAD], failure="verify failed",
        phases={"plan": 0.6, "snapshot": 0, "apply": 130, "verify": 2}, elapsed=320, data_after={"keys": 1002},
        snapshot={"id": "rollback-20260729-151200", "redis": {"keys": 1012}},
    )  # fmt: skip
    due = "ESCALATION: minute 5, escalate to the technical lead: call Lea"
    assert last_screen(found) == [
        "Rollback failed: gateway (production) on gw1, target deploy-20260729-120000",
        "CAUSE: verify failed",
        "CHANGED: recreate kong (812 ms)",
        "DATA: KEEP - 7 stay",
        "KEYS: 1,012 before, 1,002 after",
        "WAIVED: space_low",
        "TIME: plan 0.6 s, apply 130.0 s, verify 2.0 s; in all 132.6 of 120 s",
        "BUDGETS: configuration only 130.6 of 45 s; verify 2.0 of 60 s",
        "WARNING: past the 45 s for a rollback of the class configuration only",
        "WARNING: past the 120 s for this rollback",
        f"TO TAKE IT BACK: {return_command(found)}",
        "LOG: gw1:/opt/gateway/logs/rollbacks/x.log",
        "REPORT: gw1:/opt/gateway/logs/rollbacks/x.html",
        f"{due}; from minute 10: engage the infrastructure team",
        "FAILED: redis: expected PONG, found nothing",
        "SERVICE: NOT BACK",
    ]


@pytest.mark.parametrize(
    ("about", "data"),
    [({}, "keep"), ({"plan": {}}, "keep"), ({"plan": {**PLAN, "data": {"mode": "empty"}}}, "restore"),
     ({"plan": {**PLAN, "data": {"mode": "restore"}}}, "restore")],
    ids=["kept", "no-plan", "emptied", "restored"],
)  # fmt: skip
def test_the_command_that_takes_it_back_names_the_data_mode(about, data):
    assert return_command(run(**about)) == (
        "ansible-playbook playbooks/rollback.yml -e env=production "
        f"-e deployment=rollback-20260729-151200 -e redis_data={data}"
    )


@pytest.mark.parametrize(
    "about",
    [{"snapshot": {}}, {"check_mode": True}, {"failure": "x", "undo": {"undone": True, "reason": "r"}}],
    ids=["no-snapshot", "check-mode", "undone"],
)
def test_nothing_to_take_back(about):
    assert return_command(run(**about)) == ""
    assert not any(line.startswith("TO TAKE IT BACK") for line in last_screen(run(**about)))


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (1012, "KEYS: 1,012 before, 1,002 after; 0 written, 10 removed (delta: Redis runs)"),
        (None, "KEYS: unknown before, 1,002 after; 0 written, 10 removed (delta: Redis runs)"),
    ],
    ids=["counted", "unreadable"],
)
def test_keys_are_counted_before_and_after(before, line):
    result = {
        "keys_before": before,
        "keys_after": 1002,
        "keys_restored": 0,
        "keys_removed": 10,
        "method": "delta",
        "why": "Redis runs",
    }
    action = {"step": 1, "action": "replace_data", "service": "redis", "ms": 300, "result": result}
    assert line in last_screen(run(executed=[action]))


def test_mappings_are_counted_before_and_after():
    result = {
        "keys_before": 24,
        "keys_after": 20,
        "mappings_before": 12,
        "mappings_after": 10,
        "keys_restored": 0,
        "keys_removed": 4,
        "method": "delta",
        "why": "Redis runs",
    }
    action = {"step": 1, "action": "replace_data", "service": "redis", "ms": 300, "result": result}
    assert (
        "MAPPINGS: 12 before, 10 after; KEYS: 24 before, 20 after; 0 written, 4 removed (delta: Redis runs)"
        in last_screen(run(executed=[action]))
    )


def test_who_is_to_be_called_when_the_service_is_back():
    assert "ESCALATION: none due, the service is back; contact: Ada" in last_screen(run())


def test_the_screen_of_a_run_that_was_undone():
    found = run(checks=[BAD], failure="verify", undo={"undone": True, "reason": "1 of 1 before", "checks": [GOOD]})
    assert "UNDO: done: 1 of 1 before" in last_screen(found)


def test_check_mode_calls_nobody_and_names_no_report():
    lines = last_screen(run(**BEFORE, check_mode=True))
    assert [line for line in lines if line.startswith(("ESCALATION", "REPORT", "LOG", "TIME", "BUDGETS"))] == []


KEPT = {"step": 3, "action": "keep_data", "service": "redis", "ms": 40}
BROUGHT = {"keys_before": 3, "keys_after": 9, "keys_restored": 6, "keys_removed": 0, "method": "delta", "why": "less"}


@pytest.mark.parametrize(
    ("about", "line"),
    [
        ({"result": {}}, ""),
        ({"result": BROUGHT}, "KEYS: 3 before, 9 after; 6 written, 0 removed (delta: less)"),
        ({"problem": "it does not fit."}, "WARNING: data were not brought back: it does not fit."),
    ],
    ids=["nothing-was-lost", "brought-back", "could-not-be"],
)
def test_a_look_at_the_data_is_told_where_it_found_something(about, line):
    screen = last_screen(run(executed=[ACTION, READY, {**KEPT, **about}]))
    changed = next(item for item in screen if item.startswith("CHANGED: "))
    assert ("keep_data redis" in changed) is bool(line)
    assert [item for item in screen if item.startswith(("KEYS:", "WARNING:"))] == ([line] if line else [])

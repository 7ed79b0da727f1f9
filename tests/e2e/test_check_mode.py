"""`--check --diff` shows the whole plan and changes nothing."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import Lab, actions

ROTATED = "sk-ant-Canary-rotated-key-of-a-release"


def everything_on_disk(lab: Lab) -> dict[str, int]:
    """Every path below the stack, backups and logs included, Redis' own files aside."""
    root = lab.stack.directory
    return {
        str(path.relative_to(root)): path.lstat().st_mtime_ns
        for path in root.rglob("*")
        if "data" not in path.relative_to(root).parts
    }


def test_check_changes_nothing_and_shows_the_plan_that_a_real_run_executes(lab: Lab) -> None:
    lab.golden()
    releases.break_everything(lab)
    before, disk = lab.state(), everything_on_disk(lab)

    done = lab.play("rollback", "--check", "--diff")

    after = lab.state()
    assert done.rc == 0, done.output
    kong_restarts = ("service kong",)  # it cannot start with this file and is restarted by the engine all the time
    assert [row for row in stack_state.differences(before, after) if not row.startswith(kong_restarts)] == []
    assert before.services["kong"]["id"] == after.services["kong"]["id"]
    assert everything_on_disk(lab) == disk
    assert "KONG_LOG_LEVEL: debug → notice" in done.flat
    assert "KONG_MEMORY_LIMIT: 512m → 1g" in done.flat
    assert lab.stack.redis_password not in done.output
    assert done.verdict.startswith("SERVICE: not touched (check mode)")

    real = lab.play("rollback")

    assert real.rc == 0, real.output
    record = lab.record()
    assert actions(record["executed"]) == actions(record["plan"]["actions"])
    for service, decision in record["plan"]["services"].items():
        assert f"{service:<12} {decision['do']}" in done.stdout
    for action in record["plan"]["actions"]:
        if action["action"] in ("write_file", "remove_file"):
            assert f"{action['action']:<12} {action['path']}" in done.stdout


@pytest.mark.slow
def test_check_on_a_good_stack_says_that_there_is_nothing_to_do(lab: Lab) -> None:
    lab.golden()
    before = lab.state()

    done = lab.play("rollback", "--check", "--diff")

    assert done.rc == 0, done.output
    assert done.changed == 0
    assert "NOTHING TO DO" in done.flat
    assert stack_state.differences(before, lab.state()) == []


@pytest.mark.slow
def test_check_fails_where_the_real_run_would_refuse(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    checked = lab.play("rollback", "--check", "-e", "deployment=deploy-20200101-000000")
    limited = lab.play("rollback", "--check", "-e", "services=no-such-service")

    assert checked.rc != 0
    assert "There is no backup deploy-20200101-000000" in checked.flat
    assert limited.rc != 0
    assert "no-such-service" in limited.flat
    assert stack_state.differences(before, lab.state()) == []


@pytest.mark.slow
def test_check_shows_no_secret_that_changes(lab: Lab) -> None:
    lab.golden()
    lab.stack.set_env(ANTHROPIC_API_KEY=ROTATED)

    done = lab.play("rollback", "--check", "--diff")

    assert done.rc == 0, done.output
    assert "ANTHROPIC_API_KEY" in done.flat, "a changed secret is named"
    assert ROTATED not in done.output
    assert not [canary for canary in lab.canaries if canary in done.output]

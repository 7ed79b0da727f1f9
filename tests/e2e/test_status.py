"""The status of a stack in one screen, within seconds, whatever hangs."""

from __future__ import annotations

import pytest
import stack_state
from lab import Lab


def test_what_runs_and_how_old_the_backups_are(lab: Lab) -> None:
    golden = lab.golden()
    data = lab.backup("-e", "kind=data")
    before = lab.state()

    done = lab.play("status")

    assert done.rc == 0, done.output
    assert stack_state.differences(before, lab.state()) == []
    for service in ("redis", "kong", "nginx", "client", "upstream"):
        assert f"{service} " in done.flat
    assert f"the same as in {golden}" in done.flat
    assert f"NEWEST CONFIGURATION: {golden}" in done.flat
    assert f"NEWEST DATA: {data}" in done.flat
    assert "LOCK: free" in done.flat
    assert "ALL WELL" in done.flat
    print(f"status: {done.seconds:.1f} s")


@pytest.mark.slow
def test_a_data_backup_is_never_the_last_known_good(lab: Lab) -> None:
    golden = lab.golden()
    lab.backup("-e", "kind=data")

    plan = lab.play("rollback", "--check")

    assert f"TARGET: {golden}" in plan.flat, plan.output


@pytest.mark.slow
def test_a_service_that_hangs_does_not_hold_the_status_up(lab: Lab) -> None:
    lab.golden()
    well = lab.play("status")
    lab.stack.compose("pause", "redis")
    try:
        done = lab.play("status")
    finally:
        lab.stack.compose("unpause", "redis")

    assert done.rc == 0, done.output
    assert "is paused" in done.flat
    assert "IN TROUBLE: " in done.flat
    print(f"status with a hanging service: {done.seconds / well.seconds:.1f} of its usual time")

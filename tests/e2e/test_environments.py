"""`-e env=`: who a run reaches is never a guess."""

from __future__ import annotations

import subprocess

import pytest
import stack_state
from lab import ANSIBLE_PLAYBOOK, Lab, user_environment
from reference_stack import ROOT


@pytest.mark.parametrize(
    ("playbook", "env", "message"),
    [
        ("rollback", "", "env is not set"),
        ("backup", "nowhere", "env=nowhere is no environment"),
        ("verify", "all", "env=all is no environment"),
        ("force_rollback", "staging:production", "env=staging:production is no environment"),
    ],
)
def test_an_environment_that_is_none_is_an_error_with_the_known_ones(
    lab: Lab, playbook: str, env: str, message: str
) -> None:
    before = lab.state()

    done = lab.play(playbook, env=env)

    assert done.rc != 0, done.output
    assert message in done.flat, done.output
    assert f"Known environments: {lab.environment}" in done.flat, done.output
    assert stack_state.differences(before, lab.state()) == []


def test_a_limit_that_leaves_nobody_is_an_error(lab: Lab) -> None:
    with lab.inventory.open("a", encoding="utf-8") as file:
        file.write("elsewhere:\n  hosts:\n    elsewhere-gateway:\n")
    try:
        done = lab.play("rollback", "--limit", "elsewhere-gateway")
        unknown = lab.play("rollback", "--limit", "nobody")
    finally:
        lab.write_inventory()

    assert done.rc != 0, done.output
    assert "leaves no host of environment staging (staging-gateway)" in done.flat
    assert unknown.rc != 0, unknown.output


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--tags", "rollback"), "--tags rollback leaves out the whole run"),
        (("-e", "preserve_data=ture"), "rollback_preserve_data"),
        (("-e", "recovery_timeout=120s"), "rollback_timeout"),
        (("-e", "recovery_max_attempts=two"), "rollback_max_attempts"),
    ],
    ids=["tags", "no-yes-and-no-no", "no-number", "a-word"],
)
def test_what_cannot_be_meant_ends_before_any_change(lab: Lab, given: tuple[str, str], message: str) -> None:
    before = lab.state()

    done = lab.play("rollback", *given)

    assert done.rc != 0, done.output
    assert message in done.flat, done.output
    assert stack_state.differences(before, lab.state()) == []


@pytest.mark.parametrize(
    "given",
    [
        '{"preserve_data": null}',
        pytest.param('{"preserve_data": " "}', marks=pytest.mark.slow),
        pytest.param('{"preserve_data": "True"}', marks=pytest.mark.slow),
    ],
    ids=["null", "blank", "a-word"],
)
def test_a_setting_with_nothing_behind_it_is_not_given(lab: Lab, given: str) -> None:
    """As job runners hand over what nobody filled in: data stay, as they do by default."""
    lab.golden()
    assert lab.stack.probe(), "a mapping that is in no backup"
    before = lab.state()

    done = lab.play("rollback", "-e", given)

    assert done.rc == 0, done.output
    assert "DATA: KEEP" in done.flat
    assert stack_state.lost(before, lab.state()) == []


def play_shipped(*args: str) -> subprocess.CompletedProcess[str]:
    """A playbook with the inventories that the project ships."""
    return subprocess.run(
        [str(ANSIBLE_PLAYBOOK), *args],
        cwd=ROOT,
        env=user_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("playbook", ["rollback", "backup", "verify"])
def test_the_production_placeholder_says_what_to_edit(playbook: str) -> None:
    done = play_shipped(f"playbooks/{playbook}.yml", "-e", "env=production")

    flat = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "production is not configured: edit inventories/production/hosts.yml" in flat, flat
    assert "UNREACHABLE" not in done.stdout


def test_the_shipped_inventories_name_all_known_environments() -> None:
    done = play_shipped("playbooks/rollback.yml", "-e", "env=prodution")

    flat = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "Known environments: demo, development, production, staging" in flat, flat

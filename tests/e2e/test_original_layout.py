"""Backups of the old script: no manifest, often `config.env` alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab

pytestmark = pytest.mark.slow

OLD = "deploy-20250729-120000"


def script_backup(lab: Lab) -> Path:
    """Leave what the old script did."""
    old = lab.stack.directory / "backups" / "pre-deploy" / OLD
    old.mkdir(parents=True)
    (old / "config.env").write_bytes(lab.stack.env_file.read_bytes())
    return old


@pytest.mark.parametrize(
    "state_file",
    [
        pytest.param(None, id="config-env-alone"),
        pytest.param(b"", id="empty-services-state"),
        pytest.param(b"{}\n", id="services-state-of-nothing"),
    ],
)
def test_the_environment_comes_back_in_the_containers(lab: Lab, state_file: bytes | None) -> None:
    old = script_backup(lab)
    if state_file is not None:
        (old / "services-state.json").write_bytes(state_file)
    good = lab.state()
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m")
    releases.up(lab.stack, "kong", "client")

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert f"TARGET: {OLD}" in done.flat
    assert "original layout" in done.flat
    assert "unsigned" in done.flat
    assert "stay as they are" in done.flat, "it does not say what cannot return"
    for service in good.services:
        assert stack_state.environment_of(after, service) == stack_state.environment_of(good, service), service
    assert after.services["kong"]["memory"] == good.services["kong"]["memory"]
    assert after.files == good.files
    assert stack_state.lost(good, after) == []


@pytest.mark.parametrize(
    "away",
    [
        pytest.param(("kong",), id="kong"),
        pytest.param(("redis", "kong", "nginx", "client", "upstream"), id="all"),
    ],
)
def test_what_was_removed_by_hand_is_made_anew(lab: Lab, away: tuple[str, ...]) -> None:
    """As the guide's own steps do: docker stop, docker rm; the backup has no record of services."""
    script_backup(lab)
    good = lab.state()
    lab.stack.compose("rm", "--stop", "--force", *away)

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    for service in good.services:
        assert stack_state.environment_of(after, service) == stack_state.environment_of(good, service), service
    assert stack_state.lost(good, after) == []
    assert lab.stack.probe()

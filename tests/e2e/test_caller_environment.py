"""Nothing that the caller's shell exports has a say in what is deployed."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import Lab

pytestmark = pytest.mark.slow


def test_exported_compose_variables_have_no_effect(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m")
    releases.up(lab.stack, "kong")
    exported = {
        "KONG_LOG_LEVEL": "emerg",
        "REDIS_MEMORY_LIMIT": "64m",
        "COMPOSE_FILE": "/nonexistent/compose.yml",
        "COMPOSE_PROJECT_NAME": "somebody-else",
        "COMPOSE_PROFILES": "none",
        "COMPOSE_ENV_FILES": "/nonexistent/env",
    }

    done = lab.play("rollback", environ=exported)

    assert done.rc == 0, done.output
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []


def test_they_have_no_effect_on_a_backup_either(lab: Lab) -> None:
    golden = lab.backup_path(lab.golden())
    exported = {"KONG_LOG_LEVEL": "emerg", "COMPOSE_FILE": "/nonexistent/compose.yml"}

    done = lab.play("backup", environ=exported)

    assert done.rc == 0, done.output
    (new,) = (lab.backup_path(name) for name in lab.backups() if name != golden.name)
    for name in ("config.env", "files/docker-compose.yml", "files/.env", "files/kong/kong.yml"):
        assert (new / name).read_bytes() == (golden / name).read_bytes(), name

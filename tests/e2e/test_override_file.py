"""An override file beside the Compose file: a plain `docker compose up` reads it, and so does everything here."""

from __future__ import annotations

import json

import pytest
import releases
import stack_state
from lab import Lab


@pytest.mark.slow
def test_what_the_override_adds_is_backed_up_and_comes_back(lab: Lab) -> None:
    override = lab.stack.directory / "docker-compose.override.yml"
    override.write_text("services: {client: {environment: {RELEASE: one}}}\n", encoding="utf-8")
    releases.up(lab.stack, "client")
    good = lab.state()
    backup = lab.backup()
    manifest = json.loads((lab.backup_path(backup) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["complete"], manifest["notes"]
    override.write_text("services: {client: {environment: {RELEASE: two}}}\n", encoding="utf-8")
    releases.up(lab.stack, "client")

    done = lab.play("rollback", "-e", f"deployment={backup}")

    after = lab.state()
    assert done.rc == 0, done.output
    assert stack_state.environment_of(after, "client")["RELEASE"] == "one"
    assert stack_state.differences(good, after, identity=False, data=False) == []
    again = lab.play("rollback", "-e", f"deployment={backup}")
    assert (again.rc, again.changed) == (0, 0), again.output
    releases.up(lab.stack)
    assert stack_state.differences(after, lab.state(), data=False) == [], "a plain up finds nothing to do"
    override.unlink()

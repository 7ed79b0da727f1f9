"""The standard rollback: a broken release, one command, and everything is as it was."""

from __future__ import annotations

import json

import pytest
import releases
import stack_state
from lab import Lab, actions


@pytest.mark.smoke
def test_a_broken_release_is_rolled_back_exactly_and_a_second_run_changes_nothing(lab: Lab) -> None:
    backup_id = lab.golden()
    before = lab.state()
    releases.break_everything(lab)
    broken = lab.state()
    assert stack_state.environment_of(broken, "kong")["KONG_LOG_LEVEL"] == "debug"
    assert broken.services["kong"]["memory"] == 512 << 20
    assert broken.services["nginx"]["image_id"] != before.services["nginx"]["image_id"]

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []
    assert lab.stack.probe(), "the probe did not pass"
    assert done.verdict == "SERVICE: BACK"
    record = lab.record()
    assert record["backup"]["id"] == backup_id
    assert actions(record["executed"]) == actions(record["plan"]["actions"])
    (snapshot,) = lab.snapshots()
    manifest = json.loads((lab.backup_path(snapshot) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["redis"]["status"] == "proven", "the copy of the data was not loaded"

    again = lab.play("rollback")

    assert again.rc == 0, again.output
    assert again.changed == 0, again.output
    assert again.verdict == "SERVICE: BACK"
    assert stack_state.differences(after, lab.state(), data=False) == []
    assert lab.record()["executed"] == []

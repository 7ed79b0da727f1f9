"""A target that does not verify: back to the state before, or to the next older backup; never into a worse state."""

from __future__ import annotations

import json

import pytest
import releases
import stack_state
from lab import Lab
from outside import wait_for

# A masking plugin that is off stays off: waiting for it would only make the test long.
QUICK = ("-e", "verification_timeout=3")


def leaky_backup(lab: Lab) -> str:
    """Take a backup of a release that masks nothing, and come back to the good one; answer its id."""
    file = releases.kong_file(lab)
    good = file.read_bytes()
    file.write_bytes(good.replace(b"  - name: aws-masker\n", b"  - name: aws-masker\n    enabled: false\n"))
    releases.load_kong_file(lab)
    taken = lab.backup()
    file.write_bytes(good)
    releases.load_kong_file(lab)
    lab.wait_masked()
    return taken


def ending(lab: Lab) -> dict[str, object]:
    """The line that ended the newest run."""
    newest = max((lab.stack.directory / ".recovery" / "journal").glob("*.jsonl"))
    events = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    return next(item for item in events if item["event"] == "end")


def test_a_release_that_does_not_verify_is_undone_and_the_run_fails_with_both_results(lab: Lab) -> None:
    leaky = leaky_backup(lab)
    before = lab.state()

    done = lab.play("rollback", "-e", f"deployment={leaky}", "-e", "redis_data=empty", *QUICK)

    after = lab.state()
    assert done.rc != 0
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []
    assert "undone: before it " in done.flat
    assert "masking" in done.flat
    assert (ending(lab)["outcome"], ending(lab)["service"]) == ("undone", "back")
    assert done.verdict == "SERVICE: BACK"


@pytest.mark.slow
def test_it_is_left_where_that_is_wanted_and_the_screen_says_so(lab: Lab) -> None:
    leaky = leaky_backup(lab)
    done = lab.play("rollback", "-e", f"deployment={leaky}", "-e", "recovery_on_failure=leave", *QUICK)
    assert done.rc != 0
    assert "not undone: recovery_on_failure is leave" in done.flat
    assert ending(lab)["outcome"] == "failed"
    assert done.verdict == "SERVICE: NOT BACK"
    assert b"enabled: false" in releases.kong_file(lab).read_bytes()


@pytest.mark.slow
def test_the_next_older_backup_is_tried_and_the_rejection_is_explained(lab: Lab) -> None:
    golden = lab.golden()
    before = lab.state()
    leaky = leaky_backup(lab)
    marks = lab.backup_path(leaky) / "marks.json"
    marks.write_text(json.dumps({**json.loads(marks.read_text(encoding="utf-8")), "verified": True}), encoding="utf-8")
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(lab.stack, "kong")
    wait_for("Kong", lab.stack.kong_configured, 30)
    releases.reload_proxy(lab)

    done = lab.play("rollback", "-e", "recovery_max_attempts=2", *QUICK)

    assert done.rc == 0, done.output
    assert f"TARGET: {leaky}" in done.flat
    assert f"TARGET: {golden}" in done.flat
    assert f"{leaky} was tried: " in done.flat
    assert len(lab.snapshots()) == 1, "one way back for the whole run"
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []
    assert done.verdict == "SERVICE: BACK"

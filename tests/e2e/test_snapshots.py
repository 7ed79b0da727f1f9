"""A snapshot is a target: a rollback can be undone, and the undoing as well."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import Lab


@pytest.mark.slow
def test_a_rollback_is_undone_exactly_and_so_is_the_undoing(lab: Lab) -> None:
    golden = lab.golden()
    good = lab.state()
    releases.good_but_different(lab)
    different = lab.state()
    assert stack_state.differences(good, different, identity=False, data=False) != []

    there = lab.play("rollback")
    assert there.rc == 0, there.output
    assert stack_state.differences(good, lab.state(), identity=False, data=False) == []
    (first,) = lab.snapshots()
    assert f"deployment={first}" in there.flat, "the last screen has the command that takes it back"

    back = lab.play("rollback", "-e", f"deployment={first}")
    undone = lab.state()
    assert back.rc == 0, back.output
    assert stack_state.differences(different, undone, identity=False, data=False) == []
    assert stack_state.lost(different, undone) == []

    (second,) = set(lab.snapshots()) - {first}
    again = lab.play("rollback", "-e", f"deployment={second}")
    assert again.rc == 0, again.output
    assert stack_state.differences(good, lab.state(), identity=False, data=False) == []

    # Two snapshots are newer than the backup, and none of them is the last known good.
    planned = lab.play("rollback", "--check")
    assert f"TARGET: {golden}" in planned.flat

"""Two rollbacks of one stack: one works, the other is told whose turn it is, and nothing is damaged."""

from __future__ import annotations

import os
import signal
import time

import pytest
import releases
import stack_state
from broken_off import BrokenOff, descendants, journals, lease, phase
from lab import Lab


@pytest.mark.fault("two rollbacks at once")
@pytest.mark.parametrize("race", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_of_two_rollbacks_at_once_exactly_one_works(lab: Lab, race: int) -> None:
    lab.golden()
    before = lab.state()
    releases.good_but_different(lab)
    runs = [BrokenOff(lab, "rollback"), BrokenOff(lab, "rollback")]
    ended = sorted((run.end() for run in runs), key=lambda one: one.rc)
    winner = journals(lab)[0].stem
    assert [one.rc == 0 for one in ended] == [True, False], ended[1].output
    assert f"Another run works on this stack: {winner} of " in ended[1].flat
    assert "Nothing was changed." in ended[1].flat
    assert [path.stem for path in journals(lab)] == [winner]
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []
    assert stack_state.lost(before, lab.state()) == []


@pytest.mark.fault("a paused holder wakes after a takeover")
def test_a_paused_holder_that_wakes_after_a_takeover_writes_nothing(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    releases.good_but_different(lab)
    paused = BrokenOff(lab, "rollback")
    paused.wait(phase("discover", "end"))
    everyone = [paused.process.pid, *descendants(paused.process.pid)]
    for number in everyone:
        os.kill(number, signal.SIGSTOP)
    try:
        refused = lab.play("rollback")
        assert refused.rc != 0
        assert "its ansible-playbook still runs" in refused.flat
        time.sleep(max(0.0, lease(lab)["expires"] - time.clock_gettime(time.CLOCK_BOOTTIME)))
        taken = lab.play("rollback")
        assert taken.rc == 0, taken.output
        assert "Took the lock over from" in taken.flat
        after = lab.state()
        assert stack_state.differences(before, after, identity=False, data=False) == []
    finally:
        for number in everyone:
            os.kill(number, signal.SIGCONT)
    woken = paused.end()
    assert woken.rc != 0
    assert "was taken over meanwhile" in woken.flat
    assert stack_state.untouched(after, lab.state()) == []


def test_a_check_run_takes_no_lock_and_says_who_holds_it(lab: Lab) -> None:
    lab.golden()
    releases.good_but_different(lab)
    run = BrokenOff(lab, "rollback")
    run.wait(phase("before"))
    holder = lease(lab)["run"]
    checked = lab.play("rollback", "--check")
    done = run.end()
    assert (checked.rc, done.rc) == (0, 0), checked.output + done.output
    assert f"The lock is held by {holder}" in checked.flat

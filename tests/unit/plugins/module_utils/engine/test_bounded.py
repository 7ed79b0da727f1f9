"""Work that takes too long is given up, and what it began is taken back."""

from __future__ import annotations

import signal
import time

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.bounded import bounded
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError


def test_work_past_its_time_is_given_up_and_cleans_up():
    cleaned = []

    def work():
        try:
            with bounded(0.05, "Backup x"):
                time.sleep(5)
        finally:
            cleaned.append(True)

    with pytest.raises(RecoveryError, match=r"Backup x was given up: it took longer than 0\.05 s"):
        work()
    assert cleaned == [True]


@pytest.mark.parametrize("seconds", [0, 60])
def test_work_in_time_is_left_alone(seconds):
    before = signal.getsignal(signal.SIGALRM)
    with bounded(seconds, "x"):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

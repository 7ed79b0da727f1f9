# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give up a piece of work when its time is over; what it began is taken back on the way out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import RecoveryError


@contextmanager
def bounded(seconds: float, what: str) -> Iterator[None]:
    """Raise inside the body once seconds are over; 0 sets no limit. For the main thread of a module."""
    if not seconds:
        yield
        return

    def over(_number: int, _frame: Any) -> None:
        raise RecoveryError(
            f"{what} was given up: it took longer than {seconds:g} s.", "Raise the limit, or look at what is slow."
        )

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

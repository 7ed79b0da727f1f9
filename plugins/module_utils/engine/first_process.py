# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a container's first process is stopped: it accepts connections, and whoever asks it waits in vain."""

from __future__ import annotations

import os

from ..errors import RecoveryError
from .cgroup_use import text_of
from .container import Container

STOPPED = ("T", "t")


def stopped(container: Container, proc: str = "/proc") -> bool:
    """Return whether the container's first process is stopped; False where this host cannot tell.

    An engine on another host has other processes by these numbers.
    """
    place = os.path.join(proc, str(container.pid))
    # The name, in parentheses, may hold anything.
    state = text_of(os.path.join(place, "stat")).rpartition(")")[2].split()[:1]
    return bool(state) and state[0] in STOPPED and container.id in text_of(os.path.join(place, "cgroup"))


def need_awake(container: Container) -> None:
    """Raise for a container that cannot answer, before anybody waits for it."""
    if stopped(container):
        raise RecoveryError(f"{container.name} is stopped by a signal and answers nobody.")

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a container's first process is stopped: it accepts connections, and whoever asks it waits in vain."""

from __future__ import annotations

import os

from ..errors import RecoveryError
from .cgroup_use import text_of
from .container import Container

STOPPED = ("T", "t")


def here(container: Container, proc: str = "/proc") -> bool:
    """Say whether it is a process of this host; an engine on another host has other processes by these numbers."""
    return container.id in text_of(os.path.join(proc, str(container.pid), "cgroup"))


def stopped(container: Container, proc: str = "/proc") -> bool:
    """Return whether the container's first process is stopped; False where this host cannot tell."""
    # The name, in parentheses, may hold anything.
    state = text_of(os.path.join(proc, str(container.pid), "stat")).rpartition(")")[2].split()[:1]
    return bool(state) and state[0] in STOPPED and here(container, proc)


def need_awake(container: Container) -> None:
    """Raise for a container that cannot answer, before anybody waits for it."""
    if stopped(container):
        raise RecoveryError(f"{container.name} is stopped by a signal and answers nobody.")

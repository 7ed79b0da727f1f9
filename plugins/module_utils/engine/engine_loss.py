# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell an engine that went away, or that is helpless itself, from an action that failed. Pure."""

from __future__ import annotations

import re

from ..errors import CommandError
from ..libraries import requests

# How a Compose call says that it lost the engine.
LOST = ("Cannot connect to the Docker daemon", "error during connect", "connection reset", "unexpected EOF", "EOF")
# How the engine, or Compose for it, says that a container that it takes for running has no process.
NO_PROCESS = "did not receive an exit event"
# How Compose says that somebody made a network by hand under a name that the definition wants.
STRANGE_NETWORK = re.compile(r"network (\S+) was found but has incorrect label")
CONTAINER_ID = re.compile(r"\b[0-9a-f]{64}\b")


def engine_lost(error: Exception) -> bool:
    """Say whether an action failed because the engine went away, and not for a reason of its own."""
    if isinstance(error, CommandError):
        return any(words in error.stderr for words in LOST)
    return isinstance(error, requests.exceptions.ConnectionError)


def helpless(error: Exception) -> str:
    """Return what to do where the engine itself cannot do what it was asked; empty where it was not the engine.

    An engine that is killed between making a container's process and starting it takes the container for running
    ever after and can neither stop nor remove it; its restart alone changes nothing (measured with 20.10).
    """
    said = error.stderr if isinstance(error, CommandError) else str(error)
    if NO_PROCESS in said:
        named = CONTAINER_ID.search(said)
        # In brackets, so that a shell that got all of this as its command does not end itself.
        left = f"[c]ontainerd-shim.* -id {named.group() if named else 'ID'}"
        return (
            "The engine has lost the container's process. End what is left of it, restart the engine (every container "
            f"of this host starts anew), run the same command again: pkill -9 -f '{left}'; systemctl restart docker"
        )
    strange = STRANGE_NETWORK.search(said)
    if strange:
        return (
            "Compose uses no network of its own names that it did not make. Take off what is on it, remove it, run the "
            f"same command again: docker network rm {strange.group(1)}"
        )
    if isinstance(error, requests.exceptions.ReadTimeout):
        return "The engine did not answer in time. See why (journalctl -u docker), then run the same command again."
    return ""

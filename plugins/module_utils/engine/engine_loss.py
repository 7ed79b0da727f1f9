# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell an engine that went away in the middle from an action that failed. Pure."""

from __future__ import annotations

from ..errors import CommandError
from ..libraries import requests

# How a Compose call says that it lost the engine.
LOST = ("Cannot connect to the Docker daemon", "error during connect", "connection reset", "unexpected EOF", "EOF")


def engine_lost(error: Exception) -> bool:
    """Say whether an action failed because the engine went away, and not for a reason of its own."""
    if isinstance(error, CommandError):
        return any(words in error.stderr for words in LOST)
    return isinstance(error, requests.exceptions.ConnectionError)

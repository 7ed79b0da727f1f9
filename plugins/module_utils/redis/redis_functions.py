# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libraries of functions of a server (Redis 7.0 and newer): no keys, and gone where only keys are copied."""

from __future__ import annotations

from ..libraries import redis
from .redis_wire import ReplyError, Wire

# What a server before 7.0 says, or one where the command has another name.
UNKNOWN = ("unknown command", "unknown subcommand")


def carry(source: redis.Redis, target: redis.Redis, keep: bool = False) -> str:
    """Give a server that nobody else uses the functions of another; return why not.

    keep: its own stay where the other has none of their library's name. Empty where that is done, or where the server
    knows no functions.
    """
    try:
        with Wire(source) as reading:
            held = reading.ask(b"FUNCTION", b"DUMP")
        with Wire(target) as writing:
            writing.ask(b"FUNCTION", b"RESTORE", held, b"REPLACE" if keep else b"FLUSH")
    except ReplyError as exc:
        said = exc.line.decode("utf-8", "replace").lower()
        return "" if any(text in said for text in UNKNOWN) else f"functions (FUNCTION LOAD) are not kept: {exc.msg}"
    return ""

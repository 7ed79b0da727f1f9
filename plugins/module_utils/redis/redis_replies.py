# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How commands and replies of a Redis travel (RESP2); redis_wire.py and plain_redis.py share it."""

from __future__ import annotations

import itertools
import re
from typing import Any

from ..errors import RecoveryError

BLOCK = 1 << 18
# The name of a command is its own; what else a refusal quotes may be a key.
_DENIED = re.compile(rb" run the '([a-z|]+)' command")
Reply = Any


class ReplyError(RecoveryError):
    """The server refused a command; the message is its own, without any key or value."""

    def __init__(self, line: bytes) -> None:
        words = line.decode("utf-8", "replace").split(" ", 1)
        self.code = words[0]
        right = _DENIED.search(line) if self.code == "NOPERM" else None
        if right is None:
            super().__init__(f"Redis refuses a command: {self.code}.", "Look at its log.")
        else:
            super().__init__(
                f"Redis refuses a command: {self.code}, its user lacks the right +{right.group(1).decode()}.",
                "All rights that are needed: docs/redis-data.md.",
            )
        # May name a key: for those alone who look for a known sentence in it.
        self.line = line


def packed(*words: bytes) -> bytes:
    """Return one command as it travels."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


class Replies:
    """Reads replies off socket; buffer and at: what came and was not yet handed out, and from where on."""

    socket: Any
    buffer = b""
    at = 0

    def _more(self) -> bytes:
        try:
            block: bytes = self.socket.recv(BLOCK)
        except OSError as exc:
            raise RecoveryError(f"The connection to Redis broke: {exc}.") from exc
        if not block:
            raise RecoveryError("Redis closed the connection.")
        return block

    def lines(self, count: int) -> list[bytes]:
        """Return the next count replies that are one line each: numbers, statuses, errors, with their first byte."""
        parts = [self.buffer[self.at :]]
        seen = parts[0].count(b"\n")
        while seen < count:
            block = self._more()
            seen += block.count(b"\n")
            parts.append(block)
        found = b"".join(parts).split(b"\r\n", count)
        self.buffer, self.at = found.pop(), 0
        return found

    def _line(self) -> bytes:
        end = self.buffer.find(b"\r\n", self.at)
        while end < 0:
            self.buffer, self.at = self.buffer[self.at :] + self._more(), 0
            end = self.buffer.find(b"\r\n")
        line, self.at = self.buffer[self.at : end], end + 2
        return line

    def _exactly(self, size: int) -> bytes:
        """Return size bytes and drop the line end after them."""
        if len(self.buffer) - self.at < size + 2:
            parts = [self.buffer[self.at :]]
            got = len(parts[0])
            while got < size + 2:
                parts.append(self._more())
                got += len(parts[-1])
            self.buffer, self.at = b"".join(parts), 0
            del parts
        value, self.at = self.buffer[self.at : self.at + size], self.at + size + 2
        if self.at >= len(self.buffer):
            self.buffer, self.at = b"", 0
        return value

    def reply(self) -> Reply:
        """Return the next reply: bytes, None, int or a list of such; raise ReplyError for an error."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else self._exactly(int(rest))
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return None if rest == b"-1" else self.replies(int(rest))
        if kind == b"-":
            raise ReplyError(rest)
        return rest

    def replies(self, count: int) -> list[Reply]:
        """Return the next count replies, an error as a value.

        The usual reply, a short value that is already here, takes no call.
        """
        found: list[Reply] = []
        for _number in itertools.repeat(None, count):
            buffer, at = self.buffer, self.at
            end = buffer.find(b"\r\n", at)
            if end > 0 and buffer[at] == 36 and buffer[at + 1] != 45:  # "$", and no "-" after it
                begin = end + 2
                stop = begin + int(buffer[at + 1 : end])
                if stop + 2 <= len(buffer):
                    found.append(buffer[begin:stop])
                    self.at = stop + 2
                    continue
            try:
                found.append(self.reply())
            except ReplyError as exc:  # one of several answers, as EXEC gives them
                found.append(exc)
        return found

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a Redis thousands of questions at once: the client library spends ten times the server's time on each reply.

redis-py makes the connection, with its password, user, TLS and database; only whole batches are written and read here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .errors import RecoveryError
from .libraries import redis

BLOCK = 1 << 18
# A large value or a busy server takes its time; a transaction of a million keys takes more.
ANSWER_SECONDS, EXEC_SECONDS = 60, 600
# Two batches of questions about so many keys fit into a socket's buffer, so that the server never waits for us.
SCAN_COUNT = 500
Reply = Any


class ReplyError(RecoveryError):
    """The server refused a command; the message is its own, without any key or value."""

    def __init__(self, line: bytes) -> None:
        words = line.decode("utf-8", "replace").split(" ", 1)
        super().__init__(f"Redis refuses a command: {words[0]}.", "Look at its log.")
        self.code = words[0]


def packed(*words: bytes) -> bytes:
    """Return one command as it travels."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def per_key(name: bytes, keys: Iterable[bytes], *further: bytes) -> bytes:
    """Return one command for each key; further words stand after the key."""
    head = b"*%d\r\n$%d\r\n%b\r\n$" % (2 + len(further), len(name), name)
    tail = b"".join([b"\r\n$%d\r\n%b" % (len(word), word) for word in further]) + b"\r\n"
    return b"".join([b"%b%d\r\n%b%b" % (head, len(key), key, tail) for key in keys])


class Wire:
    """One connection to one database, asked and answered in turn; requests can be sent ahead of their replies."""

    def __init__(self, client: redis.Redis, database: int = 0) -> None:
        pool = client.connection_pool
        settings = {**pool.connection_kwargs, "db": database, "protocol": 2, "socket_timeout": ANSWER_SECONDS}
        self.connection = pool.connection_class(**settings)
        try:
            self.connection.connect()
        except redis.exceptions.RedisError as exc:
            raise RecoveryError(f"Redis accepts no further connection: {type(exc).__name__}.") from exc
        self.socket = self.connection._sock  # noqa: SLF001  # the library has no other door to a batch of raw replies
        self.buffer, self.at = b"", 0

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_about: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; what it had begun, the server forgets."""
        self.connection.disconnect()

    def send(self, *parts: bytes) -> None:
        """Send requests, which packed or per_key made."""
        try:
            for part in parts:
                self.socket.sendall(part)
        except OSError as exc:
            raise RecoveryError(f"The connection to Redis broke: {exc}.") from exc

    def ask(self, *words: bytes) -> Reply:
        """Send one command and return its reply; raise ReplyError when it is refused."""
        self.send(packed(*words))
        return self.reply()

    def execute(self) -> Reply:
        """Execute the transaction that was begun, however long it takes, and return its replies."""
        self.socket.settimeout(EXEC_SECONDS)
        return self.ask(b"EXEC")

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

    def values(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of string keys; None for what is absent or of another type."""
        return list(self.ask(b"MGET", *keys)) if keys else []

    def numbers(self, keys: Sequence[bytes]) -> list[int]:
        """Return the values of counters; 0 for what is none."""
        return [int(value) if value and value.isdigit() else 0 for value in self.values(keys)]

    def scan(self, pattern: bytes = b"") -> Iterator[list[bytes]]:
        """Yield all keys in batches; a key may come twice. The next batch is on its way while one is worked on.

        Nothing else may be asked of this connection meanwhile.
        """
        tail = (b"MATCH", pattern) if pattern else ()
        cursor = b"0"
        self.send(packed(b"SCAN", cursor, b"COUNT", b"%d" % SCAN_COUNT, *tail))
        while True:
            cursor, batch = self.reply()
            if cursor != b"0":
                self.send(packed(b"SCAN", cursor, b"COUNT", b"%d" % SCAN_COUNT, *tail))
            if batch:
                yield batch
            if cursor == b"0":
                return

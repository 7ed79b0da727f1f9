# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a Redis thousands of questions at once: the client library spends ten times the server's time on each reply.

redis-py makes the connection, with its password, user, TLS and database; only whole batches are written and read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..errors import RecoveryError
from ..libraries import redis
from .redis_replies import Replies, Reply, ReplyError, packed

__all__ = ["ReplyError", "Wire", "packed", "per_key"]

# A large value or a busy server takes its time; a transaction of a million keys takes more.
ANSWER_SECONDS, EXEC_SECONDS = 60, 600
# Two batches of questions about so many keys fit into a socket's buffer, so that the server never waits for us.
SCAN_COUNT = 500


def per_key(name: bytes, keys: Iterable[bytes], *further: bytes) -> bytes:
    """Return one command for each key; further words stand after the key."""
    head = b"*%d\r\n$%d\r\n%b\r\n$" % (2 + len(further), len(name), name)
    tail = b"".join([b"\r\n$%d\r\n%b" % (len(word), word) for word in further]) + b"\r\n"
    return b"".join([b"%b%d\r\n%b%b" % (head, len(key), key, tail) for key in keys])


class Wire(Replies):
    """One connection to one database, asked and answered in turn; requests can be sent ahead of their replies.

    database: None for the client's own.
    """

    def __init__(self, client: redis.Redis, database: int | None = None) -> None:
        pool = client.connection_pool
        settings = {**pool.connection_kwargs, "protocol": 2, "socket_timeout": ANSWER_SECONDS}
        if database is not None:
            settings["db"] = database
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

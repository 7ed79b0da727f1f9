# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As much of redis-py as this collection uses, on the standard library; for force_rollback on a target without it.

The methods return what redis-py's methods of the same names return. Any of them raises exceptions.RedisError:
ResponseError where the server refuses, ConnectionError or TimeoutError where it does not answer, AuthenticationError
for a wrong user or password.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from ..redis.redis_replies import Reply, ReplyError, packed
from . import plain_redis_errors as exceptions
from .plain_redis_link import Connection, Pool, as_bytes

__all__ = ["Redis", "backoff", "exceptions", "retry"]

OK = b"OK"
SETTINGS = (
    "host",
    "port",
    "username",
    "password",
    "ssl",
    "ssl_ca_certs",
    "ssl_check_hostname",
    "socket_timeout",
    "socket_connect_timeout",
    "db",
)

TRIED_AGAIN = (exceptions.ConnectionError, exceptions.TimeoutError)


class NoBackoff:
    """No pause between two tries."""


class Retry:
    """How many more tries there are, and after which errors."""

    def __init__(
        self, _backoff: NoBackoff, retries: int, supported_errors: tuple[type[Exception], ...] = TRIED_AGAIN
    ) -> None:
        self.retries, self.supported_errors = retries, supported_errors


# Where redis-py keeps them.
backoff, retry = SimpleNamespace(NoBackoff=NoBackoff), SimpleNamespace(Retry=Retry)


class Redis:
    """A client of one Redis; values come as bytes. Its options are those of redis-py that are used here.

    A server at unix_socket_path, else at host and port. retry: how often a broken connection is tried again.
    """

    def __init__(
        self, *, unix_socket_path: str = "", retry: Retry | None = None, protocol: int = 2, **settings: Any
    ) -> None:
        unknown = [name for name in settings if name not in SETTINGS]
        if unknown or protocol != 2:
            # Replies would come in another form than the caller expects.
            raise TypeError(f"needs redis-py: {', '.join(unknown) or 'RESP3'}")
        place = {"path": unix_socket_path} if unix_socket_path else {"host": "localhost", "port": 6379}
        self.connection_pool = Pool({"db": 0, **place, **settings})
        self.retry = retry or Retry(NoBackoff(), 1)

    def close(self) -> None:
        """Close the connections."""
        self.connection_pool.close()

    def command(self, *words: Any) -> Reply:
        """Return the reply to one command as it came."""
        return self._tried(lambda link: link.ask(*words))

    def _tried(self, what: Any) -> Any:
        left = self.retry.retries
        while True:
            try:
                with self.connection_pool.one() as link:
                    return what(link)
            except self.retry.supported_errors:
                # After a restart of the server all of them are dead.
                self.close()
                left -= 1
                if left < 0:
                    raise

    def ping(self) -> bool:
        """Say whether the server answers as it should."""
        return self.command("PING") == b"PONG"

    def info(self, section: str = "") -> dict[str, Any]:
        """Return INFO by name, numbers as such, ``a=1,b=2`` as a mapping."""
        return parse_info(self.command("INFO", *([section] if section else [])).decode("utf-8", "replace"))

    def config_get(self, pattern: str) -> dict[str, str]:
        """Return settings by name."""
        words = [item.decode("utf-8", "replace") for item in self.command("CONFIG", "GET", pattern)]
        return dict(zip(words[::2], words[1::2]))

    def config_set(self, name: str, value: str) -> bool:
        """Change a setting."""
        return bool(self.command("CONFIG", "SET", name, value) == OK)

    def get(self, key: str | bytes) -> bytes | None:
        """Return a string's value; None where there is none."""
        found: bytes | None = self.command("GET", key)
        return found

    def mget(self, keys: Iterable[str | bytes]) -> list[bytes | None]:
        """Return the values of strings, None for each that is none."""
        return list(self.command("MGET", *keys))

    def set(self, key: str | bytes, value: str | bytes, ex: int | None = None) -> bool:
        """Set a string; ex: for how many seconds."""
        return bool(self.command("SET", key, value, *(["EX", ex] if ex is not None else [])) == OK)

    def delete(self, *keys: str | bytes) -> int:
        """Delete keys; return how many there were."""
        return int(self.command("DEL", *keys))

    def dbsize(self) -> int:
        """Return the number of keys."""
        return int(self.command("DBSIZE"))

    def save(self) -> bool:
        """Let the server write its data to its file, and wait for it."""
        return bool(self.command("SAVE") == OK)

    def scan(
        self, cursor: int = 0, match: str | bytes | None = None, count: int | None = None
    ) -> tuple[int, list[bytes]]:
        """Return (the next cursor, 0 at the end; some keys)."""
        words = [*(["MATCH", match] if match is not None else []), *(["COUNT", count] if count is not None else [])]
        after, keys = self.command("SCAN", cursor, *words)
        return int(after), keys

    def scan_iter(self, match: str | bytes | None = None, count: int | None = None) -> Iterator[bytes]:
        """Yield all keys; one may come twice."""
        cursor = -1
        while cursor != 0:
            cursor, keys = self.scan(max(cursor, 0), match=match, count=count)
            yield from keys

    def pipeline(self, transaction: bool = False) -> Pipeline:
        """Return commands that are sent together; transactions are made by redis_wire.Wire."""
        if transaction:
            raise exceptions.RedisError("a transaction needs redis-py, or redis_wire.Wire")
        return Pipeline(self)


class Pipeline:
    """Commands that are sent together."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.words: list[tuple[bytes, ...]] = []

    def get(self, key: str | bytes) -> Pipeline:
        """Ask for a string's value."""
        self.words.append((b"GET", as_bytes(key)))
        return self

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send them and return their replies; a refusal is raised, or with raise_on_error False stands among them."""
        sent, self.words = self.words, []

        def send(link: Connection) -> list[Any]:
            link.write(b"".join(packed(*words) for words in sent))
            return link.replies(len(sent))

        replies = self.client._tried(send) if sent else []  # noqa: SLF001  # two parts of one client
        found = [exceptions.refusal(item.line) if isinstance(item, ReplyError) else item for item in replies]
        # A server that does not let us in, or still loads, has answered nothing.
        raised = exceptions.RedisError if raise_on_error else exceptions.ConnectionError
        wrong = next((item for item in found if isinstance(item, raised)), None)
        if wrong is not None:
            raise wrong
        return found


def parse_info(text: str) -> dict[str, Any]:
    """Return what INFO says by name. Pure."""
    lines = [line for line in text.splitlines() if ":" in line and not line.startswith("#")]
    pairs = [line.split(":", 1) for line in lines if not line.startswith("module:")]
    return {name: _value(value) for name, value in pairs}


def _value(text: str) -> Any:
    """Return a number, a list where commas part it, a mapping where equal signs do, or the text itself."""
    if "=" in text:
        parts = [part.rpartition("=") for part in text.split(",") if part]
        return {name if sign else value: _value(value) if sign else True for name, sign, value in parts}
    if "," in text:
        return [_value(part) for part in text.split(",") if part]
    with contextlib.suppress(ValueError):
        return float(text) if "." in text else int(text)
    return text

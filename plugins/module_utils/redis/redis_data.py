# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Redis as the collection needs it, through redis-py: is it there, and what does it hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.container import Container
from ..engine.endpoints import REDIS_PORT, redis_port
from ..errors import RecoveryError
from ..libraries import need, redis
from .redis_keys import Tally, by_family, exactly
from .redis_keyspace import keyspace
from .redis_wire import Wire

# The password was right; the server refuses for another reason.
LET_IN_AND_REFUSES = ("MISCONF", "MASTERDOWN", "BUSY", "READONLY")

# Removed where it is to be known whether a write would be taken; it is never there.
NOTHING = "kong_masking.recovery:check:nothing"

# Seconds for one answer. What takes a server longer, whole batches and transactions, is asked over a Wire.
PATIENCE = 3.0


class RedisUnavailable(RecoveryError):
    """Redis does not answer, is loading, or does not accept the password; never taken for an empty one.

    details: password (whether it is the password), loading (whether it will answer once its data are loaded), closed
    (whether it ended the connection; one that hangs does not even that), unsaved (whether a save of its data failed).
    """


class RedisForbidden(RecoveryError):
    """Redis lets us in and refuses a command: a right is missing, or the command is renamed."""

    def __init__(self, where: str, user: str, command: str, right: str, denied: bool) -> None:
        who = user or "default"
        reason = f"the user {who} lacks the right {right}" if denied else "it is renamed or cannot be had now"
        super().__init__(
            f"{where} refuses {command}: {reason}.",
            f"Give it the right: ACL SETUSER {who} {right} (all that are needed: docs/redis-data.md)."
            if denied
            else f"Let {command} have its name; what needs it: docs/redis-data.md.",
        )


@dataclass(frozen=True)
class Access:
    """How a Redis is spoken to: user of its access lists, TLS, and the file of authorities (empty: the system's).

    port: where it listens in its container unless its command names another; named: whether its certificate must name
    the host that is asked. A container is asked by an address that no certificate names; the engine says whose it is.
    database: the one that the mappings are in.
    """

    user: str = ""
    tls: bool = False
    authorities: str = ""
    port: int = REDIS_PORT
    named: bool = True
    database: int = 0

    def options(self, password: str) -> dict[str, Any]:
        """Return them as redis-py takes them."""
        found: dict[str, Any] = {"password": password or None}
        if self.database:
            found["db"] = self.database
        if self.user and password:
            found["username"] = self.user
        if self.tls:
            found.update(ssl=True, ssl_ca_certs=self.authorities or None)
            if not self.named:
                found["ssl_check_hostname"] = False
        return found

    def words_inside(self, container: Container, password: str) -> list[str]:
        """Return how redis-cli asks a server inside its own container; the password belongs into REDISCLI_AUTH.

        The authorities lie on the host, and nobody stands between the two.
        """
        words = ["redis-cli", "-p", str(redis_port(container, self.port, self.tls))]
        words += ["--tls", "--insecure"] if self.tls else []
        return words + (["--user", self.user] if self.user and password else [])


class RedisData:
    """One Redis server; passwords are tried in turn, and none of them is ever shown."""

    def __init__(
        self, place: tuple[str, int], passwords: Sequence[str], timeout: float = PATIENCE, access: Access | None = None
    ) -> None:
        need("redis")
        self.place = place
        self.access = access or Access()
        where = self._where()
        problem = ""
        for password in passwords or [""]:
            client = redis.Redis(
                host=place[0],
                port=place[1],
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                protocol=2,
                # An idle connection that was closed is opened anew at once; a server that hangs is not asked twice. By
                # itself the library tries either, and a refused password, ten times.
                retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1, (redis.exceptions.ConnectionError,)),
                **self.access.options(password),
            )
            try:
                client.ping()
            except redis.exceptions.AuthenticationError:
                problem = "does not accept the password"
                continue
            except redis.exceptions.ResponseError as exc:
                word = str(exc).split(" ", maxsplit=1)[0]
                problem = f"answers PING with {word}"
                if word in LET_IN_AND_REFUSES:
                    break
                continue
            except redis.exceptions.RedisError as exc:
                loading = isinstance(exc, redis.exceptions.BusyLoadingError)
                closed = not loading and not isinstance(exc, redis.exceptions.TimeoutError)
                raise RedisUnavailable(
                    f"{where} does not answer PING: {type(exc).__name__}.", loading=loading, closed=closed
                ) from exc
            self.client, self.password = client, password
            return
        if problem.endswith(LET_IN_AND_REFUSES):
            hint, unsaved = "Look at its log: a save or its master failed.", problem.endswith("MISCONF")
            raise RedisUnavailable(f"{where} {problem}.", hint, unsaved=unsaved)
        raise RedisUnavailable(
            f"{where} {problem}.",
            "Compare REDIS_PASSWORD of the container and of the environment file, or give stack_redis_password.",
            password=True,
        )

    def _where(self) -> str:
        return f"Redis at {self.place[0]}:{self.place[1]}"

    def _forbidden(self, command: str, right: str, error: Exception) -> RedisForbidden:
        denied = isinstance(error, redis.exceptions.NoPermissionError)
        return RedisForbidden(self._where(), self.access.user, command, right, denied)

    def info(self) -> dict[str, Any]:
        """Return INFO as redis-py parses it; raise RedisForbidden where it is refused."""
        try:
            return dict(self.client.info())
        except redis.exceptions.ResponseError as exc:
            raise self._forbidden("INFO", "+info", exc) from exc

    def writable(self) -> bool:
        """Say whether Redis takes writes: neither loading, nor a read-only replica, nor stopped by a failed save."""
        try:
            about = self.info()
        except RedisForbidden:
            return self._takes_a_write()
        stuck = about.get("rdb_last_bgsave_status") != "ok" and bool(
            self._setting("stop-writes-on-bgsave-error", "yes") == "yes"
        )
        saves = bool(self._setting("save", ""))
        replica = about.get("role") == "slave"
        return not about.get("loading") and not replica and not (stuck and saves)

    def _takes_a_write(self) -> bool:
        """Remove a key that is not there: this changes nothing, and is refused as any write would be."""
        try:
            self.client.delete(NOTHING)
        except redis.exceptions.NoPermissionError as exc:
            raise self._forbidden("DEL", f"+del ~{NOTHING}", exc) from exc
        except redis.exceptions.ResponseError:
            return False
        return True

    def _setting(self, name: str, default: str) -> str:
        """Return a CONFIG value, or the default where CONFIG is renamed or not allowed."""
        try:
            return str(self.client.config_get(name).get(name, default))
        except redis.exceptions.ResponseError:
            return default

    def facts(self, prefixes: Iterable[str]) -> dict[str, Any]:
        """Return what the manifest records: keys, keys per family, mappings, alias counters, AOF, memory, version."""
        about = self.info()
        families: dict[str, Tally] = {}
        counters: dict[str, int] = {}
        with Wire(self.client) as walking, Wire(self.client) as asking:
            for prefix in (prefix.encode() for prefix in prefixes):
                for batch in walking.scan(exactly(prefix) + b"*"):
                    for name, keys in by_family(batch, prefix).items():
                        families.setdefault(name, Tally()).add(keys)
                        if name.endswith("cnt"):
                            shown = (key.decode("utf-8", "backslashreplace") for key in keys)
                            counters.update(zip(shown, asking.numbers(keys)))
        counts = {name: len(tally) for name, tally in sorted(families.items())}
        return {
            "version": about.get("redis_version", ""),
            "keys": sum(keyspace(about).values()),
            "families": counts,
            "mappings": sum(count for name, count in counts.items() if name.endswith("map")),
            "counters": dict(sorted(counters.items())),
            "aof": bool(about.get("aof_enabled")),
            "memory_bytes": int(about.get("used_memory", 0)),
        }

    def prompt_stream(self) -> dict[str, str]:
        """Let a replication stream begin at once and without a file on the disk; return the settings from before.

        Waiting for more replicas costs 5 s by default, and a save to disk that fails makes the server refuse writes.
        """
        wanted = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}
        before = {name: self._setting(name, "") for name in wanted}
        self._configure({name: value for name, value in wanted.items() if before[name] not in ("", value)})
        return {name: value for name, value in before.items() if value and value != wanted[name]}

    def restore_settings(self, before: dict[str, str]) -> None:
        """Set back what prompt_stream changed."""
        self._configure(before)

    def _configure(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            try:
                self.client.config_set(name, value)
            except redis.exceptions.ResponseError:
                return

    def text(self, key: str) -> str:
        """Return a string key's value; empty when there is none."""
        value = self.client.get(key)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""

    def round_trip(self, key: str, value: str, seconds: int) -> bool:
        """Write, read and delete a key of our own; it expires by itself should we be killed in between."""
        try:
            self.client.set(key, value, ex=seconds)
            same = self.client.get(key) == value.encode()
            self.client.delete(key)
        except redis.exceptions.RedisError as exc:
            raise RedisUnavailable(f"Redis refuses a write: {str(exc).split(' ', maxsplit=1)[0]}.") from exc
        return same

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Redis as the collection needs it, through redis-py: is it there, and what does it hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .errors import RecoveryError
from .libraries import need, redis

SCAN_COUNT = 5000
# The password was right; the server refuses for another reason.
LET_IN_AND_REFUSES = ("MISCONF", "MASTERDOWN", "BUSY", "READONLY")


class RedisUnavailable(RecoveryError):
    """Redis does not answer, is loading, or does not accept the password; never taken for an empty one."""


class RedisData:
    """One Redis server; passwords are tried in turn, and none of them is ever shown."""

    def __init__(self, place: tuple[str, int], passwords: Sequence[str], timeout: float = 5.0) -> None:
        need("redis")
        self.place = place
        where = f"Redis at {place[0]}:{place[1]}"
        problem = ""
        for password in passwords or [""]:
            client = redis.Redis(
                host=place[0],
                port=place[1],
                password=password or None,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                # An idle connection that was closed is opened anew; one that hangs is not waited for four times.
                retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1),
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
                raise RedisUnavailable(f"{where} does not answer PING: {type(exc).__name__}.") from exc
            self.client, self.password = client, password
            return
        if problem.endswith(LET_IN_AND_REFUSES):
            raise RedisUnavailable(f"{where} {problem}.", "Look at its log: a save or its master failed.")
        raise RedisUnavailable(
            f"{where} {problem}.", "Compare REDIS_PASSWORD of the container and of the environment file."
        )

    def info(self) -> dict[str, Any]:
        """Return INFO as redis-py parses it."""
        return dict(self.client.info())

    def writable(self) -> bool:
        """Say whether Redis takes writes: neither loading, nor a read-only replica, nor stopped by a failed save."""
        about = self.info()
        stuck = about.get("rdb_last_bgsave_status") != "ok" and bool(
            self._setting("stop-writes-on-bgsave-error", "yes") == "yes"
        )
        saves = bool(self._setting("save", ""))
        replica = about.get("role") == "slave"
        return not about.get("loading") and not replica and not (stuck and saves)

    def _setting(self, name: str, default: str) -> str:
        """Return a CONFIG value, or the default where CONFIG is renamed or not allowed."""
        try:
            return str(self.client.config_get(name).get(name, default))
        except redis.exceptions.ResponseError:
            return default

    def facts(self, prefixes: Iterable[str]) -> dict[str, Any]:
        """Return what the manifest records: keys, keys per family, mappings, alias counters, AOF, memory, version."""
        about = self.info()
        families: dict[str, int] = {}
        counters: dict[str, int] = {}
        for prefix in prefixes:
            for raw in self.client.scan_iter(match=f"{prefix}*", count=SCAN_COUNT):
                key = raw.decode("utf-8", "backslashreplace")
                family = prefix + key[len(prefix) :].split(":", 1)[0]
                families[family] = families.get(family, 0) + 1
                if family.endswith("cnt"):
                    value = self.client.get(raw)
                    counters[key] = int(value) if value and value.isdigit() else 0
        return {
            "version": about.get("redis_version", ""),
            "keys": sum(
                item["keys"] for name, item in about.items() if name.startswith("db") and isinstance(item, dict)
            ),
            "families": dict(sorted(families.items())),
            "mappings": sum(count for name, count in families.items() if name.endswith("map")),
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

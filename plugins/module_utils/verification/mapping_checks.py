# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of Redis: it answers with its password, takes writes, keeps its data, and its mappings make sense."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..checks import ADVISORY, NotMeasured, Question, in_a_row
from ..engine import endpoints
from ..engine.container import Container
from ..libraries import redis
from ..live import live_state
from ..redis.redis_data import RedisData, RedisForbidden
from ..redis.redis_families import CNT, MAP, REV, family, original_of
from ..redis.redis_keys import exactly
from ..runner import Runner
from ..stack_args import StackArgs

OWN_KEY = "kong_masking.recovery:check:"
OWN_KEY_SECONDS = 60
SCAN_COUNT, SCAN_SECONDS = 2000, 1.5
FULL = 0.9
_ALIAS = re.compile(rb"^(?P<kind>.+)_(?P<number>\d+)$")
# Which counter numbers which aliases, as recorded from the plugin; a counter of these that is missing is a fault.
COUNTERS = {
    b"AWS_EC2": b"ec2",
    b"AWS_VPC": b"vpc",
    b"AWS_SUBNET": b"vpc",
    b"AWS_SECURITY_GROUP": b"vpc",
    b"AWS_S3_BUCKET": b"s3",
    b"AWS_S3_LOGS_BUCKET": b"s3",
    b"AWS_PUBLIC_IP": b"ip",
}


class MappingChecks:
    """The checks of one Redis; write: whether a key of our own may be written.

    container: the one that it runs in; None where it has none, or is not the project's.
    """

    def __init__(self, stack: StackArgs, runner: Runner, containers: Mapping[str, Container], write: bool) -> None:
        self.stack, self.runner, self.containers, self.write = stack, runner, containers, write
        self.container = None if stack.redis_host else containers.get(stack.redis_service)
        self.env = live_state.environment(stack, runner)
        self.prefixes = [prefix.encode() for prefix in stack.mapping_prefixes]

    def questions(self) -> list[Question]:
        """Return the questions; each stands after those that it needs."""
        there = () if self.stack.redis_host else (f"container_{self.stack.redis_service}",)
        up = (*there, "redis")
        return [
            Question("redis", "PONG with its password, three times, and not loading", self._answers, needs=there),
            Question("redis_role", "role master", self._with(_role), needs=up),
            Question(
                "redis_write", "a key of our own written, read and deleted", self._written, needs=(*up, "redis_role")
            ),
            Question("redis_persistence", "the last save and append succeeded", self._with(_persistence), ADVISORY, up),
            Question("redis_memory", "below nine tenths of its limit, nothing evicted", self._memory, ADVISORY, up),
            Question("redis_mappings", "every alias leads back to its original", self._pairs, needs=up),
            Question("redis_counters", "no counter below the highest alias given out", self._counters, needs=up),
        ]

    def _client(self) -> RedisData:
        return live_state.redis_client(self.stack, self.containers, self.env)

    def _with(self, judge: Callable[[Mapping[str, Any]], tuple[bool, str]]) -> Callable[[], tuple[bool, str]]:
        def ask() -> tuple[bool, str]:
            client = self._client()
            try:
                return judge(client.info())
            except RedisForbidden as exc:
                raise NotMeasured(exc.msg) from exc
            finally:
                client.close()

        return ask

    def _answers(self) -> tuple[bool, str]:
        client = self._client()
        try:
            configured = any(endpoints.redis_passwords(self.container, self.env)) if self.container else False
            if configured and not client.password:
                return False, "it lets anybody in without a password, although one is configured"
            return in_a_row(lambda: _loaded(client))
        finally:
            client.close()

    def _written(self) -> tuple[bool, str]:
        client = self._client()
        try:
            if not client.writable():
                return False, "it takes no writes: the last save failed (MISCONF)"
            if not self.write:
                raise NotMeasured("nothing is written in check mode")
            key, value = OWN_KEY + secrets.token_hex(8), secrets.token_hex(8)
            good = client.round_trip(key, value, OWN_KEY_SECONDS)
            return good, "written, read, deleted" if good else "what was written could not be read back"
        finally:
            client.close()

    def _memory(self) -> tuple[bool, str]:
        limit = int(self.container.settings.get("memory") or 0) if self.container else 0
        return self._with(lambda about: judge_memory(about, limit))()

    def _pairs(self) -> tuple[bool, str]:
        client = self._client()
        wrong: list[str] = []
        seen = 0
        try:
            for prefix, keys in self._batches(client, REV):
                aliases = _values(client, keys)
                targets = _values(client, [prefix + MAP + (alias or b"") for alias in aliases])
                seen += len(keys)
                for key, alias, original in zip(keys, aliases, targets):
                    wanted = original_of(family(key, self.prefixes, REV) or b"")
                    if alias and original is not None and original != wanted:
                        wrong.append(alias.decode("utf-8", "replace"))
            if wrong:
                return False, f"{len(wrong)} of {seen} lead to another resource: {', '.join(sorted(wrong)[:5])}"
            return True, f"{seen} pairs agree{self._share(client)}"
        finally:
            client.close()

    def _counters(self) -> tuple[bool, str]:
        client = self._client()
        highest: dict[tuple[bytes, bytes], int] = {}
        try:
            for prefix, keys in self._batches(client, MAP):
                for key in keys:
                    match = _ALIAS.match(key[len(prefix) + len(MAP) :])
                    if match:
                        counter = (prefix, match["kind"])
                        highest[counter] = max(highest.get(counter, 0), int(match["number"]))
            # Read last: counters only grow, so traffic meanwhile makes no false alarm.
            counters = {
                key: _number(client.client.get(key))
                for prefix in self.prefixes
                for key in client.client.scan_iter(match=exactly(prefix) + CNT + b"*", count=SCAN_COUNT)
            }
            low = rewound(highest, counters)
            return not low, "; ".join(low) or f"{len(counters)} counters{self._share(client)}"
        finally:
            client.close()

    def _batches(self, client: RedisData, kind: bytes) -> Iterable[tuple[bytes, list[bytes]]]:
        """Yield (prefix, keys) of one family until all are seen or the time is over; a data set may hold millions."""
        end = self.runner.clock() + SCAN_SECONDS
        for prefix in self.prefixes:
            cursor = -1
            while cursor != 0 and self.runner.clock() < end:
                cursor, keys = client.client.scan(max(cursor, 0), match=exactly(prefix) + kind + b"*", count=SCAN_COUNT)
                if keys:
                    yield prefix, [key for key in keys if isinstance(key, bytes)]
        self.complete = self.runner.clock() < end

    complete = True

    def _share(self, client: RedisData) -> str:
        return "" if self.complete else f" (looked at for {SCAN_SECONDS} s of {client.client.dbsize()} keys)"


def _values(client: RedisData, keys: list[bytes]) -> list[bytes | None]:
    return [value if isinstance(value, bytes) else None for value in client.client.mget(keys)]


def _number(value: Any) -> int:
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _loaded(client: RedisData) -> tuple[bool, str]:
    try:
        client.client.ping()
        loading = bool(client.info().get("loading"))
    except RedisForbidden:
        # One that loads refuses PING too.
        loading = False
    except redis.exceptions.RedisError as exc:
        return False, f"PING gives {type(exc).__name__}"
    return not loading, "loading its data" if loading else "PONG"


def rewound(highest: Mapping[tuple[bytes, bytes], int], counters: Mapping[bytes, int]) -> list[str]:
    """Return the kinds of alias whose counter stands below the highest number given out, or is missing."""
    found = []
    for (prefix, kind), number in sorted(highest.items()):
        name = COUNTERS.get(kind) or kind.rpartition(b"_")[2].lower()
        key = prefix + CNT + name
        shown = key.decode("utf-8", "replace")
        if key in counters and counters[key] < number:
            found.append(f"{shown} is {counters[key]}, and {kind.decode()}_{number:03d} is given out")
        elif key not in counters and kind in COUNTERS and number:
            found.append(f"{shown} is missing, and {kind.decode()}_{number:03d} is given out")
    return found


def _role(about: Mapping[str, Any]) -> tuple[bool, str]:
    role = "replica (read-only)" if about.get("role") == "slave" else str(about.get("role"))
    return role == "master", f"role {role}"


def _persistence(about: Mapping[str, Any]) -> tuple[bool, str]:
    wrong = [
        name
        for name in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")
        if about.get(name, "ok") != "ok"
    ]
    kept = "append-only file" if about.get("aof_enabled") else "snapshots"
    return not wrong, f"{kept}; failed: {', '.join(wrong)}" if wrong else kept


def judge_memory(about: Mapping[str, Any], container_limit: int) -> tuple[bool, str]:
    """Judge memory against the nearer of Redis' own limit and its container's; an evicted mapping is a lost one."""
    used, own = int(about.get("used_memory", 0)), int(about.get("maxmemory", 0))
    limit = min(value for value in (own, container_limit) if value) if own or container_limit else 0
    evicted = int(about.get("evicted_keys", 0))
    if evicted:
        return False, f"{evicted} keys were evicted (policy {about.get('maxmemory_policy')}): mappings were lost"
    shown = f"{used >> 20} MiB" + (f" of {limit >> 20} MiB" if limit else ", no limit")
    return not limit or used < FULL * limit, shown

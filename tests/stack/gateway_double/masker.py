"""The masking plugin's dealings with Redis, its failures included.

Healthy, it gives each identifier a numbered alias and keeps the pair for a day. When Redis is lost while it is warm, it
goes on: every identifier of a type becomes ``…_000`` and nothing is stored. When Redis is unreachable (or the password
wrong) as it starts, it refuses every request, and goes on refusing for a while after Redis is there.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from . import patterns
from .settings import Settings

PREFIX = "aws_masker:"
PROBE_SECONDS = 0.2
LOST = (RedisError, OSError, TimeoutError)


class MaskerError(Exception):
    """The plugin throws: the client gets a 500."""


@dataclass(frozen=True)
class Masked:
    """A body as it may go out, and what to put back into the reply."""

    text: str
    originals: Mapping[str, str]

    def unmask(self, text: str) -> str:
        """The reply with the client's own identifiers; two that shared ``…_000`` come back as the later one."""
        for alias in sorted(self.originals, key=len, reverse=True):
            text = text.replace(alias, self.originals[alias])
        return text


class Masker:
    """One worker's masker for one set of Redis settings."""

    def __init__(self, config: Mapping[str, Any], settings: Settings) -> None:
        self._settings = settings
        host, port, password = endpoint(config, settings)
        self._step = settings.redis_timeout / 2
        self._redis = Redis(
            host=host,
            port=port,
            password=password,
            db=config.get("redis_database") or 0,
            decode_responses=True,
            socket_timeout=self._step,
            socket_connect_timeout=self._step,
            # An idle connection that Redis closed meanwhile is no loss: a second try opens a new one.
            retry=Retry(NoBackoff(), 1),
        )
        self._warm = False
        self._first_try = asyncio.Event()
        self._starter = asyncio.create_task(self._start())

    async def _start(self) -> None:
        """Connect; after a failure, wait until Redis is there and then some more."""
        self._warm = await self._reachable()
        self._first_try.set()
        if self._warm:
            return
        while not await self._reachable():
            await asyncio.sleep(PROBE_SECONDS)
        await asyncio.sleep(self._settings.redis_recovery_seconds)
        self._warm = True

    async def _reachable(self) -> bool:
        try:
            await self._redis.ping()
        except LOST:
            return False
        return True

    async def close(self) -> None:
        """Let go of Redis, because the settings changed or the worker ends."""
        self._starter.cancel()
        await self._redis.close()

    async def mask(self, text: str, config: Mapping[str, Any]) -> Masked:
        """Mask one body; raises while the masker is cold."""
        await self._first_try.wait()
        if not self._warm:
            raise MaskerError
        found = patterns.find(text, config)
        counters = {pattern.counter for pattern, _unused in found}
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._step):
                aliases = await self._aliases(found, int(config.get("mapping_ttl") or 86400))
        except LOST as exc:
            if _unreachable(exc):
                await self._wait_as_recorded(started, len(counters))
            aliases = [f"{pattern.alias}_000" for pattern, _unused in found]
        originals: dict[str, str] = {}
        latest: dict[str, str] = {}
        for (_unused, original), alias in zip(found, aliases, strict=True):
            if not patterns.goes_out_unmasked(original):
                originals[alias] = original
                latest[original] = alias
        for original, alias in latest.items():
            text = text.replace(original, alias)
        return Masked(text, originals)

    async def _wait_as_recorded(self, started: float, counters: int) -> None:
        """Half the time-out without identifiers, all of it for one type, half as much again for more."""
        steps = min(counters, 2) + 1
        await asyncio.sleep(max(0.0, started + steps * self._step - time.monotonic()))

    async def _aliases(self, found: list[tuple[patterns.Pattern, str]], ttl: int) -> list[str]:
        """Known aliases are looked up before any new one is stored, so one name can get two of them at once."""
        if not found:
            await self._redis.ping()
            return []
        keys = [f"{PREFIX}rev:{base64.b64encode(original.encode()).decode()}" for _unused, original in found]
        known = [await self._redis.get(key) for key in keys]
        aliases: list[str] = []
        for (pattern, original), key, old in zip(found, keys, known, strict=True):
            alias = old
            if alias is None:
                number = await self._redis.incr(f"{PREFIX}cnt:{pattern.counter}")
                alias = f"{pattern.alias}_{number:03d}"
                await self._redis.setex(f"{PREFIX}map:{alias}", ttl, original)
                await self._redis.setex(key, ttl, alias)
            aliases.append(str(alias))
        return aliases


def endpoint(config: Mapping[str, Any], settings: Settings) -> tuple[str, int, str | None]:
    """Where Redis is: the plugin's own fields where they say something, else the environment."""
    host = config.get("redis_host") or "localhost"
    port = config.get("redis_port") or 6379
    if host == "localhost" and settings.redis_host:
        host, port = settings.redis_host, settings.redis_port if port == 6379 else port
    return host, int(port), config.get("redis_password") or settings.redis_password


def _unreachable(exc: BaseException) -> bool:
    """Lost, not merely unwilling (a refused write is answered at once)."""
    return isinstance(exc, OSError | TimeoutError) or type(exc).__name__ in ("ConnectionError", "TimeoutError")

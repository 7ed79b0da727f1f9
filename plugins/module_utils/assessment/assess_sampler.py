# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take the readings that assessment.py judges: requests, usage and restarts over a window, logs and data at its end."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..data import mapping_sample
from ..engine.container import Container, is_job
from ..engine.docker_stack import DockerStack
from ..engine.engine_readings import cpu_share, killed_for_memory, log_since, memory_share, usage
from ..errors import RecoveryError
from ..gateway import web
from ..libraries import need, requests
from ..live import live_state
from ..redact import carried_secrets, scrub, secret_values
from ..runner import Runner
from ..stack_args import StackArgs
from .access_log import requests_in, unavailable_seconds, warnings_in

BASELINE = ".recovery/baseline.json"
# Longer than a proxy usually waits for Kong, so that its own 504 is seen.
ANSWER_SECONDS = 8.0
LONGEST_LINE = 160
_CORRUPT = re.compile(
    r"Bad file format|Wrong signature|Short read|Internal error in RDB|Fatal error loading|crc mismatch", re.IGNORECASE
)


class Sampler:
    """The readings of one assessment; now gives the time of day in seconds since the epoch."""

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, now: Callable[[], float] = time.time
    ) -> None:
        need("requests")
        self.stack, self.engine, self.runner, self.now = stack, engine, runner, now
        self.session = web.session(stack.probe_host)
        self.secrets: list[str] = []

    def take(
        self, window: float, interval: float, lookback: float, checks: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return the readings of a window in seconds; lookback: how far into the past logs are read."""
        began = self.now()
        before = self.engine.containers()
        asked, shares = self._watch(before, window, interval)
        after = self.engine.containers()
        environment = live_state.environment(self.stack, self.runner)
        self.secrets = carried_secrets(after.values())
        self.secrets += secret_values(environment)
        since = began - lookback
        return {
            "window": window,
            "requests": asked,
            "access": self._access(after, since),
            "containers": self._containers(before, after, since),
            "usage": shares,
            "redis": self._redis(after, environment),
            "checks": list(checks),
            "baseline": self.baseline(),
            "logs": self._logs(after, since),
        }

    def _watch(
        self, containers: Mapping[str, Container], window: float, interval: float
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, list[float]]]]:
        """Send a request every interval seconds until the window is over, and read the usage beside."""
        asked: list[dict[str, Any]] = []
        running = {name: item for name, item in containers.items() if item.running and window}
        over = threading.Event()
        began = self.runner.clock()
        # The engine takes about a second for a reading: one thread a container, so that requests keep their pace.
        with ThreadPoolExecutor(max_workers=max(1, len(running))) as pool:
            jobs = {name: pool.submit(self._use, item, over) for name, item in running.items()}
            try:
                while self.runner.clock() - began < window:
                    tick = self.runner.clock()
                    asked.append({"at": round(tick - began, 3), **self._ask(containers)})
                    self.runner.sleep(max(0.0, interval - (self.runner.clock() - tick)))
            finally:
                over.set()
        return asked, {name: shares for name, job in jobs.items() for shares in [job.result()] if shares}

    def _ask(self, containers: Mapping[str, Container]) -> dict[str, Any]:
        """Send one request through the proxy; what the provider behind Kong took or broke is not the stack's."""
        nothing = {"status": 0, "ms": None, "provider": False}
        url = self._front(containers)
        if not url:
            return nothing
        began = self.runner.clock()
        try:
            answer = self.session.get(url + self.stack.probe_path, timeout=ANSWER_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return nothing
        spent = (self.runner.clock() - began) * 1000
        upstream = answer.headers.get("X-Kong-Upstream-Latency", "")
        spent = max(0.0, spent - (float(upstream) if upstream.isdigit() else 0.0))
        provider = bool(upstream) and answer.status_code >= 500
        return {"status": answer.status_code, "ms": round(spent, 1), "provider": provider}

    def _front(self, containers: Mapping[str, Container]) -> str:
        """Return where clients ask: the proxy, or Kong where the stack has none; empty where nothing accepts them."""
        front = containers.get(self.stack.proxy_service or self.stack.kong_service)
        if front is None:
            return ""
        return web.front_url(front, self.stack.proxy_port) if self.stack.proxy_service else web.kong_url(front)

    def _use(self, container: Container, over: threading.Event) -> dict[str, list[float]]:
        """Return the shares of memory and processor that a container used, reading by reading, until it is over."""
        shares: dict[str, list[float]] = {}
        limit = float(container.settings.get("cpus") or 0.0)
        last: dict[str, Any] = {}
        while not over.is_set():
            reading = usage(self.engine, container)
            if not reading:
                break
            found = {"memory": memory_share(reading), "cpu": cpu_share(last, reading, limit)}
            last = reading
            for kind, share in found.items():
                if share is not None:
                    shares.setdefault(kind, []).append(round(share, 4))
            over.wait(1.0)
        return shares

    def _containers(
        self, before: Mapping[str, Container], after: Mapping[str, Container], since: float
    ) -> list[dict[str, Any]]:
        killed = killed_for_memory(self.engine, since, self.now())
        rows = []
        for name, item in after.items():
            # A flag of long ago stays on a container that has run well since.
            recent = item.oom_killed and (not item.running or item.started >= since)
            earlier = before.get(name)
            same = earlier is not None and earlier.id == item.id
            rows.append(
                {
                    "service": name,
                    "core": name in self.stack.core,
                    "trouble": "" if is_job(item, self.stack.core) else item.trouble,
                    "oom_killed": recent or item.name in killed,
                    "restarts": item.restarts - earlier.restarts if same and earlier else 0,
                }
            )
        return rows

    def _access(self, containers: Mapping[str, Container], since: float) -> dict[str, Any]:
        """Return what the proxy's log says about requests, its health page's left out."""
        now = self.now()
        empty = {
            "problem": "",
            "requests": 0,
            "errors": 0,
            "seconds": round(now - since, 1),
            "unavailable_seconds": 0.0,
        }
        proxy = containers.get(self.stack.proxy_service)
        try:
            if not self.stack.proxy_service:
                raise RecoveryError("the stack has no proxy whose log tells of requests")
            if proxy is None:
                raise RecoveryError(f"{self.stack.proxy_service} has no container")
            found = requests_in(log_since(self.engine, proxy, since), {self.stack.health_path})
        except RecoveryError as exc:
            return {**empty, "problem": exc.msg}
        if not found:
            return {**empty, "problem": f"the log of {proxy.name} shows no request"}
        errors = sum(item.failed for item in found)
        return {
            **empty,
            "requests": sum(item.answered for item in found),
            "errors": errors,
            "unavailable_seconds": unavailable_seconds(found, now),
        }

    def _logs(self, containers: Mapping[str, Container], since: float) -> dict[str, Any]:
        """Return how many lines of the core services' logs warn, and the worst of them without secrets."""
        count, worst = 0, ""
        seconds = round(self.now() - since, 1)
        for name in self.stack.core:
            if name not in containers:
                continue
            try:
                number, line = warnings_in(log_since(self.engine, containers[name], since))
            except RecoveryError as exc:
                return {"problem": exc.msg, "warnings": 0, "worst": "", "seconds": seconds}
            count += number
            worst = f"{name}: {scrub(line, self.secrets)[:LONGEST_LINE]}" if line else worst
        return {"problem": "", "warnings": count, "worst": worst, "seconds": seconds}

    def _redis(self, containers: Mapping[str, Container], environment: dict[str, str]) -> dict[str, Any]:
        """Return what a sample of the mappings shows, or why Redis cannot be asked: its own files may be to blame."""
        nothing = {"problem": "", "corrupt": "", "sampled": 0, "disagreements": 0, "counters_behind": 0}
        try:
            client = live_state.redis_client(self.stack, containers, environment)
        except RecoveryError as exc:
            return {**nothing, "problem": scrub(exc.msg, self.secrets), "corrupt": self._unreadable(containers)}
        try:
            return {**nothing, **mapping_sample.sample(client, self.stack.mapping_prefixes)}
        except Exception as exc:  # noqa: BLE001  # whatever Redis answers: then nothing was measured
            return {**nothing, "problem": f"Redis broke off: {type(exc).__name__}"}
        finally:
            client.close()

    def _unreadable(self, containers: Mapping[str, Container]) -> str:
        container = containers.get(self.stack.redis_service)
        lines = self.engine.logs(container, 50).splitlines() if container else []
        found = [line for line in lines if _CORRUPT.search(line)]
        return f"Redis cannot load its data: {scrub(found[-1], self.secrets)[:LONGEST_LINE]}" if found else ""

    def baseline(self) -> dict[str, Any]:
        """Return p50_ms and p95_ms of the last verified deployment; empty when there is none that can be read."""
        try:
            found = json.loads(self.runner.read_regular(self.stack.path(BASELINE)))
            found = found.get("performance", found)
            return {name: float(found[name]) for name in ("p50_ms", "p95_ms")}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

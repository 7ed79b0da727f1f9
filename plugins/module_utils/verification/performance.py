# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How fast the chain answers, compared with the last verified deployment; and a short load with real counting."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..checks import NotMeasured
from ..gateway import web
from ..gateway.kong_answers import is_own_error
from ..libraries import requests
from ..runner import Runner
from ..stack_args import StackArgs

BASELINE = ".recovery/baseline.json"
SLOWER = 1.5
# Below this much more, a difference is the machine's own noise, whatever the ratio says.
NOISE_P50_MS, NOISE_P95_MS = 25.0, 100.0
FEWEST = 5
SAMPLING_SECONDS = 2.0
GOOD_SHARE = 0.95


@dataclass(frozen=True)
class Figures:
    """What was measured: milliseconds of the stack itself, without the time that the provider behind Kong took."""

    p50: float
    p95: float
    samples: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as the baseline file has them."""
        return {"p50_ms": round(self.p50, 1), "p95_ms": round(self.p95, 1), "samples": self.samples}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def figures(times: Sequence[float]) -> Figures:
    """Return p50 and p95 of some times in milliseconds."""
    return Figures(percentile(times, 0.5), percentile(times, 0.95), len(times))


def sample(url: str, count: int, clock: Callable[[], float], timeout: float = 5.0, host: str = "") -> list[float]:
    """Return milliseconds of GET requests, one after the other.

    Those with no answer, or a redirect, are left out; so are Kong's own errors, which are soon made.
    What Kong says that its upstream took is taken off: the provider's mood is not the stack's speed.
    """
    session = web.session(host)
    times: list[float] = []
    end = clock() + SAMPLING_SECONDS
    for _number in range(count):
        began = clock()
        try:
            answer = session.get(url, timeout=timeout, allow_redirects=False)
        except requests.RequestException:
            continue
        if web.redirect(answer) or is_own_error(answer):
            continue
        spent = (clock() - began) * 1000
        upstream = answer.headers.get("X-Kong-Upstream-Latency", "")
        times.append(max(0.0, spent - (float(upstream) if upstream.isdigit() else 0.0)))
        if clock() >= end:
            break
    session.close()
    return times


def judge(now: Figures, before: Mapping[str, Any]) -> tuple[bool, str]:
    """Judge figures against the baseline: normal is not over half slower."""
    shown = f"p50 {now.p50:.0f} ms, p95 {now.p95:.0f} ms"
    if not before:
        raise NotMeasured(f"{shown}; no baseline yet: a verified backup stores one")
    then50, then95 = float(before["p50_ms"]), float(before["p95_ms"])
    compared = f"{shown}; baseline p50 {then50:.0f} ms, p95 {then95:.0f} ms"
    slow = [
        f"{name} is {value / max(then, 0.1):.1f} times the baseline"
        for name, value, then, noise in (("p50", now.p50, then50, NOISE_P50_MS), ("p95", now.p95, then95, NOISE_P95_MS))
        if value > SLOWER * then and value - then > noise
    ]
    return not slow, f"{compared}; {', '.join(slow)}" if slow else compared


def read_baseline(stack: StackArgs, runner: Runner) -> dict[str, Any]:
    """Return what the last verified deployment left; empty when there is nothing that can be read."""
    try:
        found = json.loads(runner.read_regular(stack.path(BASELINE)))
        return found if isinstance(found, dict) and {"p50_ms", "p95_ms"} <= set(found.get("performance") or {}) else {}
    except (OSError, ValueError):
        return {}


def store_baseline(stack: StackArgs, runner: Runner, now: Figures, facts: Mapping[str, Any]) -> None:
    """Keep the figures of a verified deployment; facts say which Kong and which plugin it was."""
    record = {
        "stored": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "performance": now.as_dict(),
        **facts,
    }
    runner.make_dir(os.path.dirname(stack.path(BASELINE)), 0o700)
    runner.write(stack.path(BASELINE), json.dumps(record, indent=2, sort_keys=True).encode() + b"\n")


def run_load(one: Callable[[], str], count: int, parallel: int) -> tuple[bool, str]:
    """Make count requests, parallel at a time, and count each; one returns "" (good), what failed, or ``upstream: …``.

    Requests that the provider refused say nothing about the stack and are left out of the share.
    """
    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        ends = list(pool.map(lambda _number: one(), range(count)))
    refused = [end for end in ends if end.startswith("upstream")]
    bad = [end for end in ends if end and end not in refused]
    judged = len(ends) - len(refused)
    if judged < count / 2:
        raise NotMeasured(f"upstream: the provider answered {len(refused)} of {count} requests with an error")
    good = judged - len(bad)
    first = f"; first failure: {bad[0]}" if bad else ""
    left_out = f", {len(refused)} left out: {refused[0]}" if refused else ""
    return good / judged >= GOOD_SHARE, f"{good} of {judged} good, {parallel} at a time{left_out}{first}"

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guide's decision matrix: thirteen lines, each answered from what was sampled or from what a person said. Pure.

A line is ``yes``, ``no`` or ``not measured``; nothing is guessed. One ``yes`` among the first five is ``immediate``,
among the next four ``consider``. The readings that ``assess`` takes are made by assess_sampler.py:

    requests    own requests through the proxy: at, status (0: no answer), ms (None: no answer), provider (its fault)
    access      the proxy's log: problem (why it cannot be read), requests, errors, seconds, unavailable_seconds
    containers  service, core, trouble, oom_killed, restarts (within the window)
    usage       service → memory and cpu, shares of its limit, one number a sample
    redis       problem, sampled, disagreements, counters_behind
    checks      of stack_verify and kong_verify; baseline: p50_ms and p95_ms; logs: problem, warnings, worst, seconds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, median
from typing import Any

IMMEDIATE, CONSIDER, NONE = "immediate", "consider", "none"
YES, NO, UNKNOWN = "yes", "no", "not measured"
THRESHOLDS: dict[str, float] = {
    "unavailable_seconds": 300,
    "slower_ratio": 1.5,
    "slower_noise_ms": 25,
    "intermittent_share": 0.10,
    "memory_share": 0.95,
    "cpu_share": 0.95,
    "log_warnings": 10,
    "fewest_requests": 5,
}
# What a machine cannot know, and what one may know better.
INPUTS = ("security_breach", "noncritical_broken", "ui_issue", "documentation_issue", "cosmetic_logs")
# Speed has lines of its own.
SPEED = ("performance", "load")
KINDS = ("container", "ports")
FUNCTION = ("masking", "masking_plugin", "proxy_chain", "kong_gateway")
Answer = tuple[str, str]
Readings = Mapping[str, Any]
Limits = Mapping[str, float]


def good_times(readings: Readings) -> list[float]:
    """Return the milliseconds of the requests that came through."""
    return [item["ms"] for item in readings["requests"] if item["ms"] is not None and 0 < item["status"] < 500]


def failed_requests(readings: Readings) -> tuple[int, int]:
    """Return (failed, all) of our own requests; those that the provider behind Kong failed say nothing."""
    ours = [item for item in readings["requests"] if not item["provider"]]
    return sum(item["status"] == 0 or item["status"] >= 500 for item in ours), len(ours)


def _unavailable(readings: Readings, limits: Limits) -> Answer:
    failed, asked = failed_requests(readings)
    now = f"{failed} of {asked} requests failed in the window"
    access = readings["access"]
    if access["problem"]:
        return (NO, now) if asked > failed else (UNKNOWN, f"{access['problem']}; {now}")
    seconds = access["unavailable_seconds"]
    if asked > failed:
        return NO, f"{now}; the proxy's log shows no failure that lasts"
    told = f"every request of the last {seconds:.0f} s failed, by the proxy's log; {now}"
    if not asked and not access["requests"]:
        return UNKNOWN, "no request was seen"
    return (YES if seconds >= limits["unavailable_seconds"] else NO), told


def _corruption(readings: Readings, _limits: Limits) -> Answer:
    redis = readings["redis"]
    if redis.get("corrupt"):
        return YES, redis["corrupt"]
    if redis["problem"]:
        return UNKNOWN, redis["problem"]
    wrong, behind = redis["disagreements"], redis["counters_behind"]
    found = f"{wrong} of {redis['sampled']} mappings disagree, {behind} alias counters are behind"
    return (YES if wrong or behind else NO), found


def _breach(readings: Readings, _limits: Limits) -> Answer:
    return _input(readings, "security_breach", "a breach was reported")


def _function(readings: Readings, _limits: Limits) -> Answer:
    checks = readings["checks"]
    masking = next((item for item in checks if item["name"] == "masking"), None)
    # A container that no request passes has a line of its own.
    beside = {f"{kind}_{item['service']}" for item in readings["containers"] if not item["core"] for kind in KINDS}
    bad = [
        item
        for item in checks
        if item["status"] == "failed" and item["level"] == "critical" and item["name"] not in beside
    ]
    # Where a container is gone, masking is not even asked: what is failed then stands for it.
    guilty = bad if masking is not None and masking["status"] != "passed" else [i for i in bad if i["name"] in FUNCTION]
    if guilty:
        return YES, "; ".join(f"{item['name']}: {item['found']}" for item in guilty[:3])
    if masking is None or masking["status"] != "passed":
        return UNKNOWN, masking["found"] if masking else "masking was not checked"
    return NO, masking["found"]


def _exhaustion(readings: Readings, limits: Limits) -> Answer:
    killed = [item["service"] for item in readings["containers"] if item["oom_killed"]]
    restarted = [f"{item['service']} {item['restarts']} times" for item in readings["containers"] if item["restarts"]]
    full = [
        f"{service} {kind} at {mean(values):.0%} of its limit over the window"
        for service, shares in readings["usage"].items()
        for kind, values in sorted(shares.items())
        if values and mean(values) >= limits[f"{kind}_share"]
    ]
    found = [f"killed for lack of memory: {', '.join(killed)}"] if killed else []
    found += [f"restarted within the window: {', '.join(restarted)}"] if restarted and full else []
    found += full
    if found:
        return YES, "; ".join(found)
    if not readings["usage"]:
        return UNKNOWN, "the engine gave no usage"
    most = {
        kind: max((max(shares[kind]) for shares in readings["usage"].values() if shares.get(kind)), default=None)
        for kind in ("memory", "cpu")
    }
    return NO, ", ".join(
        f"{kind} {UNKNOWN if share is None else f'at most {share:.0%} of a limit'}" for kind, share in most.items()
    )


def _speed(readings: Readings, limits: Limits) -> tuple[float | None, str]:
    """Return (how many times slower than the baseline, in words); None where it cannot be told."""
    times, baseline = good_times(readings), readings["baseline"]
    if len(times) < limits["fewest_requests"]:
        return None, f"only {len(times)} requests came through"
    now = median(times)
    if not baseline:
        return None, f"p50 {now:.0f} ms, and no baseline: a verified backup stores one"
    then = max(float(baseline["p50_ms"]), 0.1)
    told = f"p50 {now:.0f} ms of {len(times)} requests, baseline {then:.0f} ms"
    # On a fast stack a few milliseconds are the machine's own noise, whatever the ratio says.
    return (1.0 if now - then <= limits["slower_noise_ms"] else now / then), told


def _slower(readings: Readings, limits: Limits) -> Answer:
    ratio, told = _speed(readings, limits)
    return (UNKNOWN, told) if ratio is None else (YES if ratio > limits["slower_ratio"] else NO, told)


def _in_range(readings: Readings, limits: Limits) -> Answer:
    ratio, told = _speed(readings, limits)
    return (UNKNOWN, told) if ratio is None else (NO if ratio > limits["slower_ratio"] else YES, told)


def _intermittent(readings: Readings, limits: Limits) -> Answer:
    failed, asked = failed_requests(readings)
    access = readings["access"]
    logged = not access["problem"] and access["requests"] > 0
    errors, total = (access["errors"], access["requests"]) if logged else (failed, asked)
    where = f"in the proxy's log of {access['seconds']:.0f} s" if logged else "in the window"
    if total < limits["fewest_requests"]:
        return UNKNOWN, f"only {total} requests {where}"
    share = max(errors / total, failed / asked if asked else 0.0)
    told = f"{errors} of {total} requests failed {where}, {failed} of {asked} of our own"
    more = "" if share < limits["intermittent_share"] else f"; more than {limits['intermittent_share']:.0%}"
    return (YES if share else NO), told + more


def _noncritical(readings: Readings, _limits: Limits) -> Answer:
    bad = [
        f"{item['service']} {item['trouble']}"
        for item in readings["containers"]
        if item["trouble"] and not item["core"]
    ]
    bad += [
        f"{item['name']}: {item['found']}"
        for item in readings["checks"]
        if item["status"] == "failed" and item["level"] == "advisory" and item["name"] not in SPEED
    ]
    said = readings["inputs"].get("noncritical_broken")
    if said or bad:
        return YES, "; ".join([*(["reported"] if said else []), *bad])
    if said is None and not readings["containers"] and not readings["checks"]:
        return UNKNOWN, "nothing was checked"
    return NO, "no further service is in trouble, no advisory check failed"


def _log_warnings(readings: Readings, limits: Limits) -> Answer:
    logs = readings["logs"]
    if logs["problem"]:
        return UNKNOWN, logs["problem"]
    worst = f", the worst: {logs['worst']}" if logs["worst"] else ""
    told = f"{logs['warnings']} warnings in {logs['seconds']:.0f} s{worst}"
    return (YES if logs["warnings"] >= limits["log_warnings"] else NO), told


def _cosmetic_logs(readings: Readings, limits: Limits) -> Answer:
    said = readings["inputs"].get("cosmetic_logs")
    if said is not None:
        return _input(readings, "cosmetic_logs", "reported")
    logs = readings["logs"]
    if logs["problem"]:
        return UNKNOWN, logs["problem"]
    few = 0 < logs["warnings"] < limits["log_warnings"]
    return (YES if few else NO), f"{logs['warnings']} warnings in {logs['seconds']:.0f} s"


def _ui(readings: Readings, _limits: Limits) -> Answer:
    return _input(readings, "ui_issue", "reported")


def _documentation(readings: Readings, _limits: Limits) -> Answer:
    return _input(readings, "documentation_issue", "reported")


def _input(readings: Readings, name: str, words: str) -> Answer:
    said = readings["inputs"].get(name)
    if said is None:
        return UNKNOWN, f"a person knows: -e assess_{name}=true or false"
    return (YES, words) if said else (NO, "a person said no")


LINES: tuple[tuple[str, str, str, Callable[[Readings, Limits], Answer]], ...] = (
    (IMMEDIATE, "unavailable", "API completely unavailable (HTTP 5xx for over 5 minutes)", _unavailable),
    (IMMEDIATE, "data_corruption", "Data corruption detected in Redis", _corruption),
    (IMMEDIATE, "security_breach", "Security breach or compromise", _breach),
    (IMMEDIATE, "function_broken", "Critical functionality broken (AWS masking fails)", _function),
    (IMMEDIATE, "exhaustion", "Memory/CPU exhaustion causing system instability", _exhaustion),
    (CONSIDER, "slower", "Performance degradation (over 50 % slower)", _slower),
    (CONSIDER, "intermittent", "Intermittent errors affecting under 10 % of requests", _intermittent),
    (CONSIDER, "noncritical", "Non-critical features not working", _noncritical),
    (CONSIDER, "log_warnings", "Warning-level issues in logs", _log_warnings),
    (NONE, "ui_issue", "Minor UI issues not affecting functionality", _ui),
    (NONE, "documentation_issue", "Documentation inconsistencies", _documentation),
    (NONE, "cosmetic_logs", "Cosmetic log messages", _cosmetic_logs),
    (NONE, "in_range", "Performance within acceptable range", _in_range),
)


def assess(readings: Readings, thresholds: Limits, environment: str) -> dict[str, Any]:
    """Return verdict, the thirteen lines with their evidence, how many of the first nine are open, and the command."""
    limits = {**THRESHOLDS, **thresholds}
    lines = []
    for number, (level, name, title, ask) in enumerate(LINES, 1):
        answer, evidence = ask(readings, limits)
        lines.append(
            {"line": number, "level": level, "name": name, "title": title, "answer": answer, "evidence": evidence}
        )
    said = {item["level"] for item in lines if item["answer"] == YES}
    verdict = IMMEDIATE if IMMEDIATE in said else CONSIDER if CONSIDER in said else NONE
    unknown = sum(item["answer"] == UNKNOWN and item["level"] != NONE for item in lines)
    told = commands(verdict, lines, environment)
    return {"verdict": verdict, "lines": lines, "not_measured": unknown, "command": told[0], "further": told[1:]}


def commands(verdict: str, lines: Sequence[Mapping[str, Any]], environment: str) -> list[str]:
    """Return the command to run now, and after it those that a finding makes worth knowing."""
    yes = {item["name"] for item in lines if item["answer"] == YES}
    play = f"ansible-playbook playbooks/{{}}.yml -e env={environment}".format
    if verdict == NONE:
        return [play("verify")]
    if verdict == CONSIDER:
        return [f"{play('rollback')} --check --diff", play("rollback")]
    further = [f"{play('rollback')} --check --diff"]
    if "data_corruption" in yes:
        further += [f"{play('rollback')} -e redis_data=restore", f"{play('rollback')} -e redis_data=empty"]
    if "security_breach" in yes:
        further.append(f"{play('rollback')} -e keep_secrets=NAMES  # those already rotated")
    return [play("rollback"), *further, play("force_rollback")]


def text(found: Mapping[str, Any]) -> list[str]:
    """Return the assessment for a screen; the last line is the verdict."""
    lines = [f"{item['answer'].upper():<12} {item['title']}: {item['evidence']}" for item in found["lines"]]
    open_lines = f", {found['not_measured']} lines not measured" if found["not_measured"] else ""
    further = [f"FURTHER: {item}" for item in found["further"]]
    return [*lines, f"RUN: {found['command']}", *further, f"VERDICT: {found['verdict'].upper()}{open_lines}"]

"""Run the parts of the test suite; print each part's seconds and one closing line.

A part is a target of the Makefile. Those that use the Docker Engine run one after the other and mostly wait for it;
the others run beside them, one after the other too; what takes much of the processors waits until the engine's parts
leave them idle. Parts after a failed one still run. An engine that was started here is stopped at the end, whatever
happened. pytest's closing lines are added up; a part without one counts as one test. The failed ones are named at the
very end, for who sees no more than that of a log.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path

import full_run

ROOT = Path(__file__).resolve().parent.parent
SUMMARY = re.compile(r"\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|warnings?)\b")
NAMED = re.compile(r"(?:FAILED|ERROR) \S+::.*")
# What nox says of a session whose Python is not on this machine.
LEFT_OUT = re.compile(r"^nox > Session \S+ skipped\b", re.MULTILINE)
COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")


@dataclass(frozen=True)
class Part:
    """One target of the Makefile; first: before everything else; last: when nothing runs beside it."""

    name: str
    engine: bool = False
    full_only: bool = False
    first: bool = False
    last: bool = False


PARTS = (
    # The same tests as those of coverage, which takes them anyway.
    Part("unit", full_only=True, first=True),
    # Its recordings have times in them: nothing runs beside it.
    Part("contract", first=True),
    Part("lint"),
    Part("report"),
    Part("docs"),
    Part("awx"),
    Part("eda"),
    Part("target"),
    Part("sanity"),
    Part("coverage"),
    Part("importer"),
    # One process each: they come while the parts above take the other processor.
    Part("molecule", engine=True),
    Part("integration", engine=True),
    Part("compat-rollback", engine=True),
    Part("redis-data", engine=True),
    Part("e2e", engine=True),
    Part("verification", engine=True),
    Part("test-faults", engine=True),
    Part("slow-redis_data", engine=True, full_only=True),
    Part("slow-e2e", engine=True, full_only=True),
    Part("slow-verification", engine=True, full_only=True),
    Part("slow-faults", engine=True, full_only=True),
    Part("slow-engine", engine=True, full_only=True),
    Part("molecule-all", engine=True, full_only=True),
    Part("matrix", engine=True, full_only=True, last=True),
    Part("bench", engine=True, full_only=True, last=True),
    Part("bench-growth", engine=True, full_only=True, last=True),
    Part("bench-redis", engine=True, full_only=True, last=True),
    Part("bench-connections", engine=True, full_only=True, last=True),
)
RUNNING: set[subprocess.Popen[str]] = set()
SCREEN = threading.Lock()


@dataclass
class Result:
    """How a part ended."""

    name: str
    status: int
    seconds: float
    passed: int
    failed: int
    skipped: int
    named: tuple[str, ...] = ()


def tool(name: str, *args: str) -> bool:
    """Run one of the scripts beside this one and tell whether it succeeded."""
    return subprocess.run([ROOT / "tools" / name, *args], check=False).returncode == 0


def count(lines: list[str]) -> tuple[int, int, int]:
    """Add up the closing lines of test runners: pytest's, decorated or not, and plain ones."""
    totals = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
    for line in lines:
        text = re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" =\n")
        if re.fullmatch(r"(?:\d+ \w+,? ?)+(?:in [\d.]+s.*)?", text) and SUMMARY.search(text):
            for number, what in COUNT.findall(text):
                totals[what] += int(number)
    return totals["passed"], totals["failed"] + totals["error"], totals["skipped"]


def run(part: Part, live: bool) -> Result:
    """Run one part; live: pass its output on as it comes, otherwise in one piece at its end."""
    began = time.monotonic()
    lines: list[str] = []
    process = subprocess.Popen(
        ["make", "--no-print-directory", part.name],
        cwd=ROOT,
        # Wide enough for pytest to say why beside the name of a failed test.
        env={**os.environ, "COLUMNS": "240"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    RUNNING.add(process)
    say(f"\n===== {part.name} =====\n" if live else f"\n===== {part.name} begins beside it =====\n")
    assert process.stdout is not None  # noqa: S101  for the type checker
    for line in process.stdout:
        lines.append(line)
        if live:
            say(line)
    status = process.wait()
    RUNNING.discard(process)
    if not live:
        say(f"\n===== {part.name} =====\n{''.join(lines)}\n===== end of {part.name} =====\n")
    passed, failed, skipped = count([line for line in lines if SUMMARY.search(line)])
    left_out = len(LEFT_OUT.findall("".join(lines)))
    skipped += left_out
    if status == 0 and not passed + failed + left_out:
        passed = 1
    if status != 0 and not failed:
        failed = 1
    named = tuple(line.strip() for line in lines if NAMED.match(line))
    return Result(part.name, status, time.monotonic() - began, passed, failed, skipped, named)


def say(text: str) -> None:
    """Print a piece of output that nothing else may get into."""
    with SCREEN:
        sys.stdout.write(text)
        sys.stdout.flush()


def end_all() -> None:
    """End whatever still runs, when this run is broken off."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in list(RUNNING):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        end = time.monotonic() + 30
        while any(process.poll() is None for process in list(RUNNING)) and time.monotonic() < end:
            time.sleep(0.1)


def start_engine() -> tuple[bool, Result]:
    """Have an engine; return whether it was started here, and how that went."""
    began = time.monotonic()
    started = not tool("engine", "status")
    ready = (not started or tool("engine", "start")) and tool("compose")
    return started, Result("engine", int(not ready), time.monotonic() - began, 0, int(not ready), 0)


def run_all(parts: list[Part], ended: Callable[[Result], None]) -> list[Result]:
    """Run all parts: the first ones, then those on the engine with the others beside them; ended: told of each."""

    def one(part: Part, live: bool) -> Result:
        result = run(part, live)
        ended(result)
        return result

    results = [one(part, live=True) for part in parts if part.first]
    on_engine = [part for part in parts if part.engine]
    beside = [part for part in parts if not part.engine and not part.first]
    started = False
    lane = ThreadPoolExecutor(max_workers=1)
    try:
        if on_engine:
            started, engine = start_engine()
            results.append(engine)
        others = [lane.submit(one, part, not on_engine) for part in beside]
        for part in sorted(on_engine, key=lambda part: part.last):
            if part.last:
                wait(others)
            if engine.status:
                say(f"\n===== {part.name} =====\nleft out: no Docker Engine with Compose\n")
                results.append(Result(part.name, 1, 0, 0, 1, 0))
            else:
                results.append(one(part, live=True))
        results += [other.result() for other in others]
    except BaseException:
        lane.shutdown(wait=False, cancel_futures=True)
        end_all()
        raise
    finally:
        if started:
            tool("engine", "stop")
    return results


def keep(result: Result) -> None:
    """Keep a part's result for the documentation as soon as it is there."""
    with SCREEN:
        full_run.keep(result.name, asdict(result))
        full_run.write_page([part.name for part in PARTS])


def main() -> int:
    """Choose the parts, run them and print the totals."""
    parser = argparse.ArgumentParser(description="Run the parts of the test suite.")
    parser.add_argument("--full", action="store_true", help="also the parts that take long")
    parser.add_argument("--continue", action="store_true", dest="go_on", help="leave out what passed on this commit")
    parser.add_argument("parts", nargs="*", choices=[*(part.name for part in PARTS), []], help="only these")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_ignored: sys.exit(143))
    began = time.monotonic()
    chosen = [p for p in PARTS if p.name in options.parts or (not options.parts and (options.full or not p.full_only))]
    if options.full and not options.go_on and not options.parts:
        full_run.forget()
    passed_here = full_run.passed() if options.go_on else set()
    chosen = [part for part in chosen if part.name not in passed_here]
    results = run_all(chosen, keep if options.full else lambda _result: None)
    print("\n===== seconds =====")
    for one in results:
        detail = f"{one.passed} passed, {one.failed} failed" + (f", {one.skipped} skipped" if one.skipped else "")
        print(f"{one.name:12} {one.seconds:7.1f}  {'ok    ' if one.status == 0 else 'FAILED'}  {detail}")
    passed, failed = sum(one.passed for one in results), sum(one.failed for one in results)
    print(f"{'total':12} {time.monotonic() - began:7.1f}  from begin to end")
    print(f"{passed} passed, {failed} failed")
    for one in results:
        for name in one.named:
            print(f"{one.name}: {name}")
    sys.stdout.flush()
    return int(any(one.status != 0 for one in results))


if __name__ == "__main__":
    sys.exit(main())

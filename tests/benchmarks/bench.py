"""How fast the ways back are, side by side in one run under a steady load of masking requests.

Prints a table and leaves it as JSON and Markdown in docs/; the chart is drawn from the JSON. Bounds are ratios between
medians of one run; one that is not met, not even within the spread of the readings, ends in status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "stack")]

import stack_state  # noqa: E402
from lab import Lab  # noqa: E402
from load import Load  # noqa: E402
from outside import run, wait_for  # noqa: E402
from tables import ALONE, markdown, verdicts  # noqa: E402
from target_python import target_python  # noqa: E402
from ways import HUNG, RELEASES, Release, ansible_alone, check_back, forget_load, naive, prepared, repository  # noqa: E402

RATE = 50
WAYS = ("naive", ALONE, "bare", "rollback", "force")
PLAYBOOKS = {"rollback": "rollback", "force": "force_rollback"}


@dataclasses.dataclass
class Reading:
    """One way, once. Seconds; back is 0 where no request failed; tasks, ansible and phases are a playbook's only."""

    total: float
    back: float
    gap: float
    sent: int
    failed: int
    wrong: int
    processes: int
    tasks: int = 0
    ansible: float = 0.0
    phases: dict[str, float] = dataclasses.field(default_factory=dict)


def started_processes() -> int:
    """How many processes and threads this machine has started since its boot."""
    text = Path("/proc/stat").read_text(encoding="ascii")
    return int(re.findall(r"^processes (\d+)", text, re.MULTILINE)[0])


def measured(lab: Lab, way: Callable[[], Any], *, loaded: bool = True, seen: bool = True) -> tuple[Reading, Any]:
    """Run one way back under load; seen: the upstream lives through it, so that it can be asked what reached it."""
    load = Load(lab.stack, RATE)
    with load if loaded else contextlib.nullcontext():
        if loaded:
            wait_for("the load", lambda: len(load.answers) >= RATE, 30)
        forks, began = started_processes(), time.monotonic()
        answer = way()
        total, forks = time.monotonic() - began, started_processes() - forks
        if loaded:
            wait_for("the load's end", lambda: load.answers[-1].status == 200, 30)
    mine = [one for one in load.answers if one.at >= began]
    failed = [one for one in mine if one.status != 200]
    after = [one.at for one in mine if one.status == 200 and failed and one.at > failed[-1].at]
    wrong = load.wrong() if loaded and seen else []
    back = min(after) - began if after else 0.0
    return Reading(total, back, load.gap, len(mine), len(failed), len(wrong), forks), answer


def playbook(lab: Lab, way: str, release: Release, loaded: bool) -> Reading:
    """Run one of the playbooks; raise where it did not bring the good release back."""
    assert lab.good is not None
    # What a restore brings back is the good release's data; so is all that can be known of a Redis that hangs.
    before = lab.good if release is HUNG or release.arguments else lab.state()
    reading, done = measured(lab, lambda: lab.play(PLAYBOOKS[way], *release.arguments), loaded=loaded)
    found = check_back(lab) + stack_state.lost(before, lab.state())
    if done.rc != 0 or found:
        raise SystemExit(f"{way}, {release.name}: {found[:5]}\n{done.output[-6000:]}")
    reading.tasks = len(re.findall(r"^TASK \[", done.stdout, re.MULTILINE))
    reading.phases = phases(lab)
    reading.ansible = reading.total - sum(reading.phases.values())
    return reading


def phases(lab: Lab) -> dict[str, float]:
    """Seconds that the newest run's modules spent in each phase, by its journal."""
    newest = max(
        (lab.stack.directory / ".recovery" / "journal").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns
    )
    lines = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    found: dict[str, float] = {}
    for line in lines:
        if line["event"] == "phase" and line["state"] == "end":
            found[line["phase"]] = found.get(line["phase"], 0.0) + line["seconds"]
    return found


def by_hand(lab: Lab, release: Release) -> Reading:
    """Run the bare path; raise where it did not bring the good release back."""
    assert release.by_hand is not None
    act = release.by_hand
    reading, _none = measured(lab, lambda: act(lab))
    found = check_back(lab)
    if found:
        raise SystemExit(f"by hand, {release.name}: {found[:5]}")
    return reading


def one_round(lab: Lab, readings: dict[str, dict[str, list[Reading]]], releases: tuple[Release, ...]) -> None:
    """Measure every class in every way once; what is taken down and up entirely is the same whatever differs."""
    down_and_up, _none = measured(lab, lambda: naive(lab), seen=False)
    readings["any"]["naive"].append(down_and_up)
    empty, _none = measured(lab, lambda: ansible_alone(lab))
    readings["any"][ALONE].append(empty)
    print(f"  {down_and_up.total:.1f} s the naive way, {empty.total:.1f} s Ansible alone", flush=True)
    for release in releases:
        for way in ("bare", *PLAYBOOKS):
            if (way == "bare" and release.by_hand is None) or (release is HUNG and way != "force"):
                continue
            forget_load(lab)
            release.breaks(lab)
            # nginx tries a Kong that it missed again after ten seconds; no such pause shall be measured as one of ours.
            lab.wait_masked(30) if release is not HUNG else None
            reading = by_hand(lab, release) if way == "bare" else playbook(lab, way, release, release is not HUNG)
            readings[release.name][way].append(reading)
            print(
                f"  {release.name}, {way}: {reading.total:.1f} s, {reading.failed} of {reading.sent} failed", flush=True
            )


def about() -> dict[str, Any]:
    """The machine and the versions."""
    cpu = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": repository(),
        "machine": f"{os.cpu_count()} cores, {cpu[0] if cpu else platform.machine()}",
        "load": Path("/proc/loadavg").read_text(encoding="ascii").split()[0],
        "versions": {
            "Docker Engine": run(["docker", "version", "--format", "{{.Server.Version}}"]).stdout.strip(),
            "Docker Compose": run(["docker", "compose", "version", "--short"]).stdout.strip(),
            "ansible-core": version("ansible-core"),
            "Python": platform.python_version(),
            "the target's Python": run([target_python(), "-V"]).stdout.split()[-1],
        },
    }


def main() -> int:
    """Measure, print, write; 1 where a bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each way is run (default 5)")
    parser.add_argument("--only", default="", help="only classes whose name has this in it")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="where bench.json and bench.md go")
    options = parser.parse_args()
    chosen = tuple(one for one in (*RELEASES, HUNG) if options.only in one.name)
    readings = {name: {way: [] for way in WAYS} for name in ("any", *(one.name for one in chosen))}
    facts = about()
    with tempfile.TemporaryDirectory(prefix="kmr-bench-") as folder:
        lab = prepared(Path(folder), f"kmr-bench-{os.getpid()}")
        try:
            for number in range(options.runs):
                print(f"round {number + 1} of {options.runs}", flush=True)
                one_round(lab, readings, chosen)
        finally:
            lab.down()
    rows = {
        name: {way: [dataclasses.asdict(one) for one in items] for way, items in ways.items() if items}
        for name, ways in readings.items()
    }
    result = {**facts, "runs": options.runs, "rate": RATE, "classes": rows}
    result["bounds"] = verdicts(rows)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    text = markdown(result)
    (options.output / "bench.md").write_text(text, encoding="utf-8")
    print(text)
    return int(any(bound["verdict"] == "not met" for bound in result["bounds"]))


if __name__ == "__main__":
    sys.exit(main())

"""The record of the last full run: each part's result with its commit, and the page in the documentation.

A full run takes hours. Each part's result is kept as soon as it is there, so that a run that was broken off goes on
with what has not passed. A result counts for every commit that differs in nothing but what the runs leave behind.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD, PAGE = ROOT / "docs" / "full-run.json", ROOT / "docs" / "full-run.md"
# What a full run writes, or its author from what it printed: such a change needs no new run.
WRITTEN = (
    *(f"docs/full-run.{kind}" for kind in ("json", "md")),
    *(f"docs/bench.{kind}" for kind in ("json", "md")),
    *(f"docs/{name}.md" for name in ("growth", "connections", "faults", "performance", "performance-redis")),
    "docs/pictures/bench.svg",
    "README.md",
)
# What tests the collection, runs the tests, and says how; the rest is the collection.
BESIDE = ("tests/", "tools/", "docs/", "molecule/", ".config/", ".ci/", "Makefile", "noxfile.py", "pyproject.toml")
# So many of the collection's files that differ are on the page by name.
NAMED = 12


def read(path: Path = RECORD) -> dict[str, dict[str, Any]]:
    """Return part → its last result; empty where none was ever kept."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(name: str, result: Mapping[str, Any], path: Path = RECORD) -> None:
    """Keep a part's result, with the commit and the moment, in place of its last one."""
    record = read(path)
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    figures = {field: result[field] for field in ("status", "seconds", "passed", "failed", "skipped")}
    record[name] = {
        **figures,
        "seconds": round(result["seconds"], 1),
        "commit": _says("git", "rev-parse", "--short", "HEAD"),
        "when": moment,
    }
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def forget(path: Path = RECORD) -> None:
    """Begin a record anew."""
    path.unlink(missing_ok=True)


def machine() -> str:
    """Say on what it ran."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "another system")
    return f"{os.cpu_count()} cores, {system}, {_says('.venv/bin/ansible', '--version')}"


def is_good(result: Mapping[str, Any] | None) -> bool:
    """Say whether a part ran and passed; one that was skipped as a whole did not."""
    return result is not None and result["status"] == 0 and result["passed"] > 0


def changed(commit: str, other: str = "HEAD", root: Path = ROOT) -> list[str]:
    """Name the files that differ between two commits, but for what full runs leave behind; none: one to a test."""
    unlike = [f":(exclude){path}" for path in WRITTEN]
    command = ["git", "diff", "--name-only", "--no-renames", commit, other, "--", ".", *unlike]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else [f"whatever {commit} had"]


def passed(path: Path = RECORD, differing: Callable[[str, str], list[str]] = changed) -> set[str]:
    """Return the parts that passed on what is checked out; differing: as changed."""
    return {name for name, one in read(path).items() if is_good(one) and not differing(one["commit"], "HEAD")}


def page(
    record: Mapping[str, Mapping[str, Any]],
    names: list[str],
    where: str,
    differing: Callable[[str, str], list[str]] = changed,
) -> str:
    """Return the page; names: the parts that a full run has, so that one without a result shows; differing: changed."""
    rows = []
    for name in names:
        one = record.get(name)
        if one is None:
            rows.append(f"| {name} | not run | | | | | |")
            continue
        result = "ok" if is_good(one) else "FAILED" if one["status"] else "skipped"
        counts = f"{one['passed']} | {one['failed']} | {one['seconds']:.0f}"
        rows.append(f"| {name} | {result} | {counts} | {one['commit']} | {one['when']} |")
    made = [record[name] for name in names if name in record]
    passed, failed = sum(one["passed"] for one in made), sum(one["failed"] for one in made)
    minutes = sum(one["seconds"] for one in made) / 60
    commits = list(dict.fromkeys(one["commit"] for one in sorted(made, key=lambda one: one["when"])))
    on = _on(commits, {name for commit in commits for name in differing(commit, commits[-1])})
    missing = len(names) - len(made)
    said = [f"{passed} passed", f"{failed} failed", *([f"{missing} parts not run"] if missing else [])]
    head = [
        "# The last full run",
        "",
        f"`make test-full` on {where}: {', '.join(said)}; {minutes:.0f} minutes, all parts added up. {on}",
        "",
        "| part | result | passed | failed | seconds | commit | UTC |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows, ""])


def write_page(names: list[str]) -> None:
    """Renew the page from the record."""
    PAGE.write_text(page(read(), names, machine()), encoding="utf-8")


def _on(commits: list[str], files: Set[str]) -> str:
    """Say on which commits the parts ran; files: what differs between them."""
    if len(commits) == 1:
        return "All on one commit."
    if not files:
        return f"On {len(commits)} commits that differ in nothing but such results; each part's beside it."
    own = sorted(name for name in files if not name.startswith(BESIDE))
    named = ", ".join(f"`{name}`" for name in own[:NAMED]) or "nothing"
    more = f" and {len(own) - NAMED} more" if len(own) > NAMED else ""
    return (
        f"On {len(commits)} commits, each part's beside it. "
        f"Of the collection itself, {named}{more} changed between them; "
        f"of its tests, tools and pages, {len(files) - len(own)} files."
    )


def _says(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["unknown"])[0]

"""How the time of a rollback grows: with services, backups, keys and hosts. Prints tables, leaves docs/growth.md.

The slope is that of a straight line through the logarithms: 1 means linear, 0 that the number does not matter.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "stack")]

import releases  # noqa: E402
from bench import about  # noqa: E402
from lab import ANSIBLE_PLAYBOOK, GOLDEN, Lab, user_environment  # noqa: E402
from target_python import target_python  # noqa: E402
from test_speed import make_backups  # noqa: E402
from ways import everything, kong_environment, prepared  # noqa: E402

SERVICE = """
  further{number}:
    image: kong-masking-ref/client:1
    restart: unless-stopped
    stop_grace_period: 1s
    environment: {{LEVEL: "${{KONG_LOG_LEVEL}}"}}
    networks: [masking]
"""
BATCH = 10_000


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares through the logarithms of (number, seconds)."""
    xs, ys = [math.log(x) for x, _y in points], [math.log(max(y, 0.001)) for _x, y in points]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / across


def table(title: str, head: tuple[str, ...], rows: list[tuple[float, ...]]) -> list[str]:
    """One table, with the slope of each column."""
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"| {' | '.join('---' for _one in head)} |"]
    lines += [f"| {row[0]:,.0f} | {' | '.join(f'{value:.1f}' for value in row[1:])} |" for row in rows]
    slopes = [f"{slope([(row[0], row[at]) for row in rows]):.2f}" for at in range(1, len(head))]
    print("\n".join([*lines, f"| slope | {' | '.join(slopes)} |", ""]), flush=True)
    return [*lines, f"| slope | {' | '.join(slopes)} |", ""]


@contextmanager
def a_lab(change: Callable[[Lab], None] = lambda _lab: None) -> Iterator[Lab]:
    """Deploy a stack that change has altered before, with a backup; taken away at the end."""
    with tempfile.TemporaryDirectory(prefix="kmr-growth-") as folder:
        lab = prepared(Path(folder), f"kmr-growth-{os.getpid()}-{time.monotonic_ns() % 100_000}", change)
        try:
            yield lab
        finally:
            lab.down()


def rolled_back(lab: Lab, *args: str, environ: Mapping[str, str] | None = None) -> float:
    """Seconds of a whole rollback that must succeed."""
    done = lab.play("rollback", *args, environ=environ)
    assert done.rc == 0, done.output[-4000:]
    return done.seconds


# ---------------------------------------------------------------------- what grows


def services(counts: tuple[int, ...]) -> list[str]:
    """Beside the reference stack's own five, services that all differ."""
    rows: list[tuple[float, ...]] = []
    for count in counts:

        def more(lab: Lab, count: int = count) -> None:
            path = lab.stack.directory / "docker-compose.yml"
            text = path.read_text(encoding="utf-8")
            further = "".join(SERVICE.format(number=number) for number in range(count - 5))
            path.write_text(
                text.replace("\nnetworks:\n  masking:", f"{further}\nnetworks:\n  masking:"), encoding="utf-8"
            )

        with a_lab(more) as lab:
            nothing = rolled_back(lab)
            everything(lab)
            releases.up(lab.stack, *(f"further{number}" for number in range(count - 5)))
            rows.append((count, nothing, rolled_back(lab)))
    return table("Services", ("services", "s, nothing differs", "s, everything differs"), rows)


def backups(counts: tuple[int, ...]) -> list[str]:
    """Backups beside each other; only the chosen one is read to its end."""
    rows: list[tuple[float, ...]] = []
    with a_lab() as lab:
        for count in counts:
            make_backups(lab.backup_path(GOLDEN), count)
            listed = lab.play("list_backups", "-v")
            assert listed.rc == 0, listed.output[-2000:]
            module = float(re.findall(r"\bseconds: ([0-9.]+)", listed.stdout)[0])
            rows.append((count, module, rolled_back(lab)))
    return table("Backups", ("backups", "s, listing, in the module", "s, rollback, nothing differs"), rows)


def keys(counts: tuple[int, ...]) -> list[str]:
    """Keys in Redis: what a rollback of a setting costs that keeps them, and one that restores a lost hundredth."""
    rows: list[tuple[float, ...]] = []
    for count in counts:
        with a_lab(lambda lab: lab.stack.set_env(REDIS_MEMORY_LIMIT="2g")) as lab:
            fill(lab, count)
            saved = lab.backup()
            kong_environment(lab)
            kept = rolled_back(lab, "-e", f"deployment={saved}", "-e", "redis_data=keep")
            with lab.redis() as client:
                client.delete(*(f"growth:{number}" for number in range(0, count, 100)))
            restored = rolled_back(
                lab, "-e", f"deployment={saved}", "-e", "redis_data=restore", "-e", "redis_scope=all"
            )
            rows.append((count, kept, restored))
    return table("Keys", ("keys", "s, kept, Kong's environment differs", "s, restored, 1 % lost"), rows)


def fill(lab: Lab, count: int) -> None:
    """Write so many small keys."""
    with lab.redis() as client:
        for begin in range(0, count, BATCH):
            pipe = client.pipeline(transaction=False)
            for number in range(begin, min(begin + BATCH, count)):
                pipe.set(f"growth:{number}", f"value {number}")
            pipe.execute()


def hosts(counts: tuple[int, ...], forks: tuple[int, ...]) -> list[str]:
    """Stacks on one engine as hosts of one environment; the first goes alone, the others together."""
    labs: list[Lab] = []
    rows: list[tuple[float, ...]] = []
    with tempfile.TemporaryDirectory(prefix="kmr-growth-") as folder:
        try:
            for count in counts:
                while len(labs) < count:
                    name = f"kmr-growth-{os.getpid()}-{len(labs)}"
                    labs.append(prepared(Path(folder) / name, name))
                rows.append((count, *(fleet(labs, Path(folder), number) for number in forks)))
        finally:
            for lab in labs:
                lab.down()
    return table("Hosts", ("hosts", *(f"s, nothing differs, {number} forks" for number in forks)), rows)


def fleet(labs: list[Lab], folder: Path, forks: int) -> float:
    """Seconds of one rollback over all of them."""
    python = {"ansible_connection": "local", "ansible_python_interpreter": target_python()}
    facts = {
        lab.project: {
            **python,
            "stack_dir": str(lab.stack.directory),
            "stack_project": lab.project,
            "stack_echo_url": lab.stack.upstream,
            "recovery_runbook_dir": str(folder / "runbooks"),
        }
        for lab in labs
    }
    inventory = folder / "hosts.json"
    inventory.write_text(
        json.dumps({"staging": {"hosts": facts, "vars": {"stack_masking_probe": "echo"}}}), encoding="utf-8"
    )
    command = [str(ANSIBLE_PLAYBOOK), "playbooks/rollback.yml", "-i", str(inventory), "-e", "env=staging"]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--forks", str(forks)], cwd=ROOT, env=user_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return time.monotonic() - began


def main() -> None:
    """Measure what is asked for and write the page."""
    measures: dict[str, Callable[[], list[str]]] = {
        "services": lambda: services((5, 8, 16)),
        "backups": lambda: backups((10, 100, 1000, 10_000)),
        "keys": lambda: keys((1000, 10_000, 100_000, 1_000_000)),
        "hosts": lambda: hosts((1, 5, 20), (5, 20)),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*measures, []], help="only these")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "growth.md")
    options = parser.parse_args()
    facts = about()
    lines = ["# How the time grows", "", f"`make bench-growth`: {facts['measured']}, commit {facts['commit']},"]
    lines += [f"{facts['machine']}, load average {facts['load']} at its beginning. One run of each.", ""]
    lines += ["The slope is that of a line through the logarithms: 1 is linear, 0 does not matter.", ""]
    for name in options.what or measures:
        lines += measures[name]()
    options.output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

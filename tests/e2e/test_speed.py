"""How long a rollback takes, printed as ratios to what one would type by hand in the same run; no speed is asserted.

Seconds on a shared machine drift; ratios hold. The stack is as in the field: long health intervals, 10 s of grace.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import releases
from lab import GOLDEN, Lab
from load import Load
from outside import wait_for

BIG = 128 << 20


@pytest.fixture(scope="module")
def patient_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("speed"), f"kmr-e2e-{uuid.uuid4().hex[:8]}", patient=True)
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()


def bare_script(lab: Lab) -> float:
    """Seconds until the gateway is ready, by hand."""
    started = time.monotonic()
    releases.recreate_by_hand(lab)
    return time.monotonic() - started


@pytest.mark.slow
def test_a_rollback_passes_and_its_speed_is_printed(patient_lab: Lab) -> None:
    lab = patient_lab
    lab.golden()
    bare = bare_script(lab)
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m", REDIS_MEMORY_LIMIT="200m")
    releases.change_kong_file(lab, "retries: 3", "retries: 4")
    releases.rebuild(lab, "nginx", "speed")
    releases.up(lab.stack)
    wait_for("Kong", lab.stack.kong_configured, 60)
    releases.reload_proxy(lab)
    lab.wait_masked(60)

    with Load(lab.stack) as load:
        everything = lab.play("rollback")
        lab.wait_masked(60)
    apply = sum(item["ms"] for item in lab.record()["executed"] if not item.get("beside")) / 1000

    releases.change_kong_file(lab, "retries: 3", "retries: 4")
    releases.load_kong_file(lab)
    lab.wait_masked(60)
    with Load(lab.stack) as gentle:
        file_only = lab.play("rollback")

    print(f"\nbare script, gateway ready: {bare:.1f} s")
    print(
        f"rollback.yml, everything differs: {everything.seconds:.1f} s = {everything.seconds / bare:.1f} x bare;"
        f" its actions {apply:.1f} s = {apply / bare:.1f} x; away {load.gap:.1f} s = {load.gap / bare:.1f} x"
    )
    print(
        f"rollback.yml, only Kong's file differs: {file_only.seconds:.1f} s = {file_only.seconds / bare:.1f} x bare;"
        f" service away {gentle.gap:.2f} s"
    )
    assert (everything.rc, file_only.rc) == (0, 0), everything.output + file_only.output


@pytest.mark.parametrize("count", [10, *(pytest.param(count, marks=pytest.mark.slow) for count in (1000, 10_000))])
def test_many_backups_are_listed_and_the_speed_is_printed(lab: Lab, count: int) -> None:
    golden = lab.backup_path(lab.golden())
    make_backups(golden, count)
    root = lab.stack.directory / "backups"
    started = time.monotonic()
    subprocess.run(
        ["find", str(root), "-name", "manifest.json", "-exec", "cat", "{}", "+"], stdout=subprocess.DEVNULL, check=True
    )
    bare = time.monotonic() - started

    done = lab.play("list_backups", "-v")

    module = float(re.findall(r"\bseconds: ([0-9.]+)", done.stdout)[0])
    print(f"\nlisting {count} backups: {module:.2f} s in the module = {module / bare:.1f} x find + cat ({bare:.3f} s)")
    assert done.rc == 0, done.output[-2000:]


def make_backups(golden: Path, count: int) -> None:
    """Lay out further backups with the golden one's manifest."""
    manifest = json.loads((golden / "manifest.json").read_text(encoding="utf-8"))
    for number in range(1, count):
        moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        name = f"deploy-{moment:%Y%m%d-%H%M%S}"
        place = golden.parent / name
        place.mkdir(mode=0o700, exist_ok=True)
        (place / "manifest.json").write_text(json.dumps({**manifest, "id": name, "sequence": 0}), encoding="utf-8")


@pytest.mark.slow
def test_a_large_backup_is_proven_and_the_speed_is_printed(lab: Lab) -> None:
    golden = lab.backup_path(lab.golden())
    small = discover_seconds(lab)
    big = golden / "logs" / "big.log"
    big.parent.mkdir(mode=0o700, exist_ok=True)
    with big.open("wb") as file:
        for number in range(BIG >> 20):
            file.write(hashlib.sha256(str(number).encode()).digest() * (1 << 15))
    started = time.monotonic()
    digest = subprocess.run(["sha256sum", str(big)], capture_output=True, text=True, check=True).stdout.split()[0]
    bare = time.monotonic() - started
    path = golden / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"].append({"path": "logs/big.log", "sha256": digest, "size": BIG})
    path.write_text(json.dumps(manifest), encoding="utf-8")

    proving = discover_seconds(lab)

    print(
        f"\nproving {BIG >> 20} MiB: {proving - small:.2f} s, sha256sum {bare:.2f} s:"
        f" {100 * bare / max(proving - small, 0.001):.0f} % of its speed"
    )


def discover_seconds(lab: Lab) -> float:
    """The module's own seconds for finding and proving the chosen backup."""
    done = lab.play("rollback", "--check", "-v", "-e", f"deployment={GOLDEN}")
    found = re.search(
        r"Choose the backup and prove it\].*?^\s+seconds: ([0-9.]+)", done.stdout, re.DOTALL | re.MULTILINE
    )
    assert done.rc == 0, done.output[-3000:]
    assert found, done.stdout[:3000]
    return float(found.group(1))

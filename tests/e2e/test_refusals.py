"""What is refused, before any change, each with its own message, and with the ids that could be named instead."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import releases
import stack_state
from lab import GOLDEN, Lab
from outside import run

OTHER = "deploy-20260102-000000"
Fault = Callable[[Path], None]


def copy_of(golden: Path, **changes: object) -> Path:
    """A second, newer backup: the golden one under another id."""
    other = golden.parent / OTHER
    shutil.copytree(golden, other, copy_function=shutil.copy2)
    manifest = json.loads((other / "manifest.json").read_text(encoding="utf-8"))
    manifest.update(id=OTHER, sequence=manifest["sequence"] + 1, **changes)
    (other / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return other


def flipped_bit(golden: Path) -> None:
    target = copy_of(golden) / "redis-backup.rdb"
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)


def half_written(golden: Path) -> None:
    (copy_of(golden) / "manifest.json").unlink()


def other_environment(golden: Path) -> None:
    copy_of(golden, environment="production")


def other_project(golden: Path) -> None:
    copy_of(golden, project="kong-masking-other")


def symlinked_backup(golden: Path) -> None:
    elsewhere = copy_of(golden).rename(golden.parent.parent / "elsewhere")
    (golden.parent / OTHER).symlink_to(elsewhere)


def symlink_inside(golden: Path) -> None:
    target = copy_of(golden) / "config.env"
    moved = target.rename(golden.parent.parent / "config.env")
    target.symlink_to(moved)


def stray_inside(golden: Path) -> None:
    (copy_of(golden) / "files" / "stray.conf").write_text("not in the manifest\n", encoding="utf-8")


def world_writable(golden: Path) -> None:
    copy_of(golden).chmod(0o777)


def world_writable_inside(golden: Path) -> None:
    (copy_of(golden) / "files").chmod(0o777)


def stray_file(golden: Path) -> None:
    (golden.parent / OTHER).write_text("no backup\n", encoding="utf-8")


def image_gone(golden: Path) -> None:
    manifest = json.loads((golden / "manifest.json").read_text(encoding="utf-8"))
    services = manifest["services"]
    services["nginx"]["image_id"] = "sha256:" + "0" * 64
    copy_of(golden, services=services)


NAMED: dict[str, tuple[Fault, str]] = {
    "stray-file": (stray_file, "is a stray file, not a backup"),
    "other-environment": (other_environment, "belongs to environment production"),
    "other-project": (other_project, "belongs to project kong-masking-other"),
    "half-written": (half_written, "has no manifest: it was never finished"),
    "flipped-bit": (flipped_bit, "redis-backup.rdb: expected SHA-256"),
    "symlinked-backup": (symlinked_backup, "is a symbolic link"),
    "symlink-inside": (symlink_inside, "config.env: expected a regular file, found a link"),
    "stray-inside": (stray_inside, "files/stray.conf: expected a file of the manifest"),
    "world-writable": (world_writable, "is a directory that everybody may write to"),
    "world-writable-inside": (world_writable_inside, "found one that everybody may write to"),
    "image-gone": (image_gone, "image 000000000000"),
}


# The others are left to the full run: the unit tests have every one of them.
OFTEN = ("other-project", "half-written", "flipped-bit")


@pytest.mark.parametrize(
    ("fault", "message"),
    [pytest.param(*case, id=name, marks=[] if name in OFTEN else pytest.mark.slow) for name, case in NAMED.items()],
)
def test_a_named_backup_that_cannot_be_trusted_is_refused_before_any_change(
    lab: Lab, fault: Fault, message: str
) -> None:
    lab.golden()
    fault(lab.backup_path(GOLDEN))
    before = lab.state()

    done = lab.play("rollback", "-e", f"deployment={OTHER}")

    assert done.rc != 0, done.output
    assert message in done.flat, done.output
    assert GOLDEN in done.flat, "the usable id is not listed"
    assert stack_state.untouched(before, lab.state()) == []
    assert lab.snapshots() == []
    assert "SERVICE: BACK" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("deploy-20200101-000000", "There is no backup deploy-20200101-000000"),
        ("../../x", "'../../x' is no backup id"),
        ("data-20260101-000000", "There is no backup data-20260101-000000"),
    ],
)
def test_an_id_that_is_none_is_refused_before_any_change(lab: Lab, wanted: str, message: str) -> None:
    lab.golden()
    before = lab.state()

    done = lab.play("rollback", "-e", f"deployment={wanted}")

    assert done.rc != 0
    assert message in done.flat, done.output
    assert f"Available: {GOLDEN}" in done.flat, "the usable id is not listed"
    assert stack_state.untouched(before, lab.state()) == []


@pytest.mark.slow
def test_latest_is_never_one_of_those_and_each_is_listed_with_its_reason(lab: Lab) -> None:
    lab.golden()
    golden = lab.backup_path(GOLDEN)
    faults = [other_environment, other_project, half_written, stray_file, symlinked_backup, world_writable]
    for day, fault in enumerate(faults, 3):
        fault(golden)
        renamed(golden.parent / OTHER, f"deploy-202601{day:02}-000000")

    listed = lab.play("list_backups")
    planned = lab.play("rollback", "--check")

    assert listed.rc == 0, listed.output
    for fault in faults:
        assert NAMED[fault.__name__.replace("_", "-")][1] in listed.flat, fault.__name__
    assert planned.rc == 0, planned.output
    assert f"TARGET: {GOLDEN}" in planned.flat


def renamed(path: Path, name: str) -> None:
    """Give a faulty backup an id of its own, in its manifest as well."""
    moved = path.rename(path.with_name(name))
    manifest = moved / "manifest.json"
    if moved.is_dir() and manifest.exists():
        document = json.loads(manifest.read_text(encoding="utf-8"))
        manifest.write_text(json.dumps({**document, "id": name}), encoding="utf-8")


@pytest.mark.slow
def test_no_backup_at_all_is_said_so(lab: Lab) -> None:
    before = lab.state()

    done = lab.play("rollback")

    assert done.rc != 0
    assert "No backup can be used" in done.flat
    assert stack_state.untouched(before, lab.state()) == []


@pytest.mark.slow
def test_a_kept_image_that_was_removed_by_force_is_refused_beforehand(lab: Lab) -> None:
    """`system prune -a` takes the keeper too: said before anything is stopped."""
    lab.golden()
    old = lab.state().services["nginx"]["image_id"]
    releases.replace_image(lab, "nginx")
    keepers = run(["docker", "ps", "-aq", "--filter", f"label={stack_state.KEEP_LABEL}={old}"]).stdout.split()
    assert keepers, "the backup keeps no container of the image"
    run(["docker", "rm", *keepers])
    run(["docker", "rmi", "-f", old])
    before = lab.state()

    done = lab.play("rollback", "-e", f"deployment={GOLDEN}")

    assert done.rc != 0, done.output
    assert "is not on this host any more" in done.flat
    assert stack_state.untouched(before, lab.state()) == []

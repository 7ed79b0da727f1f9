"""Retention on a real stack: what is past its time goes with its image, and a check says so beforehand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import leftovers
import pytest
import releases
import stack_state
from lab import Lab
from outside import run

from ansible_collections.kong_masking.recovery.tests.unit import samples


def aged(lab: Lab, backup_id: str, days: float, sequence: int) -> str:
    """The same backup as it would be had it been taken earlier; answers its id."""
    path = lab.backup_path(backup_id)
    then = datetime.now(UTC) - timedelta(days=days)
    name = f"{backup_id.split('-', maxsplit=1)[0]}-{then:%Y%m%d-%H%M%S}"
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    manifest.update(id=name, created=then.strftime("%Y-%m-%dT%H:%M:%SZ"), sequence=sequence)
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    path.rename(path.with_name(name))
    return name


def keepers(image: str) -> list[str]:
    """The containers that keep an image."""
    return run(["docker", "ps", "-aq", "--filter", f"label={leftovers.KEEP_LABEL}={image}"]).stdout.split()


def tree(lab: Lab) -> list[str]:
    """Every path below the backups."""
    root = lab.stack.directory / "backups"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.slow
def test_old_backups_go_with_their_images_and_check_says_so_first(lab: Lab) -> None:
    old = lab.backup("-e", "backup_verify=false")
    old_image = stack_state.image_id(f"{lab.project}-nginx")
    old = aged(lab, old, 40, 1)
    releases.rebuild(lab, "nginx", "next")
    releases.up(lab.stack, "nginx")
    releases.reload_proxy(lab)
    lab.wait_masked()
    young = []
    for number in range(3):
        taken = lab.backup("-e", "backup_verify=false")
        young.append(aged(lab, taken, 3 - number, number + 2))
    stray = lab.stack.directory / "backups" / "pre-deploy" / "notes.txt"
    stray.write_text("mine", encoding="utf-8")
    newest = lab.backup()
    before, paths = lab.state(), tree(lab)
    assert keepers(old_image)

    said = lab.play("prune", "--check", "-e", "backup_retention_hours=168")
    assert said.rc == 0, said.output
    assert f"GOES {old}" in said.flat
    assert f"STAYS {newest} the newest verified one" in said.flat
    assert "1 of" in said.flat
    assert tree(lab) == paths
    assert keepers(old_image)

    done = lab.play("prune", "-e", "backup_retention_hours=168")

    assert done.rc == 0, done.output
    assert done.changed == 1
    assert lab.backups() == sorted([*young, newest])
    assert stray.exists()
    assert keepers(old_image) == []
    assert keepers(stack_state.image_id(f"{lab.project}-nginx"))
    assert stack_state.differences(before, lab.state()) == []
    assert lab.play("prune", "-e", "backup_retention_hours=168").changed == 0
    rolled = lab.play("rollback", "--check", "-e", f"deployment={newest}")
    assert rolled.rc == 0, rolled.output


@pytest.mark.slow
def test_nothing_goes_while_the_clock_is_in_doubt_or_a_rollback_runs(lab: Lab) -> None:
    for number, days in enumerate((50, 40, 30, 20, 10)):
        aged(lab, lab.backup("-e", "kind=data"), days, number + 1)
    there = lab.backups()
    assert len(there) == 5

    done = lab.play("prune", "-e", "backup_retention_hours=168")
    assert done.rc == 0, done.output
    assert "NOTHING GOES: the newest backup is 10 d" in done.flat
    assert lab.backups() == there

    lab.backup("-e", "kind=data")
    there = lab.backups()
    samples.held_lock(samples.stack(lab.stack.directory), "rollback-20260101-000000")
    done = lab.play("prune", "-e", "backup_retention_hours=168")
    assert "NOTHING GOES: rollback-20260101-000000 changes this stack now" in done.flat
    skipped = lab.play("backup", "-e", "kind=data")
    assert skipped.rc == 0, skipped.output
    assert "the next data backup comes after it" in skipped.flat
    assert lab.backups() == there
    (lab.stack.directory / ".recovery" / "lock.json").unlink()
    assert lab.play("prune", "-e", "backup_retention_hours=168").changed == 1
    assert len(lab.backups()) == 3

"""A small file system for the backups: refused before the first change, no half backup, live data intact."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab

MIB = 1 << 20


@pytest.fixture
def small(lab: Lab, tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a file system of so many MiB for the backups, the one backup of the good state in it."""
    place = tmp_path / "small"
    place.mkdir()

    def mount(size: int) -> Path:
        lab.golden()
        options = f"size={size}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
        shutil.copytree(lab.stack.directory / "backups", place, dirs_exist_ok=True, copy_function=shutil.copy2)
        lab.write_inventory(backup_dir=str(place))
        return place

    yield mount
    subprocess.run(["umount", str(place)], check=False)
    lab.write_inventory()


@pytest.mark.fault("too little room on the disk")
@pytest.mark.slow
def test_too_little_room_for_a_snapshot_is_refused_before_the_first_change(
    lab: Lab, small: Callable[[int], Path]
) -> None:
    place = small(16)
    releases.good_but_different(lab)
    broken = lab.state()
    done = lab.play("rollback")
    assert done.rc != 0
    assert f"{place} has " in done.flat
    assert "a backup needs up to" in done.flat
    assert stack_state.untouched(broken, lab.state()) == []
    assert os.listdir(place / "rollback-state") == [] if (place / "rollback-state").exists() else True


@pytest.mark.fault("disk fills up under the snapshot")
def test_a_disk_that_fills_up_under_the_snapshot_leaves_no_half_backup(lab: Lab, small: Callable[[int], Path]) -> None:
    place = small(40)
    releases.good_but_different(lab)
    # The check beforehand knows the data's size; what a release has put beside its plugin is found only on the way.
    junk = lab.stack.directory / "kong" / "plugins" / "aws-masker" / "junk.bin"
    junk.write_bytes(os.urandom(60 * MIB))
    broken = lab.state()
    done = lab.play("rollback")
    assert done.rc != 0
    assert "No space left" in done.flat
    assert stack_state.untouched(broken, lab.state()) == []
    assert os.listdir(place / "rollback-state") == []
    junk.unlink()
    lab.write_inventory()
    assert lab.play("rollback").rc == 0

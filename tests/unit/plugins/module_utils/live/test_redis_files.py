"""The shell lines that replace a stopped server's data, run in a directory, and cut off after each of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_files as files
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_layout import Layout

SETTINGS = {"dbfilename": "dump.rdb", "appenddirname": "appendonlydir", "appendfilename": "appendonly.aof"}
OLD, NEW = b"old", b"new"


def layout(folder: Path, append: str, **further: str) -> Layout:
    return Layout.from_settings({"dir": str(folder), "appendonly": append, **SETTINGS, **further})


LAYOUTS = {
    "dump": ("no", {}),
    "another-name": ("no", {"dbfilename": "other name.rdb"}),
    "append-only": ("yes", {}),
    "append-only-names": ("yes", {"appenddirname": "dir", "appendfilename": "my.aof"}),
    "append-only-before-7": ("yes", {"appenddirname": ""}),
}


def old_data(folder: Path, about: Layout) -> None:
    """Lay out what a server has left."""
    (folder / about.dump).write_bytes(OLD)
    if about.append and about.append_dir:
        (folder / about.append_dir).mkdir()
        (folder / about.append_dir / f"{about.append_name}.7.base.rdb").write_bytes(OLD)
        (folder / about.append_dir / f"{about.append_name}.7.incr.aof").write_bytes(OLD)
        (folder / about.append_dir / f"{about.append_name}.manifest").write_bytes(OLD)
    elif about.append:
        (folder / about.append_name).write_bytes(OLD)


def run(lines: str, dump: Path) -> int:
    return subprocess.run(
        ["sh", "-c", lines.replace(files.HELPER_DUMP, str(dump))], stderr=subprocess.DEVNULL, check=False
    ).returncode


def state(folder: Path) -> dict[str, bytes]:
    """What the server finds: all files but the old ones that are kept aside."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(files.OLD)}


def clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def new_state(about: Layout, folder: Path) -> dict[str, bytes]:
    """What there must be afterwards, and nothing else."""
    found = {str(Path(about.target).relative_to(folder)): NEW}
    path, content = about.manifest
    if path:
        found[str(Path(path).relative_to(folder))] = content.encode()
    return found


@pytest.fixture(params=LAYOUTS)
def place(request, tmp_path):
    """A data directory with old data; yields (folder, layout, dump)."""
    append, further = LAYOUTS[request.param]
    folder, dump = tmp_path / "data", tmp_path / "new.rdb"
    folder.mkdir()
    dump.write_bytes(NEW)
    about = layout(folder, append, **further)
    old_data(folder, about)
    return folder, about, dump


def test_the_new_data_are_there_and_nothing_of_the_old(place):
    folder, about, dump = place
    assert run(files.script(about, commit=True), dump) == 0
    assert state(folder) == new_state(about, folder)


def test_nothing_begun_is_nothing_to_finish(place):
    folder, about, dump = place
    before = state(folder)
    assert run(files.script(about, commit=False), dump) == files.NOTHING_TO_FINISH
    assert state(folder) == before


def test_cut_off_after_any_line_the_old_data_are_whole_or_the_new_ones_are_finished(place):
    folder, about, dump = place
    before = state(folder)
    lines = files.script(about, commit=True).splitlines()
    outcomes = set()
    for count in range(3, len(lines)):
        clear(folder)
        old_data(folder, about)
        run("\n".join([*lines[:count], "trap - EXIT"]), dump)
        finished = run(files.script(about, commit=False), dump)
        whole = [new_state(about, folder)] if finished == 0 else [before, new_state(about, folder)]
        assert state(folder) in whole, lines[count - 1]
        outcomes.add(finished)
    assert outcomes == {0, files.NOTHING_TO_FINISH}


def test_a_full_disk_leaves_the_old_data_alone(place):
    folder, about, _dump = place
    before = state(folder)
    assert run(files.script(about, commit=True), folder.parent / "cannot-be-read") not in (0, files.NOTHING_TO_FINISH)
    assert state(folder) == before


def test_the_old_data_come_back_whole_and_nothing_of_the_new_stays(place):
    folder, about, dump = place
    before = state(folder)
    run(files.script(about, commit=True), dump)
    assert run(files.back_script(about), dump) == 0
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(before)
    assert state(folder) == before


def test_where_there_were_none_none_come_back(place):
    folder, about, dump = place
    clear(folder)
    run(files.script(about, commit=True), dump)
    assert run(files.back_script(about), dump) == 0
    assert list(folder.iterdir()) == []


def test_cut_off_while_they_are_put_back_the_next_run_goes_on_with_it(place):
    folder, about, dump = place
    before = state(folder)
    lines = files.back_script(about).splitlines()
    for count in range(4, len(lines)):
        clear(folder)
        old_data(folder, about)
        run(files.script(about, commit=True), dump)
        run("\n".join(lines[:count]), dump)
        assert run(files.script(about, commit=False), dump) == files.NOTHING_TO_FINISH
        assert state(folder) == before, lines[count - 1]


def test_cut_off_after_any_line_what_is_finished_can_still_be_taken_back(place):
    folder, about, dump = place
    before = state(folder)
    lines = files.script(about, commit=True).splitlines()
    for count in range(3, len(lines)):
        clear(folder)
        old_data(folder, about)
        run("\n".join([*lines[:count], "trap - EXIT"]), dump)
        if run(files.script(about, commit=False), dump) == 0:
            assert run(files.back_script(about), dump) == 0
            assert state(folder) == before, lines[count - 1]


@pytest.mark.parametrize("name", ["dump", "append-only-before-7"])
def test_a_single_file_is_replaced_in_one_step(tmp_path, name):
    """A server that the engine starts in between must find the old data or the new ones, never none."""
    folder, dump = tmp_path / "data", tmp_path / "new.rdb"
    dump.write_bytes(NEW)
    append, further = LAYOUTS[name]
    about = layout(folder, append, **further)
    lines = files.script(about, commit=True).splitlines()
    for count in range(3, len(lines) + 1):
        folder.mkdir(exist_ok=True)
        clear(folder)
        old_data(folder, about)
        run("\n".join([*lines[:count], "trap - EXIT"]), dump)
        assert Path(about.target).read_bytes() in (OLD, NEW), lines[count - 1]


def test_what_a_killed_run_kept_aside_is_removed_by_the_next_change(place):
    folder, about, dump = place
    for name in (files.OLD, files.BACK):
        (folder / name).mkdir()
        (folder / name / "left.rdb").write_bytes(b"stale")
    assert run(files.script(about, commit=True), dump) == 0
    assert not (folder / files.BACK).exists()
    assert not (folder / files.OLD / "left.rdb").exists()

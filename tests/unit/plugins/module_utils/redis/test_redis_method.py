"""How live data is changed and whether it may be."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_method as method


@pytest.mark.parametrize(
    ("given", "preserve", "backup", "mode"),
    [
        ("", True, {"kind": "deploy"}, "keep"),
        ("", False, {"kind": "deploy"}, "empty"),
        ("merge", False, {"kind": "deploy"}, "merge"),
        ("keep", False, {"kind": "rollback", "undo_data": "restore"}, "keep"),
        ("", False, {"kind": "rollback", "undo_data": "restore"}, "restore"),
        ("", False, {"kind": "rollback", "undo_data": ""}, "keep"),
        ("", False, {"kind": "rollback"}, "keep"),
    ],
    ids=["preserve", "clean-slate", "named", "named-before-undo", "undo", "undo-empty", "undo-unknown"],
)
def test_wanted_mode(given, preserve, backup, mode):
    assert method.wanted_mode(given, preserve, backup) == mode


@pytest.mark.parametrize(
    ("mode", "before", "after", "refused"),
    [
        ("restore", 100, 50, False),
        ("restore", 100, 49, True),
        ("restore", 101, 50, True),
        ("restore", 0, 0, False),
        ("restore", 1, 0, True),
        ("restore", None, 0, False),
        ("restore", 100, None, False),
        ("empty", 100, 0, False),
        ("merge", 100, 1, False),
        ("keep", 100, 0, False),
    ],
)
def test_loss_guard(mode, before, after, refused):
    found = method.loss_guard(mode, before, after)
    assert [(item.name, item.waivable) for item in found] == ([("mappings_loss", True)] if refused else [])


@pytest.mark.parametrize(
    ("wanted", "running", "chosen"),
    [("auto", True, "delta"), ("auto", False, "file"), ("delta", False, "delta"), ("file", True, "file")],
)
def test_choose(wanted, running, chosen):
    assert method.choose(wanted, running, "is absent")[0] == chosen


@pytest.mark.parametrize(
    ("how", "keys", "size", "off"),
    [
        ("delta", 10, 10, False),
        ("delta", 50_000, 64 << 20, False),
        ("delta", 50_001, 0, True),
        ("delta", 0, (64 << 20) + 1, True),
        ("file", 0, 0, True),
    ],
)
def test_kong_must_be_off(how, keys, size, off):
    assert method.kong_must_be_off(how, keys, size, 50_000) is off


@pytest.mark.parametrize(
    ("mode", "before", "after", "start"),
    [
        ("keep", 12431, 12431, "DATA: KEEP - 12,431 live mappings stay"),
        ("keep", None, None, "DATA: KEEP - an unknown number of live mappings stay"),
        ("empty", 12431, 0, "DATA: EMPTY - 12,431 live mappings leave service"),
        ("merge", 5, 1200, "DATA: MERGE - 5 live mappings stay, with the backup's there are 1,200"),
        ("restore", 5, 1200, "DATA: RESTORE - 5 live mappings are replaced by the backup's 1,200"),
    ],
)
def test_line(mode, before, after, start):
    assert method.line(mode, before, after, "-e redis_data=keep").startswith(start)


@pytest.mark.parametrize("mode", ["restore", "merge"])
def test_a_line_about_a_backup_that_could_not_be_counted(mode):
    assert method.line(mode, 5, None, "x").startswith(f"DATA: {mode.upper()} - 5 live mappings")


@pytest.mark.parametrize(
    ("wanted", "running", "refused"),
    [("auto", True, ""), ("delta", True, ""), ("file", True, "cannot be replaced"), ("auto", False, "cannot answer")],
)
def test_a_redis_outside_the_project_takes_a_delta_only(wanted, running, refused):
    if refused:
        with pytest.raises(RecoveryError, match=refused):
            method.choose(wanted, running, "is away", managed=True)
    else:
        assert method.choose(wanted, running, "", managed=True) == (
            "delta",
            "Redis is outside the project: only a delta applies",
        )


MIB = 1 << 20
FULL = {"maxmemory": 100 * MIB, "used_memory": 90 * MIB, "maxmemory_policy": "volatile-lru"}


@pytest.mark.parametrize(
    ("about", "container", "size", "problem"),
    [
        ({"used_memory": 90 * MIB}, 0, 500 * MIB, ""),
        (FULL, 0, 4 * MIB, ""),
        (FULL, 0, 6 * MIB, "keys would be evicted (volatile-lru)"),
        ({**FULL, "maxmemory_policy": "noeviction"}, 0, 6 * MIB, "it would refuse writes"),
        ({"used_memory": 50 * MIB, "used_memory_rss": 90 * MIB}, 100 * MIB, 4 * MIB, ""),
        ({"used_memory": 50 * MIB, "used_memory_rss": 90 * MIB}, 100 * MIB, 6 * MIB, "would have it killed"),
    ],
    ids=["no-limit", "fits", "evicts", "refuses", "container-fits", "container-killed"],
)
def test_room_problem(about, container, size, problem):
    found = method.room_problem(about, container, 10, size)
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("about", "container", "size", "fits"),
    [
        ({}, 0, 1 << 40, True),
        ({"maxmemory": 100, "used_memory": 99}, 0, 100, True),
        ({"maxmemory": 100, "used_memory": 0}, 0, 101, False),
        ({}, 100, 101, False),
    ],
)
def test_file_room_problem(about, container, size, fits):
    assert (method.file_room_problem(about, container, size) == "") is fits


@pytest.mark.parametrize(
    ("alive", "expired", "text"),
    [(4800, 2400, " (4,800 of the backup's 7,200 keys are still alive)"), (5, None, ""), (None, 3, "")],
)
def test_alive_text(alive, expired, text):
    assert method.alive_text(alive, expired) == text
    assert method.line("restore", 5, 3, "x", text).startswith(
        f"DATA: RESTORE - 5 live mappings are replaced by the backup's 3{text}; "
    )


def test_the_line_of_an_undo():
    assert method.line("undo", 5, 7, "x") == (
        "DATA: UNDO - 5 live mappings, with the snapshot's 7; what clients wrote since stays"
    )


@pytest.mark.parametrize(
    ("preserve", "given", "refused"),
    [
        (None, "empty", False),
        (True, "", False),
        (True, "keep", False),
        (True, "merge", False),
        (True, "empty", True),
        (True, "restore", True),
        (False, "keep", True),
        (False, "merge", True),
        (False, "restore", False),
        (False, "empty", False),
        (False, "no such mode", False),
    ],
)
def test_what_contradicts_itself_in_one_command(preserve, given, refused):
    assert bool(method.contradiction(preserve, given)) is refused

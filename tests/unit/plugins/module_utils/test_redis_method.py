"""How live data is changed and whether it may be."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import redis_method as method


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

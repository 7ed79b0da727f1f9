"""What the control groups above a process still allow."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import cgroup_memory

MIB = 1 << 20


def tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "room"),
    [
        ("0::/\n", {}, None),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "5\n"}, None),
        ("0::/\n", {"memory.max": f"{100 * MIB}\n", "memory.current": f"{40 * MIB}\n"}, 60 * MIB),
        (
            "0::/a/b\n",
            {
                "a/b/memory.max": "max",
                "a/b/memory.current": "1",
                "a/memory.max": f"{100 * MIB}",
                "a/memory.current": f"{90 * MIB}",
                "a/memory.stat": f"anon 1\ninactive_file {30 * MIB}\n",
                "memory.max": f"{200 * MIB}",
                "memory.current": f"{120 * MIB}",
            },
            40 * MIB,
        ),
        ("0::/\n", {"memory.max": "10", "memory.current": "20"}, 0),
        (
            "5:cpu:/x\n4:memory:/x\n",
            {
                "memory/x/memory.limit_in_bytes": f"{50 * MIB}",
                "memory/x/memory.usage_in_bytes": f"{20 * MIB}",
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "memory/memory.usage_in_bytes": "7",
            },
            30 * MIB,
        ),
    ],
    ids=["no-files", "no-limit", "limit", "narrowest-of-all", "over-its-limit", "version-1"],
)
def test_room(tmp_path, own, files, room):
    tree(tmp_path / "fs", files)
    (tmp_path / "own").write_text(own)
    assert cgroup_memory.room(str(tmp_path / "own"), str(tmp_path / "fs")) == room


def test_a_system_without_control_groups_has_no_such_limit(tmp_path):
    assert cgroup_memory.room(str(tmp_path / "none"), str(tmp_path)) is None

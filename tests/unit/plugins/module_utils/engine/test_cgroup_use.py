"""What a container uses, as its control groups say."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.cgroup_use import usage

ID = "c0ffee" * 10
SECOND = {
    f"fs/system.slice/docker-{ID}.scope/memory.current": "3000\n",
    f"fs/system.slice/docker-{ID}.scope/memory.stat": "anon 5\ninactive_file 1000\n",
    f"fs/system.slice/docker-{ID}.scope/pids.current": "7\n",
    f"fs/system.slice/docker-{ID}.scope/pids.max": "100\n",
}
FIRST = {
    f"fs/memory/docker/{ID}/memory.usage_in_bytes": "3000\n",
    f"fs/memory/docker/{ID}/memory.stat": "cache 5\ntotal_inactive_file 1000\n",
    f"fs/pids/docker/{ID}/pids.current": "7\n",
    f"fs/pids/docker/{ID}/pids.max": "max\n",
}


def laid_out(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return usage(42, ID, str(root / "proc"), str(root / "fs"))


@pytest.mark.parametrize(
    ("groups", "files", "stats", "limit"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", SECOND, {"anon": 5, "inactive_file": 1000}, 100),
        (f"9:memory:/docker/{ID}\n8:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", FIRST,
         {"cache": 5, "total_inactive_file": 1000}, 0),
    ],
    ids=["version-2", "version-1"],
)  # fmt: skip
def test_the_figures_have_the_engines_shape(tmp_path, groups, files, stats, limit):
    found = laid_out(tmp_path, {**files, "proc/42/cgroup": groups})
    assert found == {
        "memory_stats": {"usage": 3000, "stats": stats},
        "pids_stats": {"current": 7, "limit": limit},
    }


@pytest.mark.parametrize(
    "files",
    [
        {},
        {**SECOND, "proc/42/cgroup": "0::/user.slice\n"},
        {"proc/42/cgroup": f"0::/system.slice/docker-{ID}.scope\n"},
        {**FIRST, "proc/42/cgroup": f"9:memory:/docker/{ID}\n"},
    ],
    ids=["no-such-process", "another-process-of-this-number", "groups-out-of-reach", "no-group-of-processes"],
)
def test_what_this_host_does_not_tell_is_left_to_the_engine(tmp_path, files):
    assert laid_out(tmp_path, files) == {}

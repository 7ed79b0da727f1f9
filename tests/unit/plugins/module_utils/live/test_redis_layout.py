"""What the settings of a Redis say about its files, and where no file can be replaced."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import Mount
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_layout
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_layout import Layout
from ansible_collections.kong_masking.recovery.tests.unit import samples

BOOT = Layout("/data", "dump.rdb", append=False, append_dir="appendonlydir", append_name="appendonly.aof")


def test_settings_are_read_from_what_the_client_prints():
    assert redis_layout.parse_settings("dir\n/data\nsave\n\ndbfilename\nx.rdb\n") == {
        "dir": "/data",
        "save": "",
        "dbfilename": "x.rdb",
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"append": True}, "appendonly yes, after a start no"),
        ({"directory": "/tmp"}, "dir /tmp, after a start /data"),
        (
            {"dump": "x.rdb", "append": True},
            "dbfilename x.rdb, after a start dump.rdb; appendonly yes, after a start no",
        ),
    ],
    ids=["nothing", "append-only", "directory", "two"],
)
def test_what_was_set_while_it_ran_is_named(changed, said):
    found = redis_layout.drift(dataclasses.replace(BOOT, **changed), BOOT)
    assert found == (f"Redis runs with {said}: its files were placed for the start." if said else "")


VOLUME = Mount("volume", "/volumes/d", "/data", writable=True)
BIND = Mount("bind", "/srv/d", "/bitnami", writable=True)


@pytest.mark.parametrize(
    ("mounts", "directory", "reason"),
    [
        ([VOLUME], "/data", ""),
        ([BIND], "/bitnami/redis/data", ""),
        ([VOLUME], "/var/lib/redis", "in its own layer, on no volume"),
        ([], "/data", "in its own layer, on no volume"),
        ([VOLUME], "/data2", "in its own layer, on no volume"),
        ([Mount("tmpfs", "", "/data", writable=True)], "/data", "in memory (tmpfs /data)"),
        ([BIND, Mount("tmpfs", "", "/bitnami/redis", writable=True)], "/bitnami/redis/data", "in memory"),
        ([Mount("tmpfs", "", "/var", writable=True), Mount("bind", "/s", "/var/lib", writable=True)], "/var/lib/r", ""),
    ],
    ids=["volume", "below", "elsewhere", "no-mount", "begins-alike", "tmpfs", "tmpfs-below", "volume-on-tmpfs"],
)
def test_files_that_no_helper_sees_cannot_be_replaced(mounts, directory, reason):
    said = redis_layout.place_problem(samples.container("redis", mounts=tuple(mounts)), directory)
    if not reason:
        assert said == ""
    else:
        assert reason in said
        assert said.startswith(f"gateway-redis-1 keeps its data in {directory}, ")

"""The copy of a stream ends where the data end: the mark behind them would make append-only files unreadable."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_dump
from ansible_collections.kong_masking.recovery.tests.unit import samples

DATA = b"REDIS0010" + b"d" * 90 + b"\xff" + b"c" * 8
MARK = b"m" * 40
MARKED = b"SYNC sent to master, writing bytes of bulk transfer until EOF marker to '-'\n"
NEW = MARKED + b"Transfer finished with success after 108 bytes\n"
OLD = MARKED + b"Transfer finished with success.\n"
SIZED = b"SYNC sent to master, writing 108 bytes to '-'\nTransfer finished with success.\n"


@pytest.mark.parametrize(
    ("sent", "said"),
    [(DATA + MARK, NEW), (DATA + MARK, OLD), (DATA, NEW), (DATA, SIZED), (DATA, b"")],
    ids=["with-the-mark", "older-client", "without-it", "sized", "silent"],
)
def test_the_copy_is_the_data_and_nothing_else(tmp_path, sent, said):
    client = SimpleNamespace(
        place=("10.0.0.2", 6379),
        password="x",
        access=SimpleNamespace(user=""),
        prompt_stream=dict,
        restore_settings=lambda _before: None,
    )
    chunks = [(b"", said[:70]), (sent[:50], b""), (sent[50:], b""), (b"", said[70:])]
    engine = SimpleNamespace(stream=lambda *_args: iter(chunks))
    path = tmp_path / "redis-backup.rdb"
    size = redis_dump.stream(engine, samples.container("redis", addresses={"n": "10.0.0.2"}), client, str(path))
    assert (path.read_bytes(), size) == (DATA, len(DATA))

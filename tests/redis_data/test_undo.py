"""A change of the data is taken back: the snapshot returns, what the change brought goes, clients' own keys stay."""

from __future__ import annotations

import pytest
from redis_lab import same


@pytest.fixture
def changed(lab, tmp_path):
    """Three states in a row: a backup, the live data before a change, and what it takes to undo the change."""
    lab.empty()
    lab.fill(1, 41)
    backup = lab.dump(tmp_path / "backup.rdb")
    lab.empty()
    lab.fill(21, 31)
    lab.fill(101, 121, prefix="j-")
    lab.client().set("other:key", "stays")
    snapshot = lab.dump(tmp_path / "snapshot.rdb")
    return backup, snapshot, lab.content()


@pytest.mark.parametrize("method", ["delta", "file"])
@pytest.mark.parametrize("mode", ["restore", "merge", "empty"])
def test_the_data_of_before_returns_and_what_clients_wrote_since_stays(lab, changed, mode, method):
    backup, snapshot, before = changed
    brought = "" if mode == "empty" else backup
    lab.job(mode, brought).run()
    lab.fill(201, 206, prefix="k-")
    counter = int(lab.client().get("aws_masker:cnt:ec2"))
    # A key that the change brought and a client wrote again is the client's.
    lab.client().set("aws_masker:map:AWS_EC2_005", "a client's", ex=3600)
    theirs = (b"AWS_EC2_20", b"a client's")
    since = {
        key: value for key, value in lab.content().items() if any(it in repr((key, value)).encode() for it in theirs)
    }
    preview = lab.job("undo", snapshot, method, brought=brought).preview()
    result = lab.job("undo", snapshot, method, brought=brought).run()
    lab.wait()
    wanted = {**before, **since}
    same(wanted, lab.content())
    assert int(lab.client().get("aws_masker:cnt:ec2")) >= counter
    assert preview.after == sum(key.startswith(b"aws_masker:map:") for _database, key in wanted)
    if method == "delta":
        assert (preview.restored, preview.removed) == (result["keys_restored"], result["keys_removed"])
        assert lab.job("undo", snapshot, method, brought=brought).run()["changed"] is False

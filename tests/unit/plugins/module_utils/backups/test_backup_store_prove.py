"""The deep check of one backup, and writing one."""

from __future__ import annotations

import json
import os
import socket
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_store import BackupWriter
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError, RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner, Stamp
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import (
    ID,
    KEY,
    MINE,
    OLD_KEY,
    listing,
    manifest,
    store,
    written,
)

FILE = "files/kong/kong.yml"


@pytest.fixture
def where(tmp_path):
    return store(tmp_path)


def prove(where):
    """Prove the one backup that is there."""
    (found,) = listing(where)
    return where.prove(found)


def refused(where, path, expected, found):
    """Assert that proving fails with exactly this difference."""
    with pytest.raises(DamagedBackupError) as caught:
        prove(where)
    assert caught.value.details == {"backup_id": ID, "path": path, "expected": expected, "found": found}


def test_a_good_one(where):
    written(where)
    assert [(item["path"], item["size"]) for item in prove(where)] == [("config.env", 22), (FILE, 23)]


def test_a_flipped_bit(where):
    path = os.path.join(written(where), "config.env")
    with open(path, "r+b") as handle:
        handle.write(b"J")
    with pytest.raises(DamagedBackupError) as caught:
        prove(where)
    assert caught.value.details["expected"].startswith("SHA-256 ")
    assert caught.value.details["path"] == "config.env"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_file(where, data):
    path = os.path.join(where.root, "pre-deploy", ID)
    if not os.path.isdir(path):
        written(where)
    name = data.draw(st.sampled_from(["config.env", FILE]))
    full = os.path.join(path, name)
    with open(full, "rb") as handle:
        content = handle.read()
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        with open(full, "wb") as handle:
            handle.write(changed)
        with pytest.raises(DamagedBackupError):
            prove(where)
    finally:
        with open(full, "wb") as handle:
            handle.write(content)


class TestStructure:
    @pytest.mark.parametrize(("size", "found"), [(0, "0"), (21, "21"), (23, "23")], ids=["empty", "cut-off", "longer"])
    def test_another_size(self, where, size, found):
        os.truncate(os.path.join(written(where), "config.env"), size)
        refused(where, "config.env", "22 bytes", found)

    def test_a_missing_file(self, where):
        os.unlink(os.path.join(written(where), FILE))
        refused(where, FILE, "23 bytes", "no file")

    def test_an_extra_file(self, where):
        with open(os.path.join(written(where), "files", "more.lua"), "w", encoding="utf-8") as handle:
            handle.write("x")
        refused(where, "files/more.lua", "a file of the manifest", "one that the manifest does not know")

    def test_a_hard_link(self, where, tmp_path):
        os.link(os.path.join(written(where), FILE), tmp_path / "elsewhere")
        refused(where, FILE, "a file with one name", "one with 2 names (hard link)")

    def test_a_link_to_a_file(self, where, tmp_path):
        path = os.path.join(written(where), FILE)
        os.rename(path, tmp_path / "content")
        os.symlink(tmp_path / "content", path)
        refused(where, FILE, "a regular file", "a link, device or pipe")

    def test_a_link_to_a_directory(self, where, tmp_path):
        path = os.path.join(written(where), "files")
        os.rename(path, tmp_path / "moved")
        os.symlink(tmp_path / "moved", path)
        refused(where, "files", "a directory", "a link")

    def test_a_pipe(self, where):
        os.mkfifo(os.path.join(written(where), "files", "pipe"))
        refused(where, "files/pipe", "a regular file", "a link, device or pipe")

    def test_a_socket(self, where, monkeypatch):
        monkeypatch.chdir(os.path.join(written(where), "files"))
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("s")
            refused(where, "files/s", "a regular file", "a link, device or pipe")

    def test_a_nested_directory_that_everybody_may_write_to(self, where):
        os.chmod(os.path.join(written(where), "files", "kong"), 0o777)
        refused(where, "kong", "a private directory", "one that everybody may write to")


class TestSigned:
    def test_by_the_older_key(self, tmp_path):
        written(store(tmp_path, [OLD_KEY]))
        assert len(prove(store(tmp_path, [KEY, OLD_KEY]))) == 2

    def test_by_nobody(self, tmp_path):
        written(store(tmp_path))
        with pytest.raises(DamagedBackupError, match="is not signed"):
            prove(store(tmp_path, [KEY]))
        assert len(prove(store(tmp_path, [KEY], allow_unsigned=True))) == 2

    @pytest.mark.parametrize(
        ("name", "change"),
        [("manifest.json", {"sequence": 99}), ("marks.json", {"verified": False}), ("marks.json", {"critical": True})],
        ids=["manifest", "mark-taken", "mark-given"],
    )
    def test_changed_afterwards(self, tmp_path, name, change):
        where = store(tmp_path, [KEY])
        path = os.path.join(written(where), name)
        with open(path, encoding="utf-8") as handle:
            document = json.load(handle)
        with open(path, "w", encoding="utf-8") as handle:
            json.dump({**document, **change}, handle)
        with pytest.raises(DamagedBackupError, match="does not carry the signature of its content"):
            prove(where)

    def test_an_original_layout_is_unsigned_too(self, tmp_path):
        path = tmp_path / "pre-deploy" / ID
        path.mkdir(parents=True, mode=0o700)
        (path / "config.env").write_text("A=1\n", encoding="utf-8")
        with pytest.raises(DamagedBackupError, match="not signed"):
            prove(store(tmp_path, [KEY]))
        assert len(prove(store(tmp_path, [KEY], allow_unsigned=True))) == 1


def test_a_manifest_that_names_a_file_outside_is_refused(where):
    path = written(where)
    outside = os.path.join(where.root, "outside")
    with open(outside, "wb") as handle:
        handle.write(b"x")
    with open(os.path.join(path, "manifest.json"), encoding="utf-8") as handle:
        document = json.load(handle)
    document["files"].append({"path": "../../outside", "sha256": Runner().sha256(outside), "size": 1})
    with open(os.path.join(path, "manifest.json"), "w", encoding="utf-8") as handle:
        json.dump(document, handle)
    refused(where, "../../outside", "1 bytes", "no file")


class TestWriter:
    def test_nothing_is_listed_as_usable_before_the_end(self, where):
        writer = BackupWriter(where, ID, MINE)
        writer.add("config.env", b"A=1\n")
        assert [(item["usable"], item["reason"]) for item in listing(where)] == [(False, "was never finished")]
        assert os.path.basename(writer.finish(manifest(), {})) == ID
        assert [item["usable"] for item in listing(where)] == [True]

    def test_abandon_leaves_nothing(self, where):
        writer = BackupWriter(where, ID, MINE)
        writer.add("files/a/b", b"x")
        writer.abandon()
        writer.abandon()
        assert listing(where) == []
        assert os.listdir(os.path.join(where.root, "pre-deploy")) == []

    def test_modes(self, where):
        path = written(where)
        modes = {stat.S_IMODE(os.lstat(os.path.join(parent, name)).st_mode)
                 for parent, _folders, names in os.walk(path) for name in names}  # fmt: skip
        assert modes == {0o600}
        assert {stat.S_IMODE(os.lstat(parent).st_mode) for parent, _folders, _names in os.walk(path)} == {0o700}

    def test_the_directories_above_are_private_too(self, tmp_path):
        before = os.umask(0o022)
        try:
            written(store(tmp_path / "backups"))
        finally:
            os.umask(before)
        found = {name: stat.S_IMODE(os.lstat(tmp_path / name).st_mode) for name in ("backups", "backups/pre-deploy")}
        assert found == {"backups": 0o700, "backups/pre-deploy": 0o700}

    def test_remains_of_a_killed_run_are_replaced(self, where):
        BackupWriter(where, ID, MINE).add("old", b"x")
        written(where)
        assert len(prove(where)) == 2

    def test_an_id_is_never_taken_twice(self, where):
        written(where)
        with pytest.raises(RecoveryError, match=f"Backup {ID} exists already"):
            BackupWriter(where, ID, MINE)

    @pytest.mark.parametrize("bad", ["../x", "/etc", "deploy-1", ""])
    def test_a_path_is_no_id(self, where, bad):
        with pytest.raises(RecoveryError, match="is no backup id"):
            BackupWriter(where, bad, MINE)

    def test_everything_gets_the_owner_also_what_was_streamed_in(self, tmp_path):
        class Remembering(Runner):
            stamped: dict = {}  # noqa: RUF012

            def apply_stamp(self, path, stamp):
                self.stamped[path.replace(".recovery-new", "")] = (stamp.uid, stamp.gid)

        where = store(tmp_path, runner=Remembering())
        writer = BackupWriter(where, ID, Stamp(0o700, 1234, 5678))
        writer.add("config.env", b"A=1\n")
        streamed = os.path.join(writer.path, "redis-backup.rdb")
        with open(streamed, "wb") as handle:
            handle.write(b"REDIS")
        writer.note("redis-backup.rdb")
        writer.finish(manifest(), {})
        names = ["config.env", "redis-backup.rdb", "manifest.json", "marks.json"]
        found = {name: where.runner.stamped.get(os.path.join(writer.path, name)) for name in names}
        assert found == dict.fromkeys(names, (1234, 5678))

"""The proof of a rehearsal: shown in lists, signed with a key, void as soon as a byte differs."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import report
from ansible_collections.kong_masking.recovery.plugins.module_utils.backups import proof, signing
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError, RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import ID, KEY, NOW, listing, store, written

CHECKS = [{"name": "redis_keys", "status": "passed"}, {"name": "masking", "status": "not_measured"}]


def proven(where, days=3, good=True):
    """A backup with a proof that is some days old."""
    path = written(where)
    at = NOW - timedelta(days=days)
    where.add_mark({"id": ID, "path": path}, "drill", proof.made(Runner(), path, at, 9.43, CHECKS, good))
    return path


def marks(where):
    (row,) = listing(where)
    return report.marks_text(row)


def test_a_proof_is_shown_with_its_age_beside_the_other_marks(tmp_path):
    where = store(tmp_path)
    path = proven(where)
    assert marks(where) == "verified, proven 3 d 0 h ago"
    with open(os.path.join(path, proof.MARKS), encoding="utf-8") as handle:
        written_down = json.load(handle)
    assert written_down["drill"]["checks"] == {"redis_keys": "passed", "masking": "not_measured"}
    assert written_down["drill"]["seconds"] == 9.4
    assert written_down["drill"]["manifest_sha256"] == Runner().sha256(os.path.join(path, proof.MANIFEST))
    assert written_down["verified"] is True


def test_a_rehearsal_that_failed_is_shown_as_such(tmp_path):
    where = store(tmp_path)
    proven(where, good=False)
    assert marks(where) == "verified, REHEARSAL FAILED 3 d 0 h ago"


@pytest.mark.parametrize("name", ["manifest.json", "config.env", "files/kong/kong.yml"])
@pytest.mark.parametrize("hide", [False, True], ids=["plain", "with-the-old-time"])
def test_a_changed_byte_anywhere_voids_it(tmp_path, name, hide):
    where = store(tmp_path)
    path = proven(where)
    full = os.path.join(path, name)
    before = os.stat(full)
    with open(full, "r+b") as handle:
        content = handle.read()
        handle.seek(0)
        handle.write(content.replace(b"_format", b"_farmat").replace(b"KONG", b"KING").replace(b"gw1", b"gw1"))
        if name == "manifest.json":
            handle.write(b" ")
    if hide:
        os.utime(full, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert marks(where) == "verified, proof void: changed since"


def test_a_copy_with_other_times_keeps_it(tmp_path):
    where = store(tmp_path)
    path = proven(where)
    for parent, _folders, names in os.walk(path):
        for name in names:
            os.utime(os.path.join(parent, name), (1, 1))
    assert marks(where) == "verified, proven 3 d 0 h ago"


def test_a_proof_of_another_backup_is_none(tmp_path):
    where = store(tmp_path)
    path = proven(where)
    other = written(where, "deploy-20260729-110000")
    with open(os.path.join(path, proof.MARKS), "rb") as source, open(os.path.join(other, proof.MARKS), "wb") as target:
        target.write(source.read())
    texts = {row["id"]: report.marks_text(row) for row in listing(where)}
    assert texts["deploy-20260729-110000"] == "verified, proof void: changed since"


def test_with_a_key_the_proof_is_signed_and_cannot_be_forged(tmp_path):
    where = store(tmp_path, [KEY])
    path = proven(where)
    (row,) = listing(where)
    where.prove(row)
    full = os.path.join(path, proof.MARKS)
    with open(full, encoding="utf-8") as handle:
        document = json.load(handle)
    assert document["signature"]["key_id"] == signing.key_id(KEY)
    document["drill"]["at"] = "2026-07-29T00:00:00Z"
    with open(full, "w", encoding="utf-8") as handle:
        json.dump(document, handle)
    with pytest.raises(DamagedBackupError, match="does not carry the signature"):
        where.prove(row)


def test_signed_marks_are_not_replaced_by_unsigned_ones(tmp_path):
    path = written(store(tmp_path, [KEY]))
    before = Runner().read(os.path.join(path, proof.MARKS))
    with pytest.raises(RecoveryError, match="no signing key is set"):
        store(tmp_path).add_mark({"id": ID, "path": path}, "drill", {})
    assert Runner().read(os.path.join(path, proof.MARKS)) == before


@pytest.mark.parametrize("nonsense", [None, [], "x", {"at": 1}, {"manifest_sha256": None}], ids=repr)
def test_nonsense_in_the_marks_proves_nothing(tmp_path, nonsense):
    where = store(tmp_path)
    where.add_mark({"id": ID, "path": written(where)}, "drill", nonsense)
    assert "proven" not in marks(where)

"""Signatures: what is accepted, and that no byte of a signed manifest can be changed."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups import signing
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import KEY, OLD_KEY, manifest

DOCUMENT = manifest(files=[{"path": "config.env", "sha256": "ab" * 32, "size": 12}])
SIGNED = json.dumps(signing.sign(DOCUMENT, KEY), separators=(",", ":")).encode()


def check(document, keys=(KEY,), allow_unsigned=False):
    """Check a document as discovery does."""
    return signing.check_signature(document, list(keys), allow_unsigned, "Backup X")


@pytest.mark.parametrize(
    ("signed_with", "keys", "allow_unsigned", "result"),
    [
        (KEY, [KEY], False, True),
        (KEY, [KEY], True, True),
        (OLD_KEY, [KEY, OLD_KEY], False, True),
        (KEY, [], False, False),
        ("", [], False, False),
        ("", [KEY], True, False),
        ("", [KEY], False, "Backup X is not signed, and a signing key is set."),
        (OLD_KEY, [KEY], False, "not a known one"),
        (OLD_KEY, [KEY], True, "not a known one"),
    ],
    ids=[
        "signed",
        "signed-and-unsigned-allowed",
        "older-key",
        "no-key-to-check-with",
        "no-signing-at-all",
        "unsigned-allowed",
        "unsigned",
        "unknown-key",
        "unknown-key-although-unsigned-allowed",
    ],
)
def test_check_signature(signed_with, keys, allow_unsigned, result):
    document = signing.sign(DOCUMENT, signed_with)
    if isinstance(result, bool):
        assert check(document, keys, allow_unsigned) is result
    else:
        with pytest.raises(DamagedBackupError, match=result):
            check(document, keys, allow_unsigned)


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_one_byte_changed_anywhere_is_refused(place, flip):
    changed = bytearray(SIGNED)
    changed[place] ^= flip
    try:
        document = json.loads(changed)
    except ValueError:
        return  # the listing refuses what is no JSON
    assume(isinstance(document, dict) and document != json.loads(SIGNED))
    with pytest.raises(DamagedBackupError):
        check(document)


@pytest.mark.parametrize("algorithm", ["none", "hmac-md5", "", None])
def test_another_algorithm_in_the_signature_is_refused(algorithm):
    document = json.loads(SIGNED)
    document["signature"]["algorithm"] = algorithm
    with pytest.raises(DamagedBackupError):
        check(document)


@pytest.mark.parametrize("signature", ["text", ["list"], 7, True], ids=["text", "list", "number", "true"])
def test_a_signature_of_another_shape_is_refused_and_does_not_crash(signature):
    with pytest.raises(DamagedBackupError):
        check({**DOCUMENT, "signature": signature})


def test_the_key_is_not_in_what_is_written():
    assert KEY.encode() not in SIGNED
    assert signing.key_id(KEY) != signing.key_id(OLD_KEY)


def test_order_of_fields_does_not_count():
    reordered = dict(sorted(json.loads(SIGNED).items(), reverse=True))
    assert check(reordered) is True

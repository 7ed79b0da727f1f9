"""Which keys count: the one to sign with first, then those of before, and no empty one."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.signing import (
    SIGNING_SPEC,
    check_signature,
    keys_of,
    sign,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError


@pytest.mark.parametrize(
    ("key", "further", "keys"),
    [
        (None, [], []),
        ("", [], []),
        ("", ["", "old"], ["old"]),
        ("new", [], ["new"]),
        ("new", ["old", "older"], ["new", "old", "older"]),
    ],
    ids=["unset", "empty-as-a-survey-sends-it", "empty-ones-among-them", "one", "the-signing-one-first"],
)
def test_keys_of(key, further, keys):
    assert keys_of({"signing_key": key, "verification_keys": further}) == keys


def test_a_new_key_signs_and_the_old_one_still_verifies():
    before = sign({"id": "deploy-1"}, keys_of({"signing_key": "old", "verification_keys": []})[0])
    keys = keys_of({"signing_key": "new", "verification_keys": ["old"]})
    assert check_signature(before, keys, False, "It")
    assert check_signature(sign({"id": "deploy-2"}, keys[0]), ["new"], False, "It")


def test_no_keys_at_all_ask_for_no_signature_and_an_empty_one_is_none():
    assert check_signature({"id": "x"}, keys_of({"signing_key": "", "verification_keys": [""]}), False, "It") is False
    with pytest.raises(DamagedBackupError, match="It is not signed"):
        check_signature({"id": "x"}, keys_of({"signing_key": "", "verification_keys": ["old"]}), False, "It")


def test_ansible_logs_no_key():
    assert {name for name, about in SIGNING_SPEC.items() if about.get("no_log")} == {"signing_key", "verification_keys"}

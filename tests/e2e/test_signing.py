"""Signed backups: with a key set, what was changed or signed by somebody else is no target."""

from __future__ import annotations

import pytest
import stack_state
from lab import Lab

KEY, OTHER_KEY = "Canary-signing-key-4711-of-this-team", "Canary-signing-key-0815-of-another"


@pytest.fixture
def signed(lab: Lab) -> Lab:
    lab.write_inventory(backup_signing_key=KEY)
    try:
        yield lab
    finally:
        lab.write_inventory()


@pytest.mark.slow
def test_only_what_our_key_signed_is_a_target_and_the_key_is_never_seen(signed: Lab) -> None:
    outputs = []

    def play(playbook: str, *args: str) -> tuple[int, str]:
        done = signed.play(playbook, "-vvv", *args)
        outputs.append(done.output)
        return done.rc, done.flat

    assert play("backup")[0] == 0
    (backup_id,) = signed.backups()
    before = signed.state()
    assert play("rollback", "--check")[0] == 0

    signed.write_inventory(backup_signing_key=OTHER_KEY)
    rc, flat = play("rollback", "-e", f"deployment={backup_id}")
    assert rc != 0
    assert "not a known one" in flat

    signed.write_inventory(backup_signing_key=OTHER_KEY, backup_verification_keys=[KEY])
    assert play("rollback", "--check")[0] == 0

    manifest = signed.backup_path(backup_id) / "manifest.json"
    signed.write_inventory(backup_signing_key=KEY)
    manifest.write_bytes(manifest.read_bytes().replace(b'"sequence": 1', b'"sequence": 7'))
    rc, flat = play("rollback", "-e", f"deployment={backup_id}")
    assert rc != 0
    assert "it was changed" in flat

    assert stack_state.untouched(before, signed.state()) == []
    assert [text for text in outputs if KEY in text or OTHER_KEY in text] == []


@pytest.mark.slow
def test_an_unsigned_backup_is_refused_unless_allowed(lab: Lab) -> None:
    golden = lab.golden()
    lab.write_inventory(backup_signing_key=KEY)
    try:
        refused = lab.play("rollback", "-e", f"deployment={golden}")
        allowed = lab.play("rollback", "--check", "-e", "backup_allow_unsigned=true")
    finally:
        lab.write_inventory()

    assert refused.rc != 0
    assert "is not signed, and a signing key is set" in refused.flat
    assert allowed.rc == 0, allowed.output

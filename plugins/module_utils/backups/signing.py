# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signatures of manifests and marks, and the options that several modules share for them. Pure.

The options are documented in doc_fragments/signing.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import DamagedBackupError

SIGNING_SPEC: dict[str, Any] = {
    "signing_key": {"type": "str", "no_log": True},
    "verification_keys": {"type": "list", "elements": "str", "no_log": True, "default": []},
    "allow_unsigned": {"type": "bool", "default": False},
}


def keys_of(params: Mapping[str, Any]) -> list[str]:
    """Return the keys to accept, the one to sign with first."""
    return [key for key in [params["signing_key"], *params["verification_keys"]] if key]


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the bytes that a signature covers: everything but the signature, keys sorted."""
    return json.dumps(
        {k: v for k, v in document.items() if k != "signature"}, sort_keys=True, separators=(",", ":")
    ).encode()


def key_id(key: str) -> str:
    """Return a short name of a key that does not give it away."""
    return hashlib.sha256(b"kong_masking.recovery key id:" + key.encode()).hexdigest()[:16]


def sign(document: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the document with an HMAC-SHA256 over all of it; unchanged without a key."""
    if not key:
        return document
    value = hmac.new(key.encode(), canonical(document), hashlib.sha256).hexdigest()
    return {**document, "signature": {"algorithm": "hmac-sha256", "key_id": key_id(key), "value": value}}


def check_signature(document: Mapping[str, Any], keys: Sequence[str], allow_unsigned: bool, what: str) -> bool:
    """Return whether one of keys signed the document; raise where none did and should have, or the HMAC is wrong."""
    signature = document.get("signature")
    if not signature:
        if keys and not allow_unsigned:
            raise DamagedBackupError(
                f"{what} is not signed, and a signing key is set.",
                "Accept unsigned ones: -e backup_allow_unsigned=true",
            )
        return False
    if not keys:
        return False
    named = str(signature.get("key_id")) if isinstance(signature, Mapping) else "of another shape"
    key = next((key for key in keys if key_id(key) == named), None)
    if key is None:
        raise DamagedBackupError(
            f"{what} is signed with key {named}, not a known one.",
            "Add the older key to backup_verification_keys.",
        )
    wanted = sign(dict(document), key)["signature"]
    if signature.keys() != wanted.keys() or not all(
        hmac.compare_digest(str(signature[name]), wanted[name]) for name in wanted
    ):
        raise DamagedBackupError(
            f"{what} does not carry the signature of its content: it was changed.", "Choose another backup."
        )
    return True

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The signing options that several modules share. Documented in doc_fragments/signing.py. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIGNING_SPEC: dict[str, Any] = {
    "signing_key": {"type": "str", "no_log": True},
    "verification_keys": {"type": "list", "elements": "str", "no_log": True, "default": []},
    "allow_unsigned": {"type": "bool", "default": False},
}


def keys_of(params: Mapping[str, Any]) -> list[str]:
    """Return the keys to accept, the one to sign with first."""
    return [key for key in [params["signing_key"], *params["verification_keys"]] if key]

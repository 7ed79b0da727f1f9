# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the signing options."""

from __future__ import annotations


class ModuleDocFragment:
    """Signing options, shared by the modules that read or write backups."""

    DOCUMENTATION = r"""
options:
  signing_key:
    description: Key of the HMAC-SHA256 over manifest and marks; without it backups are not signed.
    type: str
  verification_keys:
    description: Older keys that signatures are accepted from.
    type: list
    elements: str
    default: []
  allow_unsigned:
    description: Accept backups without a signature although a key is set.
    type: bool
    default: false
"""

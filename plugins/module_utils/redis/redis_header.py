# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump's header decides whether Redis looks at the dump's checksum, so a damaged header can hide damaged data.

Redis reads the version like C's atoi: ``001p`` is 1. Dumps below version 5 have no checksum, so it would load such a
one with whatever else is wrong in it.
"""

from __future__ import annotations

MAGIC = b"REDIS"
HEADER_BYTES = len(MAGIC) + 4
FIRST_WITH_CHECKSUM = 5
# Redis writes fields about the server first, since version 7; no older dump begins with one.
FIELD = 0xFA
FIRST_WITH_FIELDS = 7


def fault(start: bytes) -> str:
    """Return why a dump that begins like this must not be loaded; empty where Redis itself will tell.

    start: at least the first ten bytes of the dump, less where it is shorter.
    """
    header, content = start[:HEADER_BYTES], start[HEADER_BYTES:]
    version = header[len(MAGIC) :]
    if not header.startswith(MAGIC) or len(header) < HEADER_BYTES:
        return ""
    if not version.isdigit():
        return f"its version is no number ({version!r}), and Redis would load it without looking at its checksum"
    if int(version) < FIRST_WITH_CHECKSUM and content[:1] == bytes([FIELD]):
        return (
            f"its header says version {int(version)}, which has no checksum, and what follows is of "
            f"version {FIRST_WITH_FIELDS} or newer"
        )
    return ""

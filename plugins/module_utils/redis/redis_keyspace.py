# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many keys each database of a Redis holds, by INFO. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Redis 8 tells more about a database under longer names: db0_distrib_strings_sizes.
DATABASE = re.compile(r"db(\d+)")


def keyspace(about: Mapping[str, Any]) -> dict[int, int]:
    """Return database → keys from INFO as redis-py parses it; databases without keys are not in it."""
    found = ((DATABASE.fullmatch(name), item) for name, item in about.items())
    return {int(match[1]): int(item["keys"]) for match, item in found if match and isinstance(item, dict)}

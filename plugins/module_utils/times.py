# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Points in time and durations as the engine, the manifest and people write them. Pure."""

from __future__ import annotations

import re
from datetime import datetime

_ISO = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$")


def parse_time(text: str) -> datetime | None:
    """Return an ISO 8601 time as Docker and the manifest write it, to the second; None when it is none."""
    match = _ISO.match(text or "")
    if not match:
        return None
    zone = "+00:00" if match.group(2) in (None, "Z") else match.group(2)
    try:
        return datetime.fromisoformat(match.group(1) + zone)
    except ValueError:
        return None


def span(seconds: float) -> str:
    """Return a duration as people say it: ``45 s``, ``12 min``, ``3 h 12 min``, ``2 d 4 h``."""
    total = max(0, int(seconds))
    days, hours, minutes = total // 86400, total // 3600 % 24, total // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{total} s"

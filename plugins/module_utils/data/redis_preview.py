# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a change of the live data would do, as it is counted beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..redis import redis_method as how


@dataclass
class Preview:
    """What a restore would do, counted by reads only: mappings before and after, keys restored and removed.

    alive and expired: how many keys of the backup still live and how many do not; None where that is not known.
    """

    mode: str
    method: str
    why: str
    before: int | None = None
    after: int | None = None
    keys_before: int | None = None
    keys_after: int | None = None
    restored: int = 0
    removed: int = 0
    size: int = 0
    conflicts: list[str] = field(default_factory=list)
    counters: int = 0
    alive: int | None = None
    expired: int | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return bool(self.restored or self.removed or self.counters) or self.method == how.FILE

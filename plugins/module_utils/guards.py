# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reasons to refuse, and which of them force_rollback waives. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

WAIVABLE = ("lease_held", "space_low", "mappings_loss", "config_invalid", "libraries_missing")


@dataclass(frozen=True)
class Guard:
    """One reason to refuse: its name, what is wrong, and the next step."""

    name: str
    reason: str
    hint: str

    @property
    def waivable(self) -> bool:
        """Whether force_rollback goes on in spite of it."""
        return self.name in WAIVABLE

    def as_dict(self) -> dict[str, Any]:
        """Return the guard as it stands in the plan."""
        return {**asdict(self), "waivable": self.waivable}


def split_waived(guards: Iterable[Guard], force: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (what refuses, what force waives)."""
    listed = [guard.as_dict() for guard in guards]
    waived = [item for item in listed if force and item["waivable"]]
    return [item for item in listed if item not in waived], waived

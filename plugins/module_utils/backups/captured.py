# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup takes of the configuration, and where each part of it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..runner import Stamp

RUNNING, RECONSTRUCTED, ON_DISK = "running", "reconstructed", "on disk"


@dataclass
class CapturedFile:
    """One file for the backup: content, owner and mode, and where the content was found."""

    data: bytes
    stamp: Stamp
    origin: str = RUNNING


@dataclass
class Captured:
    """Everything about the configuration that goes into the backup.

    links: link → where it leads, both relative to the stack, of those between the configuration's names and its files;
    spared: folders of data or logs below directories; ahead: content that lies on disk but does not run; notes: what an
    operator should know; gaps: where what the backup holds may be other than what ran; lacks: what it does not hold.
    """

    files: dict[str, CapturedFile] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    ahead: dict[str, bytes] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    kong: dict[str, Any] = field(default_factory=dict)

    def replace(self, path: str, data: bytes, origin: str) -> None:
        """Put the running content in the place of what lies on disk, which is kept as ahead."""
        if self.files[path].data != data:
            self.ahead.setdefault(path, self.files[path].data)
            self.files[path].data, self.files[path].origin = data, origin
            self.notes.append(f"{path} on disk is ahead of what runs; the running content is kept ({origin})")

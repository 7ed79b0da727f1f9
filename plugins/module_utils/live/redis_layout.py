# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a Redis keeps its data, by its settings, and whether files can be put there. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.container import Container

SETTINGS = ("dir", "dbfilename", "appendonly", "appenddirname", "appendfilename")


@dataclass(frozen=True)
class Layout:
    """Where a server keeps its data; append_dir is empty before Redis 7, which has a single append-only file."""

    directory: str
    dump: str
    append: bool
    append_dir: str
    append_name: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Layout:
        """Build from the answers to CONFIG GET."""
        return cls(
            settings["dir"],
            settings["dbfilename"],
            settings["appendonly"] == "yes",
            settings.get("appenddirname", ""),
            settings.get("appendfilename", "appendonly.aof"),
        )

    @property
    def names(self) -> list[str]:
        """The files and folders that hold the data, relative to the directory."""
        return [self.dump, self.append_dir or self.append_name]

    @property
    def target(self) -> str:
        """The file that the server loads at its next start, absolute inside the container.

        Before Redis 7 the single append-only file may begin with a dump; since then its base file may be one.
        """
        if not self.append:
            return posixpath.join(self.directory, self.dump)
        if self.append_dir:
            return posixpath.join(self.directory, self.append_dir, f"{self.append_name}.1.base.rdb")
        return posixpath.join(self.directory, self.append_name)

    @property
    def manifest(self) -> tuple[str, str]:
        """Return (path, content) of the append-only manifest; empty strings where there is none."""
        if not self.append or not self.append_dir:
            return "", ""
        base = f"{self.append_name}.1.base.rdb"
        path = posixpath.join(self.directory, self.append_dir, f"{self.append_name}.manifest")
        return path, f"file {base} seq 1 type b\n"

    @property
    def settings(self) -> dict[str, str]:
        """The settings that it was built from."""
        values = (self.directory, self.dump, "yes" if self.append else "no", self.append_dir, self.append_name)
        return dict(zip(SETTINGS, values))


def parse_settings(output: str) -> dict[str, str]:
    """Return name → value from what ``redis-cli CONFIG GET`` prints: a name and its value on two lines."""
    lines = output.splitlines()
    return dict(zip(lines[::2], lines[1::2]))


def drift(live: Layout, boot: Layout) -> str:
    """Return what was set while the server ran and is otherwise after its next start; empty where nothing was."""
    ours, theirs = live.settings, boot.settings
    told = [f"{name} {ours[name]}, after a start {theirs[name]}" for name in SETTINGS if ours[name] != theirs[name]]
    return f"Redis runs with {'; '.join(told)}: its files were placed for the start." if told else ""


def place_problem(container: Container, directory: str) -> str:
    """Return why files in a directory of the container cannot be replaced; empty where they can.

    Only what lies on a volume or a directory of the host is seen by the helper that replaces it.
    """
    over = [item for item in container.mounts if covers(item.destination, directory)]
    best = max(over, key=lambda item: len(item.destination), default=None)
    if best is not None and best.type != "tmpfs":
        return ""
    where = f"in memory (tmpfs {best.destination})" if best is not None else "in its own layer, on no volume"
    return f"{container.name} keeps its data in {directory}, {where}: its files cannot be replaced."


def covers(folder: str, path: str) -> bool:
    """Say whether a path is the folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")

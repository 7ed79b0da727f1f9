# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a backup brings back: which, with what content, and which of them Compose reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..backups import kept_secrets
from ..configuration import config_files
from ..engine import compose, env_file
from ..errors import DamagedBackupError
from ..runner import Runner
from ..stack_args import StackArgs


class TargetFiles:
    """The files of one backup, kept values filled in. backup: the record of backup_discover; keep: see PlanInput.

    env_file: the environment file that Compose reads once they are back.
    """

    def __init__(self, stack: StackArgs, runner: Runner, backup: Mapping[str, Any], keep: Sequence[str]) -> None:
        self.stack, self.runner, self.backup = stack, runner, backup
        path = stack.path(stack.env_file)
        self.kept = kept_secrets.values(runner.read(path), keep) if keep and os.path.isfile(path) else {}
        self.files = self._original() if backup["layout"] == "original" else self._recorded()
        self.env_file = stack.env_file_among(self.files)
        for name in {self.env_file, ".env"} & set(self.files) if self.kept else ():
            about = {"keep": sorted(self.kept), "kept_in": stack.env_file}
            self.files[name].update(source_sha256=self.files[name]["sha256"], **about)
            self.files[name]["sha256"] = hashlib.sha256(self.content(name)).hexdigest()

    def _recorded(self) -> dict[str, dict[str, Any]]:
        files: dict[str, dict[str, Any]] = {}
        for item in self.backup["files"]:
            if item.get("target"):
                path = self.safe(item["target"])
                files[path] = {name: item[name] for name in ("sha256", "mode", "uid", "gid")} | {"source": item["path"]}
        return files

    def safe(self, path: str) -> str:
        """Return path when it stays inside the stack; a manifest must not lead elsewhere."""
        full = os.path.realpath(self.stack.path(path))
        if os.path.isabs(path) or path != os.path.normpath(path) or not full.startswith(self.stack.dir + os.sep):
            raise DamagedBackupError(
                f"Backup {self.backup['id']} wants to write {path}, which is outside {self.stack.dir}.",
                "Choose another backup.",
            )
        return path

    def _original(self) -> dict[str, dict[str, Any]]:
        """The guide's layout has one configuration file; it goes wherever the stack reads its environment from."""
        found = {}
        digest = next(item["sha256"] for item in self.backup["files"] if item["path"] == "config.env")
        for path in dict.fromkeys([self.stack.env_file, ".env"]):
            full = self.stack.path(path)
            if path == self.stack.env_file or os.path.isfile(full):
                about = self.runner.stamp(full) if os.path.isfile(full) else None
                owner = (
                    {"mode": about.mode, "uid": about.uid, "gid": about.gid}
                    if about
                    else {"mode": 0o600, "uid": -1, "gid": -1}
                )
                found[path] = {"sha256": digest, "source": "config.env", **owner}
        return found

    def content(self, path: str) -> bytes:
        """Return what a file will hold."""
        item = self.files[path]
        content = self.runner.read(os.path.join(self.backup["path"], item["source"]))
        return kept_secrets.merged(content, self.kept) if item.get("keep") else content

    def definitions(self) -> dict[str, bytes]:
        """Return path → content of what Compose reads: its own files, environment files, and what these name."""

        def read(path: str) -> bytes | None:
            return self.content(path) if path in self.files else None

        own = [*self.stack.compose_files, self.env_file, ".env", *compose.OVERRIDES]
        variables = env_file.parse(read(self.env_file) or b"")
        names = own + config_files.referenced(self.stack.compose_files, read, variables)
        return {path: self.content(path) for path in dict.fromkeys(names) if path in self.files}

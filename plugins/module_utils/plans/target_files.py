# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a backup brings back: which, with what content, and which of them Compose reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from ..backups import kept_secrets
from ..backups.backup import Edited
from ..backups.backup_store import BackupStore
from ..configuration import config_files, links, references
from ..engine import env_file
from ..engine.container import Container
from ..errors import DamagedBackupError, RecoveryError
from ..runner import Runner, Stamp
from ..stack_args import OVERRIDES, StackArgs, beyond
from .decisions import covers

ABOUT = ("sha256", "mode", "uid", "gid")
OF_A_LINK = 0o777


def edits(stack: StackArgs, runner: Runner, store: BackupStore, containers: Mapping[str, Container]) -> Edited:
    """Return the function that tells of a listed backup what edited tells, with the files of its manifest."""

    def of(found: Mapping[str, Any]) -> list[str]:
        files = store.manifest(found["path"]).get("files") or []
        return edited(stack, runner, containers, {**found, "files": files})

    return of


def edited(
    stack: StackArgs, runner: Runner, containers: Mapping[str, Container], backup: Mapping[str, Any]
) -> list[str]:
    """Return the files that containers mount and that are no longer as in a backup; more of them count, and fewer.

    backup: a record with the manifest's files. What Compose reads does nothing before it is deployed, and shows in what
    runs then. A damaged backup is left to its proof.
    """
    mounts = {name for item in backup["services"].values() for name in item.get("mounts") or ()}
    try:
        target = TargetFiles(stack, runner, backup, ())
        now, more = target.now(), target.added(config_files.spared(stack, containers))
        read = target.definitions()
    except (RecoveryError, OSError, KeyError, TypeError, ValueError):
        return []
    found = [
        path
        for path, item in target.files.items()
        for kind in ["link" if "link" in item else "sha256"]
        if now.get(path, {}).get(kind) != item[kind]
    ]
    return [path for path in [*found, *more] if path not in read and covers(mounts, path)]


class TargetFiles:
    """The files of one backup, kept values filled in; with ``link`` those that are links, and where they lead.

    backup: the record of backup_discover; keep: see PlanInput; env_file: the environment file that Compose reads once
    they are back.
    """

    def __init__(self, stack: StackArgs, runner: Runner, backup: Mapping[str, Any], keep: Sequence[str]) -> None:
        self.stack, self.runner, self.backup = stack, runner, backup
        path = stack.path(stack.env_file)
        self.live = runner.read(path) if keep and os.path.isfile(path) else b""
        self.kept = kept_secrets.values(self.live, env_file.made_of(self.live, keep))
        self.files = self._original() if backup["layout"] == "original" else self._recorded()
        self.env_file = stack.env_file_among(self.files)
        self._close()
        for name in {self.env_file, ".env"} & set(self.files) if self.kept else ():
            about = {"keep": sorted(self.kept), "kept_in": stack.env_file}
            self.files[name] = {"source_sha256": self.files[name]["sha256"], **self.files[name], **about}
            self.files[name]["sha256"] = hashlib.sha256(self.content(name)).hexdigest()

    def _recorded(self) -> dict[str, dict[str, Any]]:
        files: dict[str, dict[str, Any]] = {}
        for item in self.backup["files"]:
            if item.get("target"):
                path = self.safe(item["target"])
                files[path] = {name: item[name] for name in ABOUT} | {"source": item["path"]}
        for path, leads in (self.backup.get("links") or {}).items():
            files.setdefault(self.safe(path), {})["link"] = self.safe(leads)
        return files

    def _close(self) -> None:
        """Open no file of the definition to everybody: older backups hold a link's own mode in place of the file's."""
        for path in self.definitions():
            if self.files[path]["mode"] == OF_A_LINK:
                full = self.stack.path(path)
                self.files[path]["mode"] = self.runner.stamp(full).mode if os.path.isfile(full) else 0o600

    def added(self, spared: Collection[str]) -> list[str]:
        """Return files that the backup says were not there, in mounted directories and among the definition files.

        spared: the folders of data or logs that containers write to now, beside those that the backup names.
        """
        found = [path for path in self.backup["absent"] if os.path.isfile(self.stack.path(self.safe(path)))]
        left = {*spared, *(self.backup.get("spared") or ())}
        for folder in self.backup["directories"]:
            if os.path.isdir(self.stack.path(self.safe(folder, followed=True))):
                tree = config_files.tree(self.stack, folder, left)
                found += [path for path in tree if path not in self.files]
        return sorted(found)

    def now(self) -> dict[str, dict[str, Any]]:
        """Return what is on disk of these files, in build_plan's terms.

        A name that is a link, or lies behind one, is looked at as what it shows; the file has a line of its own.
        """
        found: dict[str, dict[str, Any]] = {}
        led = [path for path, item in self.files.items() if "link" in item]
        for path, wanted in self.files.items():
            full = self.stack.path(path)
            if "link" in wanted:
                found[path] = {"link": links.leads_to(self.stack, path)}
                continue
            same = self.files.get(self.stack.relative(full), {}).get("sha256") == wanted["sha256"]
            if links.behind(led, path) or (same and self.stack.relative(full) != path):
                found[path] = {name: wanted[name] for name in ABOUT}
            elif os.path.isfile(full):
                found[path] = {"sha256": self.runner.sha256(full), **asdict(self.runner.stamp(full))}
        return found

    def redirected(self, now: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return the names that lead to another file than a container has mounted, once they are as in the backup."""
        return [
            path
            for path, item in self.files.items()
            for kind in ["link" if "link" in item else "sha256"]
            if (kind == "link" or os.path.islink(self.stack.path(path))) and now.get(path, {}).get(kind) != item[kind]
        ]

    def safe(self, path: str, followed: bool = False) -> str:
        """Return path when it stays inside the stack; a manifest must not lead elsewhere.

        A link in its place is replaced, not followed, unless followed is true.
        """
        above, name = os.path.split(self.stack.path(path))
        full = os.path.realpath(os.path.join(above, name) if followed else above)
        full = full if followed else os.path.join(full, name)
        if os.path.isabs(path) or path != os.path.normpath(path) or not full.startswith(self.stack.dir + os.sep):
            raise DamagedBackupError(
                f"Backup {self.backup['id']} wants to write {path}, which is outside {self.stack.dir}.",
                "Choose another backup.",
            )
        return path

    def _original(self) -> dict[str, dict[str, Any]]:
        """The guide's layout has one configuration file; it goes wherever the stack reads its environment from.

        An .env beside it that has variables of its own keeps those, and gets the values of the others.
        """
        found = {}
        digest = next(item["sha256"] for item in self.backup["files"] if item["path"] == "config.env")
        own = self.stack.env_file or ".env"
        if beyond(own):
            self._need_same(own, digest)
        for path in dict.fromkeys([own, ".env"]):
            full = self.stack.path(path)
            if not beyond(path) and (path == own or os.path.isfile(full)):
                owner = self.runner.stamp(full) if os.path.isfile(full) else Stamp(0o600, -1, -1)
                found[path] = {"sha256": digest, "source": "config.env", **asdict(owner)}
        beside = found.get(".env", {})
        # One that is a link to the other file is that file.
        places = {os.path.realpath(self.stack.path(path)) for path in (own, ".env")}
        if beside and len(places) > 1:
            live = self.runner.read(self.stack.path(".env"))
            given = self.runner.read(os.path.join(self.backup["path"], "config.env"))
            if set(env_file.parse(live)) - set(env_file.parse(given)):
                merged = hashlib.sha256(env_file.taking(live, given)).hexdigest()
                beside.update(source_sha256=digest, sha256=merged, into=".env")
        return found

    def _need_same(self, path: str, digest: str) -> None:
        """Raise where an environment file outside the stack, which is read there and never written, is another one."""
        full = self.stack.path(path)
        if not os.path.isfile(full) or self.runner.sha256(full) != digest:
            given = os.path.join(self.backup["path"], "config.env")
            raise RecoveryError(
                f"Backup {self.backup['id']} holds the environment that Compose reads from {full}. That lies outside "
                f"{self.stack.dir}, where nothing is written, and differs from it.",
                f"Look: diff {full} {given} (both hold secrets). Bring it there by hand (cp {given} {full}), then run "
                "the same command again.",
            )

    def content(self, path: str) -> bytes:
        """Return what a file will hold."""
        item = self.files[path]
        content = self.runner.read(os.path.join(self.backup["path"], item["source"]))
        if "into" in item:
            content = env_file.taking(self.runner.read(self.stack.path(item["into"])), content)
        return kept_secrets.merged(content, self.live, self.kept) if item.get("keep") else content

    def definitions(self) -> dict[str, bytes]:
        """Return path → content of what Compose reads: its own files, environment files, and what these name."""

        def read(path: str) -> bytes | None:
            return self.content(path) if "source" in self.files.get(path, {}) else None

        own = [*self.stack.definition_names, self.env_file, ".env", *OVERRIDES]
        variables = env_file.parse(read(self.env_file) or b"")
        inside = partial(links.as_written, self.stack)
        names = own + references.referenced(self.stack.definition(self.files), read, variables, inside)
        return {path: self.content(path) for path in dict.fromkeys(names) if "source" in self.files.get(path, {})}

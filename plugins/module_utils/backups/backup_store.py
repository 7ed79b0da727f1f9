# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup directory on the target: listing, the deep check of one backup, and writing one atomically."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ..errors import DamagedBackupError, RecoveryError
from ..runner import Runner, Stamp
from . import backup, proof, signing

MANIFEST, MARKS = "manifest.json", "marks.json"
UNFINISHED = ".unfinished-"
BOOKKEEPING = (MANIFEST, MARKS)


class BackupStore:
    """All backups below one directory.

    keys: the signing key first, then older verification keys; allow_unsigned: accept what carries no signature.
    """

    def __init__(self, root: str, runner: Runner, keys: Sequence[str] = (), allow_unsigned: bool = False) -> None:
        self.root = root
        self.runner = runner
        self.keys = [key for key in keys if key]
        self.allow_unsigned = allow_unsigned

    def listing(self, environment: str, project: str, hosts: Sequence[str], now: datetime) -> list[dict[str, Any]]:
        """Return every entry, newest first, each with usable and reason. Reads manifests, hashes nothing."""
        rows = []
        for folder in backup.FOLDERS.values():
            parent = os.path.join(self.root, folder)
            try:
                entries = list(os.scandir(parent))
            except FileNotFoundError:
                continue
            rows += [self._row(entry, folder, environment, project, hosts, now) for entry in entries]
        return backup.newest_first(rows)

    def _row(
        self, entry: os.DirEntry[str], folder: str, environment: str, project: str, hosts: Sequence[str], now: datetime
    ) -> dict[str, Any]:
        try:
            found = self._load(entry, folder, environment, now)
            reason = backup.refusal(found, environment, project, hosts)
        except RecoveryError as exc:
            found = _nameless(entry, folder)
            reason = exc.msg
        return {**found, "usable": not reason, "reason": reason}

    def _load(self, entry: os.DirEntry[str], folder: str, environment: str, now: datetime) -> dict[str, Any]:
        """Return one entry's record; raise with the reason when it is not a backup."""
        problem = _outside_problem(entry, folder)
        if problem:
            raise RecoveryError(problem)
        document = self._document(entry.path, MANIFEST)
        if document is None:
            return _original(entry, environment, now)
        if document.get("format") != backup.FORMAT:
            raise RecoveryError(f"has format {document.get('format')}, this version reads {backup.FORMAT}")
        if document.get("id") != entry.name:
            raise RecoveryError(f"carries the manifest of {document.get('id')}")
        marks = self._document(entry.path, MARKS) or {}
        try:
            found = backup.record(document, marks, entry.path, now)
            return {**found, "drill": proof.look(self.runner, entry.path, document, marks, now)}
        except (KeyError, TypeError, ValueError) as exc:
            raise RecoveryError(f"has a manifest that lacks {exc}") from exc

    def _document(self, path: str, name: str) -> dict[str, Any] | None:
        try:
            document = json.loads(self.runner.read_regular(os.path.join(path, name)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise RecoveryError(f"has an unreadable {name}") from exc
        if not isinstance(document, dict):
            raise RecoveryError(f"has an unreadable {name}")
        return document

    def manifest(self, path: str) -> dict[str, Any]:
        """Return the manifest of a backup that the listing accepted; empty for the original layout."""
        return self._document(path, MANIFEST) or {}

    def prove(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        """Check one backup to the last byte and return its files; raise DamagedBackupError at the first difference.

        Nothing in it may be a link, a device or have a second name; each file has the size and SHA-256 of the manifest,
        and nothing stands beside them.
        """
        path, name = found["path"], found["id"]
        present = _regular_files(path, name)
        if found["layout"] == "original":
            signing.check_signature({}, self.keys, self.allow_unsigned, f"Backup {name}")
            return [
                {"path": item, "sha256": self.runner.sha256(os.path.join(path, item)), "size": size}
                for item, size in sorted(present.items())
                if item in backup.GUIDE_FILES
            ]
        document = self.manifest(path)
        signing.check_signature(document, self.keys, self.allow_unsigned, f"Backup {name}")
        marks = self._document(path, MARKS)
        if marks is not None:
            signing.check_signature(marks, self.keys, self.allow_unsigned, f"The marks of backup {name}")
        files: list[dict[str, Any]] = list(document["files"])
        strays = set(present) - {item["path"] for item in files} - set(BOOKKEEPING)
        if strays:
            raise _damaged(name, min(strays), "a file of the manifest", "one that the manifest does not know")
        for item in files:
            if present.get(item["path"]) != item["size"]:
                raise _damaged(name, item["path"], f"{item['size']} bytes", f"{present.get(item['path'], 'no file')}")
            digest = self.runner.sha256(os.path.join(path, item["path"]))
            if digest != item["sha256"]:
                raise _damaged(name, item["path"], f"SHA-256 {item['sha256'][:12]}…", f"{digest[:12]}…")
        return files

    def add_mark(self, found: dict[str, Any], name: str, value: Any) -> None:
        """Write one mark of a backup; the others stay. Raise where that would take a signature away."""
        marks = self._document(found["path"], MARKS) or {}
        if marks.get("signature") and not self.keys:
            raise RecoveryError(
                f"The marks of backup {found['id']} are signed and no signing key is set.", "Set backup_signing_key."
            )
        path = os.path.join(found["path"], MARKS)
        owner = self.runner.stamp(os.path.join(found["path"], MANIFEST))
        self.runner.write(path, _signed({**marks, name: value}, self.keys), Stamp(0o600, owner.uid, owner.gid))

    def next_sequence(self) -> int:
        """Return one more than the highest sequence number of any manifest here, whoever it belongs to."""
        return 1 + max(
            (item["sequence"] for item in self.manifests() if isinstance(item.get("sequence"), int)), default=0
        )

    def manifests(self) -> Iterator[dict[str, Any]]:
        """Yield every readable manifest, whoever it belongs to."""
        for folder in backup.FOLDERS.values():
            parent = os.path.join(self.root, folder)
            for name in os.listdir(parent) if os.path.isdir(parent) else ():
                try:
                    yield self._document(os.path.join(parent, name), MANIFEST) or {}
                except (RecoveryError, OSError):
                    continue


class BackupWriter:
    """One backup being written: files go into a hidden directory that gets its name at the very end."""

    def __init__(self, store: BackupStore, backup_id: str, owner: Stamp) -> None:
        self.store, self.id, self.owner = store, backup_id, owner
        folder = os.path.join(store.root, backup.FOLDERS[backup.kind_of(backup_id)])
        self.final = os.path.join(folder, backup_id)
        self.path = os.path.join(folder, f"{UNFINISHED}{backup_id}")
        if store.runner.exists(self.final):
            raise RecoveryError(
                f"Backup {backup_id} exists already.", "Leave deployment out to get an id of this second."
            )
        if store.runner.exists(self.path):
            store.runner.remove(self.path)
        store.runner.make_dir(self.path)
        self.files: list[dict[str, Any]] = []

    def add(self, path: str, data: bytes, **about: Any) -> None:
        """Write one file of the backup; about goes into its line of the manifest."""
        full = os.path.join(self.path, path)
        self.store.runner.make_dir(os.path.dirname(full))
        self.store.runner.write(full, data, Stamp(0o600, self.owner.uid, self.owner.gid))
        self.note(path, **about)

    def note(self, path: str, **about: Any) -> None:
        """Take a file that is already in place into the manifest."""
        full = os.path.join(self.path, path)
        self.store.runner.apply_stamp(full, Stamp(0o600, self.owner.uid, self.owner.gid))
        digest = self.store.runner.sha256(full)
        self.files.append({"path": path, "sha256": digest, "size": os.path.getsize(full), **about})

    def finish(self, manifest: dict[str, Any], marks: dict[str, Any]) -> str:
        """Write marks and manifest, give the directory its name, and return its path."""
        for name, document in ((MARKS, marks), (MANIFEST, {**manifest, "files": self.files})):
            data = _signed(document, self.store.keys)
            self.store.runner.write(os.path.join(self.path, name), data, Stamp(0o600, self.owner.uid, self.owner.gid))
        for parent, _folders, _names in os.walk(self.path):
            self.store.runner.apply_stamp(parent, Stamp(0o700, self.owner.uid, self.owner.gid))
            self.store.runner.sync_dir(parent)
        self.store.runner.rename(self.path, self.final)
        return self.final

    def abandon(self) -> None:
        """Leave nothing behind of a backup that could not be finished."""
        if self.store.runner.exists(self.path):
            self.store.runner.remove(self.path)


def _signed(document: dict[str, Any], keys: Sequence[str]) -> bytes:
    signed = signing.sign(document, keys[0] if keys else "")
    return json.dumps(signed, indent=1, sort_keys=True).encode() + b"\n"


def _outside_problem(entry: os.DirEntry[str], folder: str) -> str:
    """Return why an entry cannot be a backup, by its name and its place alone; empty when it can."""
    about = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(about.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(about.st_mode):
        return "is a stray file, not a backup"
    if entry.name.startswith(UNFINISHED):
        return "was never finished"
    match = backup.ID_PATTERN.match(entry.name)
    if not match:
        return "has a name that is no backup id"
    if backup.FOLDERS[match.group(1)] != folder:
        return f"lies in {folder}/, where a {match.group(1)} backup does not belong"
    return "is a directory that everybody may write to" if about.st_mode & stat.S_IWOTH else ""


def _original(entry: os.DirEntry[str], environment: str, now: datetime) -> dict[str, Any]:
    """Return the record of a backup in the original layout; raise for one of ours without its manifest."""
    sizes = {item.name: item.stat(follow_symlinks=False).st_size for item in os.scandir(entry.path)}
    if {"files", "containers.json", MARKS} & set(sizes):
        raise RecoveryError("has no manifest: it was never finished")
    if not sizes.get("config.env"):
        raise RecoveryError("has neither manifest nor config.env: it is no backup")
    known = {name: size for name, size in sizes.items() if name in backup.GUIDE_FILES}
    return backup.original_record(entry.name, entry.path, known, environment, now, _dump_elsewhere(entry))


def _dump_elsewhere(entry: os.DirEntry[str]) -> str:
    """Return the dump that the old script left beside the live data, under this backup's id; empty for none.

    Backups lie in backups/ or in deploy/backups/ of the stack's directory.
    """
    root = os.path.dirname(os.path.dirname(entry.path))
    names = (
        os.path.join(root, up, "redis", "data", f"backup-{entry.name}.rdb") for up in ("..", os.path.join("..", ".."))
    )
    return next((os.path.normpath(name) for name in names if os.path.isfile(name)), "")


def _nameless(entry: os.DirEntry[str], folder: str) -> dict[str, Any]:
    """Return a row for something that is no usable backup, so that the listing can name it."""
    kind = next(kind for kind, name in backup.FOLDERS.items() if name == folder)
    when = backup.time_of(entry.name)
    return {
        "id": entry.name,
        "kind": kind,
        "path": entry.path,
        "created": when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else "",
        "sequence": 0,
        "environment": "",
        "verified": False,
        "critical": False,
        "size": 0,
        "age_seconds": None,
        "ran_seconds": None,
    }


def _regular_files(root: str, name: str) -> dict[str, int]:
    """Return relative path → size of every file; raise for a link, a device, a second name or an open directory."""
    found: dict[str, int] = {}
    for parent, folders, names in os.walk(root):
        for folder in folders:
            about = os.lstat(os.path.join(parent, folder))
            if not stat.S_ISDIR(about.st_mode):
                raise _damaged(name, folder, "a directory", "a link")
            if about.st_mode & stat.S_IWOTH:
                raise _damaged(name, folder, "a private directory", "one that everybody may write to")
        for item in names:
            relative = os.path.relpath(os.path.join(parent, item), root)
            about = os.lstat(os.path.join(parent, item))
            if not stat.S_ISREG(about.st_mode):
                raise _damaged(name, relative, "a regular file", "a link, device or pipe")
            if about.st_nlink > 1:
                raise _damaged(name, relative, "a file with one name", f"one with {about.st_nlink} names (hard link)")
            found[relative] = about.st_size
    return found


def _damaged(backup_id: str, path: str, expected: str, found: str) -> DamagedBackupError:
    return DamagedBackupError(
        f"Backup {backup_id} is damaged: {path}: expected {expected}, found {found}.",
        "It is never used, not even by force. Choose another one: -e deployment=ID",
        backup_id=backup_id,
        path=path,
        expected=expected,
        found=found,
    )

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dated proof that a rehearsal leaves in a backup's marks, and whether it still holds.

It carries the SHA-256 of the manifest, which carries that of every file. So that a listing need not hash all files of
all backups, it also carries what the file system says about them; only where that differs are they hashed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..runner import Runner
from ..times import parse_time

MANIFEST, MARKS = "manifest.json", "marks.json"


def about_files(path: str) -> str:
    """Return a digest of names, sizes and times of everything in a backup but its marks."""
    digest = hashlib.sha256()
    for parent, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(parent, name)
            if full != os.path.join(path, MARKS):
                found = os.lstat(full)
                digest.update(f"{os.path.relpath(full, path)}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
                digest.update(f"{found.st_ctime_ns}\0{found.st_ino}\n".encode())
    return digest.hexdigest()


def made(
    runner: Runner, path: str, now: datetime, seconds: float, checks: Sequence[Mapping[str, Any]], good: bool
) -> dict[str, Any]:
    """Return the proof of a rehearsal that ended now."""
    return {
        "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(seconds, 1),
        "passed": good,
        "checks": {str(item["name"]): str(item["status"]) for item in checks},
        "manifest_sha256": runner.sha256(os.path.join(path, MANIFEST)),
        "files": about_files(path),
    }


def look(
    runner: Runner, path: str, manifest: Mapping[str, Any], marks: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return what the marks say about a rehearsal, with its age and whether it still holds; empty without one."""
    found = marks.get("drill")
    if not isinstance(found, Mapping):
        return {}
    at = parse_time(str(found.get("at", "")))
    return {
        "at": str(found.get("at", "")),
        "seconds": found.get("seconds"),
        "passed": found.get("passed") is True,
        "age_seconds": int((now - at).total_seconds()) if at else None,
        "valid": _holds(runner, path, manifest, found),
    }


def _holds(runner: Runner, path: str, manifest: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    try:
        if runner.sha256(os.path.join(path, MANIFEST)) != found.get("manifest_sha256"):
            return False
        if about_files(path) == found.get("files"):
            return True
        files = manifest.get("files") or []
        return all(runner.sha256(os.path.join(path, str(item["path"]))) == item["sha256"] for item in files)
    except (OSError, KeyError, TypeError):
        return False

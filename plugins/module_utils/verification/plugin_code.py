# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which code of the masking plugin Kong runs: out of its image, or mounted and read once when Kong started."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..checks import NotMeasured
from ..configuration.lua_path import lua_roots
from ..engine.container import Container
from ..runner import Runner
from ..stack_args import StackArgs
from ..wording import short

# Kong starts its first workers some seconds after its container.
RELOAD_APART = 60.0
_VERSION = re.compile(r"""\bVERSION\s*=\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class MountedCode:
    """Plugin code that is mounted: folder on the host, content hash, declared version, time of the last change."""

    folder: str
    digest: str
    version: str
    changed: float


def mounted_folder(kong: Container, plugin: str) -> str:
    """Return where on the host the plugin's mounted code lies; empty when Kong takes it out of its image.

    A folder that is mounted where Kong does not look is none: in the field such folders lie unused.
    """
    for root in lua_roots(kong):
        source = kong.mounted_at(f"{root}/kong/plugins/{plugin}")
        if source and os.path.isdir(source):
            return source
    return ""


def mounted_code(runner: Runner, folder: str) -> MountedCode:
    """Read the code as it lies on the host."""
    digest, version, changed = hashlib.sha256(), "", 0.0
    for path in sorted(os.path.join(parent, name) for parent, _folders, names in os.walk(folder) for name in names):
        relative = os.path.relpath(path, folder)
        content = runner.read(path)
        digest.update(f"{relative}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        changed = max(changed, runner.modified(path))
        if relative == "handler.lua":
            match = _VERSION.search(content.decode("utf-8", "replace"))
            version = match.group(1) if match else ""
    return MountedCode(folder, digest.hexdigest(), version, changed)


def recorded_files(backup: Mapping[str, Any], stack: StackArgs, folder: str) -> dict[str, str]:
    """Return path on the host → SHA-256 of the plugin's files that a backup holds."""
    return {
        stack.path(item["target"]): item["sha256"]
        for item in backup.get("files") or []
        if item.get("target") and stack.path(item["target"]).startswith(folder.rstrip("/") + "/")
    }


def judge_image(kong: Container, backup: Mapping[str, Any]) -> tuple[bool, str]:
    """Judge code that lies in the image: a changed plugin is a changed image id."""
    wanted = ((backup.get("services") or {}).get(kong.service) or {}).get("image_id", "")
    if wanted and wanted != kong.image_id:
        return False, f"image {short(kong.image_id)}; the backup has {short(wanted)}"
    return True, f"in image {short(kong.image_id)}"


def judge_mounted(
    code: MountedCode, loaded: str, started: float, reloaded: float, before: Mapping[str, Any], container_id: str
) -> tuple[bool, str]:
    """Judge mounted code: what lies there must be what Kong read when it started.

    loaded: the version that Kong names; reloaded: the start of its oldest worker process, 0 where nobody can tell;
    before: what the last verification recorded of this very container.
    """
    if loaded and code.version and loaded != code.version:
        return False, f"Kong has loaded version {loaded}, {code.folder} holds {code.version}"
    same_start = before.get("container") == container_id and before.get("started") == started
    if same_start and before.get("sha256"):
        changed = before["sha256"] != code.digest
    else:
        # The engine's time is known to the second.
        changed = bool(started) and code.changed > started + 1
    if changed and reloaded > max(started + RELOAD_APART, code.changed):
        # Whether a reload reads plugins again depends on how Kong was built and is set up.
        raise NotMeasured(
            f"{code.folder} was changed after Kong started, and Kong was reloaded since, which may have read it; "
            f"a restart makes it sure: docker restart {container_id[:12]}"
        )
    if changed:
        return False, f"{code.folder} was changed after Kong started: it still runs the older code"
    return True, f"{code.folder} as Kong read it at its start{f', version {code.version}' if code.version else ''}"


def judge_recorded(runner: Runner, wanted: Mapping[str, str]) -> tuple[bool, str]:
    """Compare mounted files with those of a backup."""
    wrong = [
        os.path.basename(path)
        for path, digest in sorted(wanted.items())
        if not os.path.isfile(path) or runner.sha256(path) != digest
    ]
    return not wrong, f"not as in the backup: {', '.join(wrong)}" if wrong else "as in the backup"

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders for copies of live data: only root's, gone at the end, and gone at the next run where we were killed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator

from .process_name import process_id

PREFIX = "kong-masking-recovery-"
_NAMED = re.compile(re.escape(PREFIX) + r"(\d+)-(\d+)-\w+")


def sweep(parent: str = "") -> int:
    """Remove the folders of processes that are gone, as they hold mappings; return how many there were."""
    parent = parent or tempfile.gettempdir()
    removed = 0
    for name in os.listdir(parent):
        match = _NAMED.fullmatch(name)
        if match and process_id(int(match.group(1))) != ":".join(match.groups()):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
            removed += 1
    return removed


@contextlib.contextmanager
def private_folder(parent: str = "") -> Iterator[str]:
    """Yield a new folder that carries this process in its name."""
    owner = process_id(os.getpid()).replace(":", "-")
    folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=parent or None)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

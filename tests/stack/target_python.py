"""The Python of a stack's host, which is not the one that runs Ansible."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent.parent / "tools" / "target-python"


@functools.cache
def target_python() -> str:
    """Its path: what TARGET_PYTHON names, otherwise the distribution's own with the libraries that modules need."""
    named = os.environ.get("TARGET_PYTHON")
    return named or subprocess.run([str(TOOL)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import what the target may lack, once, and name what is missing together with the interpreter."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from .errors import RecoveryError

MISSING: dict[str, str] = {}

try:
    import docker
    from docker.utils import kwargs_from_env
except ImportError:
    docker = None  # type: ignore[assignment]
    kwargs_from_env = None  # type: ignore[assignment]
    MISSING["docker"] = traceback.format_exc()

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    redis = None  # type: ignore[assignment]
    NoBackoff = Retry = None  # type: ignore[assignment,misc]
    MISSING["redis"] = traceback.format_exc()

try:
    import requests
except ImportError:
    requests = None  # type: ignore[assignment]
    MISSING["requests"] = traceback.format_exc()

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]
    MISSING["PyYAML"] = traceback.format_exc()

__all__ = ["MISSING", "NoBackoff", "Retry", "docker", "kwargs_from_env", "need", "redis", "requests", "yaml"]


def need(*names: str) -> Any:
    """Raise when one of the named distributions cannot be imported here."""
    absent = [name for name in names if name in MISSING]
    if absent:
        raise RecoveryError(
            f"Python library {', '.join(absent)} is missing for {sys.executable} on this host.",
            f"Install it: {sys.executable} -m pip install {' '.join(absent)} (or set ansible_python_interpreter).",
            libraries=absent,
            interpreter=sys.executable,
        )

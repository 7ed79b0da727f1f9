# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import what the target may lack, once, and name what is missing together with the interpreter.

In place of a missing docker, redis or requests stands as much of it as a rollback needs, on the standard library alone
(plain_docker.py, plain_redis.py, plain_requests.py). need() refuses all the same, unless force_rollback does without.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from .errors import RecoveryError
from .guards import Guard

MISSING: dict[str, str] = {}
# Those that this run does without; filled by do_without alone.
WAIVED: set[str] = set()
REPLACEABLE = ("docker", "redis", "requests")
GUARD = "libraries_missing"

try:
    import docker
    from docker.utils import kwargs_from_env
except ImportError:
    from .stand_ins import plain_docker as docker  # type: ignore[no-redef]
    from .stand_ins.plain_docker import kwargs_from_env  # type: ignore[assignment]

    MISSING["docker"] = traceback.format_exc()

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    from .stand_ins import plain_redis as redis  # type: ignore[no-redef]
    from .stand_ins.plain_redis import NoBackoff, Retry  # type: ignore[assignment]

    MISSING["redis"] = traceback.format_exc()

try:
    import requests
except ImportError:
    from .stand_ins import plain_requests as requests  # type: ignore[no-redef]

    MISSING["requests"] = traceback.format_exc()

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]
    MISSING["PyYAML"] = traceback.format_exc()

__all__ = [
    "MISSING",
    "NoBackoff",
    "Retry",
    "do_without",
    "docker",
    "kwargs_from_env",
    "need",
    "redis",
    "requests",
    "waived_guards",
    "yaml",
]


def do_without() -> None:
    """Let need() accept the stand-ins from here on; entry.py calls it where the stack's plain_libraries is true."""
    WAIVED.update(name for name in MISSING if name in REPLACEABLE)


def waived_guards() -> list[Guard]:
    """Return what the plan lists about the libraries that this run does without; empty where none is missing."""
    if not WAIVED:
        return []
    names = sorted(WAIVED)
    return [Guard(GUARD, f"This run does without {', '.join(names)}, missing for {sys.executable}.", _install(names))]


def need(*names: str) -> Any:
    """Raise when one of the named distributions cannot be imported here and is not done without."""
    absent = [name for name in names if name in MISSING and name not in WAIVED]
    if not absent:
        return
    hint = _install(absent)
    waivable = set(absent) <= set(REPLACEABLE)
    if waivable:
        hint += f" Where that has to wait, playbooks/force_rollback.yml goes on without (guard {GUARD})."
    raise RecoveryError(
        f"{missing_required_lib(', '.join(absent))}.",
        hint,
        libraries=absent,
        interpreter=sys.executable,
        guard=GUARD,
        waivable=waivable,
    )


def _install(names: list[str]) -> str:
    return f"Install it: {sys.executable} -m pip install {' '.join(names)} (or set ansible_python_interpreter)."

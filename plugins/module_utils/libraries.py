# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import what the target may lack when it is first used, and name what is missing together with the interpreter.

In place of a missing docker, redis or requests stands as much of it as a rollback needs, on the standard library alone
(plain_docker.py, plain_redis.py, plain_requests.py). need() refuses all the same, unless force_rollback does without.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import missing_required_lib

from .errors import RecoveryError
from .guards import Guard

# Filled as they are asked for.
MISSING: dict[str, str] = {}
# Those that this run does without; filled by do_without alone.
WAIVED: set[str] = set()
REPLACEABLE = ("docker", "redis", "requests")
GUARD = "libraries_missing"


@functools.cache
def _docker() -> Any:
    try:
        import docker
    except ImportError:
        MISSING["docker"] = traceback.format_exc()
        from .stand_ins import plain_docker

        return plain_docker
    return docker


@functools.cache
def _redis() -> Any:
    try:
        import redis
        import redis.backoff
        import redis.retry
    except ImportError:
        MISSING["redis"] = traceback.format_exc()
        from .stand_ins import plain_redis

        return plain_redis
    return redis


@functools.cache
def _requests() -> Any:
    try:
        import requests
    except ImportError:
        MISSING["requests"] = traceback.format_exc()
        from .stand_ins import plain_requests

        return plain_requests
    return requests


@functools.cache
def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        MISSING["PyYAML"] = traceback.format_exc()
        return None
    return yaml


IMPORTS = {"docker": _docker, "redis": _redis, "requests": _requests, "PyYAML": _yaml}


class _OnFirstUse:
    """A library that is imported when something of it is asked for.

    A run is many processes, most of which need one or two of the libraries; to import all is a quarter of their time.
    """

    def __init__(self, library: Callable[[], Any]) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library(), name)


if TYPE_CHECKING:
    import docker
    import redis
    import redis.backoff
    import redis.retry
    import requests
    import yaml
else:
    docker, redis = _OnFirstUse(_docker), _OnFirstUse(_redis)
    requests, yaml = _OnFirstUse(_requests), _OnFirstUse(_yaml)

__all__ = ["MISSING", "do_without", "docker", "need", "redis", "requests", "waived_guards", "yaml"]


def do_without() -> None:
    """Let need() accept the stand-ins from here on; entry.py calls it where the stack's plain_libraries is true."""
    WAIVED.update(name for name in REPLACEABLE if _is_missing(name))


def waived_guards() -> list[Guard]:
    """Return what the plan lists about the libraries that this run does without; empty where none is missing."""
    if not WAIVED:
        return []
    names = sorted(WAIVED)
    return [Guard(GUARD, f"This run does without {', '.join(names)}, missing for {sys.executable}.", _install(names))]


def need(*names: str) -> Any:
    """Raise when one of the named distributions cannot be imported here and is not done without."""
    absent = [name for name in names if _is_missing(name) and name not in WAIVED]
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


def _is_missing(name: str) -> bool:
    IMPORTS[name]()
    return name in MISSING


def _install(names: list[str]) -> str:
    return f"Install it: {sys.executable} -m pip install {' '.join(names)} (or set ansible_python_interpreter)."

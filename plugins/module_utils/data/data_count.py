# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many keys live at the end of a run: asked of Redis in one question, never worth a failure."""

from __future__ import annotations

from typing import Any

from ..engine.docker_stack import DockerStack
from ..live import live_state
from ..redis.redis_keyspace import keyspace
from ..runner import Runner
from ..stack_args import StackArgs


def keys_now(stack: StackArgs, runner: Runner) -> dict[str, Any]:
    """Return the number of keys as C(keys); empty where it cannot be told."""
    try:
        environment = live_state.environment(stack, runner)
        client = live_state.redis_client(stack, DockerStack(stack.project).containers(), environment)
        try:
            found = client.info()
        finally:
            client.close()
        return {"keys": sum(keyspace(found).values())}
    except Exception:  # noqa: BLE001  # then nobody counted, and the screen says so
        return {}

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data that are to stay although Redis is started anew: what it does not load again comes back out of a copy.

A rollback may change the very setting that says where the data lie or whether they are saved at all: append-only files
that are read again are as old as their last use, and a Redis that saves nothing comes back empty.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..backups.backup_store import BackupStore
from ..engine.docker_stack import DockerStack
from ..errors import DamagedBackupError, RecoveryError
from ..live import live_state
from ..redis import redis_keys
from ..redis import redis_method as how
from ..redis.redis_dump import NAME
from ..runner import Runner
from ..stack_args import StackArgs
from .counter_record import CounterFloor
from .redis_job import RedisJob

# Without counters: so large a part of the mappings may have come to its end by itself since the copy was made.
EXPIRED_SHARE = 0.01


def fell_behind(copied: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return how the live data fall short of a copy that was made of them before; empty where they do not.

    Both are facts of RedisData.facts. A counter never falls by itself, and each new mapping raises one, while keys of
    any kind come to the end of their lives. Only where there are no counters the number of mappings has to tell.
    """
    counters = copied.get("counters") or {}
    behind = [name for name, value in counters.items() if int(now["counters"].get(name, 0)) < int(value)]
    if counters:
        return f"{len(behind)} of {len(counters)} alias counters fell" if behind else ""
    had = int(copied.get("mappings") or 0)
    short = now["mappings"] < had * (1 - EXPIRED_SHARE) or (copied.get("keys") and not now["keys"])
    return f"{now['mappings']:,} mappings instead of {had:,}, {now['keys']:,} keys" if short else ""


def _now(stack: StackArgs, engine: DockerStack, env: dict[str, str], counters: Mapping[str, int]) -> dict[str, Any]:
    """Return what fell_behind wants to know; empty where Redis does not let us in.

    Kong is off meanwhile: where there are counters, only they are read, and not a million keys.
    """
    if not counters:
        return live_state.data_facts(stack, engine.containers(), env)[0]
    try:
        live = live_state.redis_client(stack, engine.containers(), env)
    except RecoveryError:
        return {}
    with contextlib.closing(live):
        found = redis_keys.numbers(live.client, stack.redis_database, [name.encode() for name in counters])
    return {"counters": {name.decode(): value for name, value in found.items()}}


def bring_back(
    stack: StackArgs, engine: DockerStack, runner: Runner, copies: Sequence[str], everything: bool = False
) -> dict[str, Any]:
    """Add what the live data lost since one of these backups was made; return the result of redis_restore.

    copies: their directories, the newest first; everything: what the newest holds is wanted in any case. Empty where
    nothing was lost, or none of them holds data. Live keys win; where counters fell, they go on well above all that may
    have been given out since the copy.
    """
    env = live_state.environment(stack, runner)
    found: dict[str, Any] = {}
    for folder in copies:
        manifest = BackupStore(stack.backup_dir, runner).manifest(folder)
        dump = next((item for item in manifest.get("files") or () if item["path"] == NAME), None)
        if dump is None:
            continue  # Redis could not be read then
        now = _now(stack, engine, env, manifest["redis"].get("counters") or {})
        why = fell_behind(manifest["redis"], now) if now else ""
        if not why and not (everything and folder == copies[0]):
            continue
        path = os.path.join(folder, NAME)
        if runner.sha256(path) != dump["sha256"]:
            raise DamagedBackupError(f"{path} changed since it was made.", "Take the data from another backup.")
        if why:
            CounterFloor(stack, runner, [item.encode() for item in stack.mapping_prefixes]).doubt(None, None)
        done = RedisJob(stack, engine, runner, how.MERGE, path, {"scope": "all"}).run()
        told = f"Redis came back with less: {why}" if why else "what clients wrote before this run"
        found = {**done, "why": told} if done["changed"] or why else found
    return found

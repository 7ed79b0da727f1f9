# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback does to the mappings: counted by reads, in words, with what speaks against it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..guards import Guard
from ..live import live_state
from ..redis import redis_method as how
from ..redis.redis_dump import NAME
from ..redis.redis_scratch import UnreadableDumpError
from ..runner import Runner
from ..stack_args import StackArgs
from .redis_job import RedisJob

FEWER = 2


class DataPlan:
    """The data part of one plan; backup is the record of backup_discover."""

    def __init__(self, stack: StackArgs, engine: DockerStack, runner: Runner, backup: Mapping[str, Any]) -> None:
        self.stack, self.engine, self.runner, self.backup = stack, engine, runner, backup

    def look(self, mode: str, scope: str, env: dict[str, str], brought: str = "") -> tuple[dict[str, Any], list[Guard]]:
        """Return (what the plan says about the data, guards); brought: for undo, the dump that is to be taken back."""
        containers = self.engine.containers()
        facts, problem = live_state.data_facts(self.stack, containers, env)
        before = facts.get("mappings")
        data: dict[str, Any] = {"mode": mode, "scope": scope, "before": before, "after": before, "changes": False}
        data["warnings"] = [f"data: {problem}"] if problem else []
        if mode == how.KEEP:
            data["warnings"] += self._thinned(before)
            return {**data, "line": how.line(mode, before, before, "")}, []
        if mode != how.EMPTY and not self._dump():
            hint = "Keep the live mappings: -e redis_data=keep"
            return {**data, "line": f"DATA: {mode.upper()}"}, [
                Guard("no_data", f"{self.backup['id']} holds no Redis data.", hint)
            ]
        if not self.stack.redis_host and self.stack.redis_service not in containers:
            return {**data, "line": f"DATA: {mode.upper()}"}, [self._without_container(mode)]
        return self._counted({**data, "brought": brought}, mode, scope)

    def _without_container(self, mode: str) -> Guard:
        """Say why nothing changes: a volume that outlived its container may hold data that no snapshot could copy."""
        name = self.stack.redis_service
        return Guard(
            "data_refused",
            f"{name} has no container, so that no copy of its data can be made before redis_data={mode} changes them.",
            f"First bring {name} back with what its volume holds (-e redis_data=keep), then run this again.",
        )

    def _counted(self, data: dict[str, Any], mode: str, scope: str) -> tuple[dict[str, Any], list[Guard]]:
        settings = {"scope": scope, "brought": data["brought"]}
        try:
            found = RedisJob(self.stack, self.engine, self.runner, mode, self._dump(), settings).preview(restarts=True)
        except UnreadableDumpError as exc:
            return {**data, "line": f"DATA: {mode.upper()}"}, [Guard("data_unreadable", exc.msg, exc.hint)]
        except RecoveryError as exc:
            return {**data, "line": f"DATA: {mode.upper()}"}, [Guard("data_refused", exc.msg, exc.hint)]
        keep = f"-e env={self.stack.environment} -e redis_data=keep"
        data.update(
            line=how.line(mode, found.before, found.after, keep, how.alive_text(found.alive, found.expired)),
            after=found.after,
            changes=found.changes,
            method=found.method,
            why=found.why,
            restored=found.restored,
            removed=found.removed,
            conflicts=found.conflicts,
            kong_off=how.kong_must_be_off(found.method, found.restored + found.removed, found.size, how.DELTA_KEYS),
            source="" if mode == how.EMPTY else NAME,
            sha256="" if mode == how.EMPTY else self._digest(),
        )
        data["warnings"] += [f"data: {text}" for text in found.warnings]
        if found.method == how.DELTA and self.stack.redis_host:
            data["warnings"].append(f"data: {found.why}; the safety copy is made key by key, not at one point in time")
        return data, how.loss_guard(mode, found.before, found.after)

    def _dump(self) -> str:
        path = os.path.join(self.backup["path"], NAME)
        return path if any(item["path"] == NAME for item in self.backup["files"]) else ""

    def _digest(self) -> str:
        return str(next(item["sha256"] for item in self.backup["files"] if item["path"] == NAME))

    def _thinned(self, before: int | None) -> list[str]:
        """Warn when far fewer mappings live than the backup had: they may have been lost."""
        had = (self.backup.get("redis") or {}).get("mappings")
        if before is None or not had or before * FEWER >= had:
            return []
        command = f"ansible-playbook playbooks/recover_data.yml -e env={self.stack.environment}"
        add = f"{command} -e deployment={self.backup['id']}"
        return [f"{before:,} mappings live, the backup had {had:,}; to add the backup's: {add}"]

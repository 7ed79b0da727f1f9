# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy the data into a backup by the best way there is, prove the copy, and say in the manifest what it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..live import live_state, redis_copy, redis_live
from ..live.redis_layout import Layout
from ..redis import redis_dump, redis_scratch
from ..redis.redis_data import RedisData
from ..redis.redis_keyspace import keyspace
from ..runner import Runner
from ..stack_args import StackArgs
from .backup_store import BackupWriter

# A copy of the container that comes up at all does so within one.
COPY_SECONDS = 3.0
# A container in one of these states holds nothing in memory that no file has.
NO_PROCESS = ("exited", "created", "dead", "restarting")


class DataCopy:
    """The data of one stack, to be copied; env: the variables of its environment file."""

    def __init__(
        self,
        stack: StackArgs,
        engine: DockerStack,
        runner: Runner,
        containers: Mapping[str, Container],
        env: dict[str, str],
    ) -> None:
        self.stack, self.engine, self.runner, self.containers, self.env = stack, engine, runner, containers, env

    def into(self, writer: BackupWriter, facts: Mapping[str, Any], problem: str) -> dict[str, Any]:
        """Copy the data into the backup and return the manifest's line about it."""
        if self.stack.redis_host:
            return self._managed(writer, facts, problem)
        container = self.containers.get(self.stack.redis_service)
        if container is None:
            return redis_dump.absent(f"the project has no service {self.stack.redis_service}", nothing=True)
        if problem:
            return self._unproven(writer, container, problem)
        client = live_state.redis_client(self.stack, self.containers, self.env)
        try:
            redis_dump.stream(self.engine, container, client, os.path.join(writer.path, redis_dump.NAME))
        except redis_dump.NoStreamError as exc:
            try:
                return self._by_keys(writer, container.image_id, client, facts, exc.msg)
            except RecoveryError as further:
                return self._unproven(writer, container, f"{exc.msg} {further.msg}")
        finally:
            client.close()
        writer.note(redis_dump.NAME)
        path = os.path.join(writer.path, redis_dump.NAME)
        status, reason = self._prove(container.image_id, path, int(facts["keys"]))
        return {**facts, "status": status, "reason": reason, "file": redis_dump.NAME}

    def _managed(self, writer: BackupWriter, facts: Mapping[str, Any], problem: str) -> dict[str, Any]:
        """Copy a Redis outside the project key by key: nobody gets its stream or its files."""
        if problem:
            return redis_dump.absent(problem)
        client = live_state.redis_client(self.stack, self.containers, self.env)
        try:
            image = redis_live.scratch_image(self.stack, self.engine, None)
            return self._by_keys(writer, image, client, facts)
        except RecoveryError as exc:
            return redis_dump.absent(f"{exc.msg} {exc.hint}")
        finally:
            client.close()

    def _by_keys(
        self, writer: BackupWriter, image: str, client: RedisData, facts: Mapping[str, Any], why: str = ""
    ) -> dict[str, Any]:
        """Copy key by key; why: what kept us from a copy of one point in time, where that could have been had."""
        path = os.path.join(writer.path, redis_dump.NAME)
        lacking = redis_dump.by_keys(self.engine, self.runner, image, client, path)
        writer.note(redis_dump.NAME)
        status, reason = self._prove(image, path, int(facts["keys"]))
        said = "; ".join(filter(None, [redis_dump.NOT_POINT_IN_TIME, why, lacking, reason]))
        return {**facts, "status": status, "reason": said, "point_in_time": False, "file": redis_dump.NAME}

    def _prove(self, image_id: str, dump: str, expected: int) -> tuple[str, str]:
        """Load the copy in a scratch server of the same image: a backup's restorability is tested when it is taken.

        Clients write and keys expire meanwhile, so only an empty copy of data that is not empty is a contradiction.
        """
        try:
            with redis_scratch.loaded(self.engine, self.runner, image_id, dump) as scratch:
                held = sum(keyspace(scratch.info("keyspace")).values())
        except RecoveryError as exc:
            return "unproven", exc.msg
        if expected and not held:
            return "unproven", f"the copy holds no key, the live server had {expected}"
        return "proven", f"loaded in a scratch server: {held} keys"

    def _unproven(self, writer: BackupWriter, container: Container, problem: str) -> dict[str, Any]:
        """Save the files of a Redis that cannot answer: whatever they are, they are all there is."""
        layout, unknown = self._layout(container)
        directory = layout.directory if layout else redis_dump.usual_directory(container)
        try:
            files = redis_dump.copy_files(self.engine, container, directory, layout.names if layout else [])
        except RecoveryError as exc:
            return redis_dump.absent(f"{problem} {exc.msg}")
        if not files and layout is not None:
            # They may have been written when it was set up otherwise.
            files = redis_dump.copy_files(self.engine, container, redis_dump.usual_directory(container), [])
        for name, content in files.items():
            writer.add(os.path.join("redis-files", name), content)
        if not files:
            said = f"{problem} It has no data files in {directory} either. {unknown}".strip()
            return redis_dump.absent(said, self._has_nothing(container, layout))
        return {"status": "unproven", "reason": f"copied as files, because: {problem}", "files": sorted(files)}

    def _has_nothing(self, container: Container, layout: Layout | None) -> bool:
        """Say whether a Redis without data files has no data: a process may hold some, and so may files elsewhere."""
        if container.state not in NO_PROCESS:
            return False
        places = redis_dump.places(container)
        return layout is not None or not any(redis_dump.holds_files(self.engine, container, place) for place in places)

    def _layout(self, container: Container) -> tuple[Layout | None, str]:
        """Return where Redis keeps its data, and why that is not known; a copy of the container is asked."""
        passwords = live_state.redis_passwords(self.stack, container, self.env)
        access = live_state.redis_access(self.stack)
        try:
            return redis_copy.ask_layout(self.engine, self.runner, container, passwords, access, COPY_SECONDS), ""
        except RecoveryError as exc:
            return None, exc.msg

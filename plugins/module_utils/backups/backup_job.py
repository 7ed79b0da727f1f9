# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take one backup: what runs, the data, the images; all or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..configuration import links
from ..engine.container import Container, as_record
from ..engine.definitions import Definitions, find_client
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..live import live_state, redis_live
from ..redact import scrub, secret_values
from ..redis import redis_dump, redis_scratch
from ..redis.redis_data import RedisData
from ..redis.redis_keyspace import keyspace
from ..runner import Runner, Stamp
from ..stack_args import StackArgs
from . import backup, runbook
from .backup_store import BackupStore, BackupWriter
from .capture import Capture
from .captured import ON_DISK, RUNNING, Captured

RESERVE = 32 << 20
LOG_LINES = 1000


class BackupJob:
    """One run of backup_create.

    now: the frozen time of this run (UTC); host: this target's name; marks: what goes into marks.json.
    """

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, store: BackupStore, now: datetime, host: str
    ) -> None:
        self.stack, self.engine, self.runner, self.store, self.now, self.host = stack, engine, runner, store, now, host
        self.containers = engine.containers()
        self.env = live_state.environment(self.stack, self.runner)

    def free_id(self, kind: str) -> str:
        """Return an id of this second, or of the next one that is free."""
        moment = self.now
        while True:
            backup_id = f"{kind}-{moment.strftime('%Y%m%d-%H%M%S')}"
            if not self.runner.exists(os.path.join(self.store.root, backup.FOLDERS[kind], backup_id)):
                return backup_id
            moment += timedelta(seconds=1)

    def create(
        self,
        kind: str,
        backup_id: str,
        marks: dict[str, Any],
        owner: Stamp,
        undo_data: str = "keep",
        further: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Write the backup and return its manifest with ``path`` added.

        further: files of the stack that a rollback is about to change, whoever mounts them; undo_data: what a rollback
        to this snapshot does to the data, so that it takes the run back that made it.
        """
        if not self.containers and kind != "rollback" and not (kind == "data" and self.stack.redis_host):
            raise RecoveryError(
                f"Project {self.stack.project} has no containers on {self.host}: nothing runs that could be backed up.",
                f"Check stack_project; what is there: docker compose ls --all (in {self.stack.dir})",
            )
        facts, problem = live_state.data_facts(self.stack, self.containers, self.env)
        self._need_space(int(facts.get("memory_bytes", 0)))
        captured = Captured() if kind == "data" else self._captured(further)
        writer = BackupWriter(self.store, backup_id or self.free_id(kind), owner)
        try:
            data = self._data(writer, facts, problem)
            if kind == "data" and data["status"] == "absent":
                raise RecoveryError(
                    f"No data could be saved: {data['reason']}", "Look at Redis: ansible-playbook playbooks/verify.yml"
                )
            self._files(writer, captured)
            if kind == "rollback":
                self._logs(writer)
            services = {} if kind == "data" else {name: self._service(item) for name, item in self.containers.items()}
            # A rollback moves tags; so that it can be taken back, what they name now is kept too.
            tags = self._tags(services) if kind == "rollback" else {}
            for image_id in sorted({item["image_id"] for item in services.values()} | set(tags.values())):
                self.engine.keep_image(image_id)
            manifest = {
                "format": backup.FORMAT,
                "id": writer.id,
                "kind": kind,
                "sequence": self.store.next_sequence(),
                "created": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "running_since": max((item.created for item in self.containers.values()), default=""),
                "environment": self.stack.environment,
                "project": self.stack.project,
                "host": self.host,
                "complete": not captured.gaps,
                "notes": captured.gaps + captured.notes,
                "absent": captured.absent,
                "directories": captured.directories,
                "links": captured.links,
                "services": services,
                "tags": tags,
                "compose_version": next((item.compose_version for item in self.containers.values()), ""),
                "kong": captured.kong,
                "redis": data,
                "undo_data": undo_data,
            }
            env_file = self.stack.env_file_among(captured.files) if captured.files else self.stack.env_file
            stack = replace(self.stack, env_file=env_file)
            text = runbook.render({**manifest, "files": writer.files}, stack, writer.final)
            writer.add(runbook.NAME, text.encode("utf-8", "surrogateescape"))
            path = writer.finish(manifest, marks)
        except BaseException:
            writer.abandon()
            raise
        return {**manifest, "path": path}

    def _captured(self, further: Sequence[str]) -> Captured:
        definitions = Definitions(self.stack, self.runner, find_client(self.runner))
        older = self.store.listing(self.stack.environment, self.stack.project, [self.host], self.now)
        usable = [item for item in older if item["usable"] and item["kind"] != "data"]
        capture = Capture(
            self.stack,
            self.engine,
            self.runner,
            definitions,
            self.containers,
            usable,
            self.store.manifest,
            self.now.timestamp(),
        )
        return capture.configuration(further)

    def _need_space(self, data_bytes: int) -> None:
        self.runner.make_dir(self.store.root)
        free = self.runner.free_bytes(self.store.root)
        wanted = data_bytes + RESERVE
        if free < wanted:
            raise RecoveryError(
                f"{self.store.root} has {free >> 20} MiB free, a backup needs up to {wanted >> 20} MiB.",
                "Make room, or set backup_dir to a larger file system.",
                free_bytes=free,
                wanted_bytes=wanted,
            )

    def _data(self, writer: BackupWriter, facts: Mapping[str, Any], problem: str) -> dict[str, Any]:
        """Copy the data into the backup and return the manifest's line about it."""
        if self.stack.redis_host:
            return self._managed(writer, facts, problem)
        container = self.containers.get(self.stack.redis_service)
        if container is None:
            return redis_dump.absent(f"the project has no service {self.stack.redis_service}")
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
        redis_dump.by_keys(self.engine, self.runner, image, client, path)
        writer.note(redis_dump.NAME)
        status, reason = self._prove(image, path, int(facts["keys"]))
        said = "; ".join(filter(None, [redis_dump.NOT_POINT_IN_TIME, why, reason]))
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
        try:
            files = redis_dump.copy_files(self.engine, container)
        except RecoveryError as exc:
            return redis_dump.absent(f"{problem} {exc.msg}")
        for name, content in files.items():
            writer.add(os.path.join("redis-files", name), content)
        if not files:
            return redis_dump.absent(f"{problem} It has no data files either.")
        return {"status": "unproven", "reason": f"copied as files, because: {problem}", "files": sorted(files)}

    def _files(self, writer: BackupWriter, captured: Captured) -> None:
        for path, item in captured.files.items():
            stamp = {"mode": item.stamp.mode, "uid": item.stamp.uid, "gid": item.stamp.gid}
            writer.add(os.path.join("files", path), item.data, target=path, origin=item.origin, **stamp)
        for path, content in captured.ahead.items():
            writer.add(os.path.join("ahead", path), content, origin=ON_DISK)
        env_file = self.stack.env_file_among(captured.files)
        if env_file in captured.files:
            writer.add("config.env", captured.files[env_file].data, origin=RUNNING)
        states = [_ps_row(item) for item in self.containers.values()]
        writer.add("services-state.json", json.dumps(states, indent=1).encode() + b"\n")
        if captured.files:
            records = {name: as_record(item) for name, item in self.containers.items()}
            writer.add("containers.json", json.dumps(records, indent=1).encode() + b"\n")

    def _logs(self, writer: BackupWriter) -> None:
        """Save the last log lines of every container, redacted: recreation destroys them."""
        hidden = [value for item in self.containers.values() for value in secret_values(item.env)]
        with ThreadPoolExecutor(max_workers=4) as pool:
            texts = pool.map(lambda item: self.engine.logs(item, LOG_LINES), self.containers.values())
            for service, text in zip(self.containers, texts):
                writer.add(os.path.join("logs", f"{service}.log"), scrub(text, hidden).encode("utf-8", "replace"))

    def _tags(self, services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Return image reference → id of those whose tag names something here; the running image may be another."""
        found = {item["image_ref"]: self.engine.image_id(item["image_ref"]) for item in services.values()}
        return {reference: image_id for reference, image_id in found.items() if image_id}

    def _service(self, container: Container) -> dict[str, Any]:
        sources = [item.source for item in container.mounts if item.type == "bind"]
        return {
            "container_id": container.id,
            "image_ref": container.image_ref,
            "image_id": container.image_id,
            "config_hash": container.config_hash,
            "compose_version": container.compose_version,
            "depends_on": list(container.depends_on),
            "env_names": sorted(container.env),
            "mounts": sorted({name for source in sources for name in links.names(self.stack, source)}),
            "ports": {inside: list(place) for inside, place in container.ports.items()},
            "state": container.state,
        }


def _ps_row(container: Container) -> dict[str, Any]:
    """Return a container as ``docker compose ps --format json`` shows it."""
    return {
        "ID": container.id[:12],
        "Name": container.name,
        "Service": container.service,
        "Image": container.image_ref,
        "State": container.state,
        "Health": "" if container.health == "none" else container.health,
        "ExitCode": container.exit_code,
        "Publishers": [
            {
                "URL": host,
                "TargetPort": int(inside.split("/")[0]),
                "PublishedPort": port,
                "Protocol": inside.split("/")[-1],
            }
            for inside, (host, port) in container.ports.items()
        ],
    }

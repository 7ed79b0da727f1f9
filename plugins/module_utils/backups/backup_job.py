# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take one backup: what runs, the data, the images; all or nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..configuration.mounted_names import mounted_names
from ..engine import networks
from ..engine.container import Container, as_record
from ..engine.definitions import Definitions, find_client
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..libraries import docker
from ..live import live_state
from ..redact import carried_secrets, scrub
from ..redis import redis_dump
from ..runner import Runner, Stamp
from ..stack_args import StackArgs
from . import backup, runbook
from .backup_store import BackupStore, BackupWriter
from .capture import Capture
from .captured import ON_DISK, RUNNING, Captured
from .data_copy import DataCopy

RESERVE = 32 << 20
LOG_LINES = 1000


class NothingToSaveError(RecoveryError):
    """There are no data, and none can be lost."""


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
            copy = DataCopy(self.stack, self.engine, self.runner, self.containers, self.env)
            data = copy.into(writer, facts, problem)
            if kind == "data" and data["status"] == "absent":
                kind_of_failure = NothingToSaveError if data.get("nothing") else RecoveryError
                raise kind_of_failure(
                    f"No data could be saved: {data['reason']}", "Look at Redis: ansible-playbook playbooks/verify.yml"
                )
            lost = redis_dump.unsaved(data, undo_data) if kind == "rollback" else ""
            if lost:
                raise RecoveryError(
                    f"The data of {self.stack.redis_service} would be changed, and no copy of them could be saved: "
                    f"{lost} Nothing was changed.",
                    "Keep them: ansible-playbook playbooks/rollback.yml -e redis_data=keep; they can be changed once "
                    "Redis answers: ansible-playbook playbooks/recover_data.yml",
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
                "complete": not captured.gaps and not captured.lacks,
                "exact": not captured.gaps,
                "notes": captured.gaps + captured.lacks + captured.notes,
                "absent": captured.absent,
                "directories": captured.directories,
                "spared": captured.spared,
                "links": captured.links,
                "services": services,
                "networks": networks.as_records(self.engine.own_networks()),
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
        definitions = Definitions(self.stack, self.runner, find_client(self.runner), every_profile=True)
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
            time.time,
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
        hidden = carried_secrets(self.containers.values())

        def last_lines(container: Container) -> str:
            try:
                return self.engine.logs(container, LOG_LINES)
            except docker.errors.APIError as exc:  # a logging driver that keeps nothing, a container that is dead
                return f"The engine gives no log of {container.name}: {exc.explanation}\n"

        with ThreadPoolExecutor(max_workers=4) as pool:
            texts = pool.map(last_lines, self.containers.values())
            for service, text in zip(self.containers, texts):
                writer.add(os.path.join("logs", f"{service}.log"), scrub(text, hidden).encode("utf-8", "replace"))

    def _tags(self, services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Return image reference → id of those whose tag names something here; the running image may be another."""
        found = {item["image_ref"]: self.engine.image_id(item["image_ref"]) for item in services.values()}
        return {reference: image_id for reference, image_id in found.items() if image_id}

    def _service(self, container: Container) -> dict[str, Any]:
        return {
            "container_id": container.id,
            "image_ref": container.image_ref,
            "image_id": container.image_id,
            "config_hash": container.config_hash,
            "compose_version": container.compose_version,
            "depends_on": list(container.depends_on),
            "env_names": sorted(container.env),
            "mounts": sorted(mounted_names(self.stack, container)),
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

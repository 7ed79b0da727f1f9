# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collect the configuration that runs, which is not always the one that lies on disk.

A file that was edited and not yet deployed belongs to the next release. Its running content is taken from the
container, else from an older backup of the same state, else reconstructed and labelled so; the edited one is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..configuration import config_files, links, mounted_tree
from ..engine import networks
from ..engine.container import Container
from ..engine.definitions import Definitions, drifts
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..live import live_state
from ..runner import Runner, Stamp
from ..stack_args import StackArgs
from . import captured_links
from .captured import RECONSTRUCTED, RUNNING, Captured, CapturedFile
from .reconstruct import Drift, needed, reconstruct

LOAD_SLACK = 2.0


class Capture:
    """Reads only; containers is service → container, older the usable backups, newest first.

    manifest_of(path) gives an older backup's manifest; now tells the seconds since the epoch.
    """

    def __init__(
        self,
        stack: StackArgs,
        engine: DockerStack,
        runner: Runner,
        definitions: Definitions,
        containers: Mapping[str, Container],
        older: Sequence[Mapping[str, Any]],
        manifest_of: Callable[[str], Mapping[str, Any]],
        now: Callable[[], float],
    ) -> None:
        self.stack, self.engine, self.runner, self.definitions = stack, engine, runner, definitions
        self.containers, self.older = containers, [item for item in older if item["layout"] == "manifest"]
        self.manifest_of, self.now, self.told_kong = manifest_of, now, ""

    def configuration(self, further: Sequence[str] = ()) -> Captured:
        """Return what runs, and further files as they lie on disk."""
        captured = self._on_disk(further)
        self._as_containers_see_it(captured)
        captured_links.in_directories(self.stack, captured)
        self._definitions(captured)
        shown = self._shown_by_kong(captured)
        self._edited_since_load(captured, shown)
        self._kong(captured, shown)
        return captured

    def _on_disk(self, further: Sequence[str]) -> Captured:
        captured = Captured()
        present, captured.absent = config_files.definition_files(self.stack, self.runner)
        mounts = config_files.mounted(self.stack, self.containers)
        paths = {*present, *(path for path in further if os.path.isfile(self.stack.path(path)))}
        for path in [*present, *further]:
            captured.links.update(links.on_the_way(self.stack, self.stack.path(path)))
        for mount in (item for found in mounts.values() for item in found):
            captured.links.update(links.on_the_way(self.stack, mount.source))
            if not mount.directory and self.runner.exists(self.stack.path(mount.path)):
                paths.add(mount.path)
        captured.directories = config_files.mounted_directories(self.stack, self.containers)
        captured.spared = mounted_tree.below(captured.directories, config_files.spared(self.stack, self.containers))
        captured.notes += [
            f"{path} is mounted writable below /etc and is in no backup; where it is configuration, name it in "
            "stack_config_paths"
            for path in config_files.doubtful(self.stack, self.containers)
        ]
        paths |= mounted_tree.look(self.stack, captured.directories, captured.spared).files
        for path in sorted(paths):
            full = self.stack.path(path)
            captured.files[path] = CapturedFile(self.runner.read(full), self.runner.stamp(full))
        return captured

    def _as_containers_see_it(self, captured: Captured) -> None:
        """A file replaced by rename is still the old one inside."""
        stale = live_state.stale_files(self.stack, self.engine, self.runner, self.containers)
        mounts = config_files.mounted(self.stack, self.containers)
        for service, paths in stale.items():
            inside = live_state.inside_paths(self.stack, mounts[service])
            for path in paths:
                status, data, _err = self.engine.execute(self.containers[service], ["cat", "--", inside[path]])
                if status != 0:
                    captured.gaps.append(f"{path} as {service} sees it could not be read")
                elif path in captured.files:
                    if not self._pointed_elsewhere(captured, path, paths[path]):
                        captured.replace(path, data, RUNNING)
                elif path not in captured.ahead:
                    owner = self.runner.stamp(self.stack.dir)
                    captured.files[path] = CapturedFile(data, Stamp(0o644, owner.uid, owner.gid))
                    captured.notes.append(f"{path} is gone from the disk; what {service} still sees is kept")

    def _pointed_elsewhere(self, captured: Captured, path: str, sha256: str) -> bool:
        """Kong's own file is found by its mount, which follows the link as it is now."""
        if path == config_files.kong_file(self.stack, self.containers):
            return False
        return captured_links.pointed_elsewhere(self.stack, self.runner, captured, path, sha256)

    def _shown_by_kong(self, captured: Captured) -> str:
        """Return the hash of what Kong has loaded; empty where it shows none. What it says goes into captured.kong."""
        file = config_files.kong_file(self.stack, self.containers)
        captured.kong = {"file": file, "version": "", "configuration_hash": "", "proven": False}
        admin = live_state.admin_client(self.engine, self.containers, self.stack.kong_service)
        if admin is None:
            return ""
        try:
            captured.kong["version"], self.told_kong = (facts := admin.facts()).version, facts.file
            return admin.loaded_hash()
        except RecoveryError as exc:
            captured.notes.append(exc.msg)
            return ""

    def _edited_since_load(self, captured: Captured, shown: str) -> None:
        """A file edited in place is what the container sees, but not what its process has read.

        The files are judged by time; Kong's declarative file by the hash that Kong shows, where it shows one.
        """
        kong_file = config_files.kong_file(self.stack, self.containers) if shown else ""
        for service, mounts in config_files.mounted(self.stack, self.containers).items():
            container = self.containers[service]
            if not container.running:
                continue
            paths = [path for path in live_state.inside_paths(self.stack, mounts) if path != kong_file]
            folders = [item.path for item in mounts if item.directory]
            led = mounted_tree.look(self.stack, folders, captured.spared).links
            loaded = self._loaded_at(container) if paths or led else 0.0
            for path in paths:
                full = self.stack.path(path)
                if path not in captured.ahead and self.runner.exists(full) and self.runner.modified(full) > loaded:
                    self._as_loaded(captured, service, path)
            for path, leads in led.items():
                if captured.links[path] == leads and self.runner.pointed(self.stack.path(path)) > loaded:
                    captured_links.as_loaded(self.stack, self.runner, captured, path, service, self._alike(service))

    def _loaded_at(self, container: Container) -> float:
        """Return when the processes of a container last read their files: at its start, or at the last reload."""
        # An age holds for the moment in which it is told, not for the one in which this run began.
        ages, now = self.engine.worker_ages(container), self.now()
        return max(container.started, now - ages[0] if ages else 0.0) + LOAD_SLACK

    def _as_loaded(self, captured: Captured, service: str, path: str) -> None:
        """Take the file from an older backup that knows it, or say that nobody does."""
        for item in self._alike(service):
            data = self._content(item).get(path)
            if data is not None:
                captured.replace(path, data, f"from {item['id']}")
                return
        captured.gaps.append(f"{path} was edited after {service} last read it, and no backup holds what it read")

    def _alike(self, service: str) -> list[Mapping[str, Any]]:
        """Return the older backups of this service's container, then those of its definition."""
        container = self.containers[service]
        exact = [item for item in self.older if item["exact"] and service in item["services"]]
        recorded = [(item, item["services"][service]) for item in exact]
        alike = [item for item, record in recorded if record.get("container_id") == container.id]
        return alike + [
            item
            for item, record in recorded
            if (record["image_id"], record["config_hash"]) == (container.image_id, container.config_hash)
        ]

    def _definitions(self, captured: Captured) -> None:
        """Compose files and environment: as deployed, not as edited."""
        names = [path for path in config_files.definition_files(self.stack, self.runner)[0] if path in captured.files]
        on_disk = {path: captured.files[path].data for path in names}
        resolved, problem = self.definitions.try_resolve(on_disk)
        drift = self._drift(resolved) if not problem else {"compose": {problem: ("", "")}}
        if not drift:
            return
        captured.notes += self._other_files()
        for backup_id, files in self._same_deployment():
            for path in names:
                if path in files:
                    captured.replace(path, files[path], f"from {backup_id}")
            self._gone(captured, backup_id, files)
            self.definitions.try_resolve({path: captured.files[path].data for path in names})
            captured.gaps += self._not_as_said(self._other_networks())
            return
        solved = {} if problem else reconstruct(self.stack, self.definitions, on_disk, drift)
        solved, left = needed(solved, drift, lambda files: self._differs({**on_disk, **files}, drift))
        for path, data in solved.items():
            captured.replace(path, data, RECONSTRUCTED)
        captured.gaps += self._not_as_said(left)

    def _differs(self, files: Mapping[str, bytes], unread: Drift) -> Drift:
        """Return what differs from a definition with these files; unread where Compose cannot read it."""
        resolved, problem = self.definitions.try_resolve(files)
        return unread if problem else self._drift(resolved)

    @staticmethod
    def _not_as_said(differs: Mapping[str, Collection[str]]) -> list[str]:
        return [
            f"{what} runs with another {name} than the files say" for what, names in differs.items() for name in names
        ]

    def _drift(self, resolved: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
        """Return service or network → what differs from the definition that was just read."""
        return {**drifts(resolved, self.containers, self.engine), **self._other_networks()}

    def _other_networks(self) -> dict[str, dict[str, tuple[Any, Any]]]:
        others = networks.changed({}, self.definitions.networks, self.engine.own_networks())
        return {f"network {name}": {what: ("", "")} for name, what in others.items()}

    def _other_files(self) -> list[str]:
        """Say where services were deployed with other Compose files than those that count here."""
        ours = sorted(self.stack.definition())
        found = {tuple(map(self.stack.relative, item.compose_files)) for item in self.containers.values()}
        return [
            f"some services were deployed with {', '.join(filter(None, names)) or 'files elsewhere'}, and "
            f"{', '.join(ours)} is read here: set stack_compose_files"
            for names in sorted(found)
            if names and sorted(names) != ours
        ]

    def _gone(self, captured: Captured, backup_id: str, files: Mapping[str, bytes]) -> None:
        """Take from a backup of the same deployment what Compose read then and is gone from the disk since."""
        owner = self.runner.stamp(self.stack.dir)
        for path in sorted(set(captured.absent) & set(files)):
            captured.absent.remove(path)
            captured.files[path] = CapturedFile(files[path], Stamp(0o600, owner.uid, owner.gid), f"from {backup_id}")
            captured.notes.append(f"{path} is gone from the disk; what was deployed is kept (from {backup_id})")

    def _same_deployment(self) -> list[tuple[str, dict[str, bytes]]]:
        """Return (id, path → content) of the newest exact backup whose containers came from the same definitions."""
        for item in self.older:
            services = item["services"]
            same = set(services) == set(self.containers) and all(
                services[name]["config_hash"] == container.config_hash
                and services[name]["compose_version"] == container.compose_version
                for name, container in self.containers.items()
            )
            if same and item["exact"] and not networks.changed(item["networks"], {}, self.engine.own_networks()):
                return [(item["id"], self._content(item))]
        return []

    def _content(self, item: Mapping[str, Any]) -> dict[str, bytes]:
        return {
            entry["target"]: self.runner.read(os.path.join(item["path"], entry["path"]))
            for entry in self.manifest_of(item["path"])["files"]
            if entry.get("target")
        }

    def _kong(self, captured: Captured, shown: str) -> None:
        """Kong's file: the one whose MD5 Kong shows, else such a one from an older backup, else what Kong exports."""
        facts, path = captured.kong, captured.kong["file"]
        elsewhere = "" if path else config_files.kong_file_elsewhere(self.stack, self.containers)
        if path not in captured.files:
            if path:
                captured.lacks.append(f"{path}, Kong's own file, is not among the configuration that is backed up")
            elif elsewhere:
                captured.lacks.append(
                    f"{elsewhere}, Kong's own file, comes from a volume or from outside {self.stack.dir}, "
                    "of which no backup holds anything"
                )
            elif shown and not self.told_kong and not config_files.kong_declares(self.stack, self.containers):
                captured.lacks.append(f"Kong serves a configuration ({shown}) that its Admin API was given, in no file")
            return
        if shown and shown != _md5(captured.files[path].data):
            data, origin = self._kong_content(shown, path)
            if data is None:
                captured.gaps.append(f"Kong serves a configuration ({shown}) that is neither on disk nor in a backup")
            else:
                captured.replace(path, data, origin)
        facts["configuration_hash"] = _md5(captured.files[path].data)
        facts["proven"] = facts["configuration_hash"] == shown
        if not shown:
            captured.notes.append(
                f"Kong does not show what it serves: {path} is judged by the time of its last change alone"
            )
        elif not facts["proven"]:
            captured.notes.append(f"Kong does not show that it serves {path}: it shows {shown}")

    def _kong_content(self, loaded: str, path: str) -> tuple[bytes | None, str]:
        for item in self.older:
            if item["kong"].get("configuration_hash") == loaded and item["kong"].get("file") == path:
                data = self._content(item).get(path)
                if data is not None and _md5(data) == loaded:
                    return data, f"from {item['id']}"
        admin = live_state.admin_client(self.engine, self.containers, self.stack.kong_service)
        try:
            return (admin.running_configuration(), RECONSTRUCTED) if admin else (None, "")
        except RecoveryError:
            return None, ""


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gather what build_plan compares: the target out of a backup, the live state out of the engine. Reads only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ..backups import kept_secrets
from ..configuration import config_files, links
from ..configuration.mounted_names import mounted_names, read_at_start
from ..data.data_plan import DataPlan
from ..engine import networks, sockets
from ..engine.container import NAMELESS, UNREACHED, Container, differences, ended_since
from ..engine.definitions import Definitions, drifts
from ..engine.docker_stack import DockerStack
from ..guards import Guard
from ..libraries import waived_guards
from ..live import live_state, redis_closed
from ..live.troubles import troubles
from ..runner import Runner
from ..stack_args import StackArgs
from . import boundary, target_guards
from .decisions import covers
from .declared import declared, defined, jobs, reference
from .file_changes import changed_settings
from .target_files import TargetFiles

UNWANTED = "{0} has no container and may be a job that is done; it is left alone. To start it: docker compose up -d {0}"
UNKNOWN = "{} is not in the definition, or in a profile that is not active; it is left alone"


class PlanInput:
    """One comparison of a proven backup with what runs.

    backup: the record of backup_discover; keep: variables whose live values stay.
    """

    def __init__(
        self,
        stack: StackArgs,
        engine: DockerStack,
        runner: Runner,
        definitions: Definitions,
        backup: Mapping[str, Any],
        keep: Sequence[str] = (),
    ) -> None:
        self.stack, self.engine, self.runner, self.definitions, self.backup = stack, engine, runner, definitions, backup
        self.containers = engine.containers()
        self.original = backup["layout"] == "original"
        self.keep = sorted(set(keep))
        self.files = TargetFiles(stack, runner, backup, self.keep)
        self.kept = self.files.kept
        self.resolved, self.problem = self._definition()

    def target(self) -> dict[str, Any]:
        """Return the state to reach, in build_plan's terms."""
        return {
            "id": self.backup["id"],
            "services": {name: self._recorded_service(name, item) for name, item in self.backup["services"].items()},
            "files": self.files.files,
            "env_file": self.files.env_file,
            "kong": self.backup["kong"],
            # The old script recorded nothing about it.
            "redis_read": None if self.original else "mappings" in (self.backup.get("redis") or {}),
            "tags": self.backup.get("tags") or {},
            "notes": self.backup["notes"],
        }

    def live(self, target: Mapping[str, Any], data_mode: str, data_scope: str, brought: str = "") -> dict[str, Any]:
        """Return the live state in build_plan's terms; brought: for undo, the dump that is to be taken back."""
        env = live_state.environment(self.stack, self.runner)
        stale = live_state.stale_files(self.stack, self.engine, self.runner, self.containers)
        recorded = self._recorded()
        wrong = ended_since(recorded, self.containers)
        wrong.update(troubles(self.stack, self.containers, env, self.engine))
        hash_now = live_state.kong_hash(self.engine, self.containers, self.stack.kong_service)
        differs = self._differences()
        known = self._declared() if self.original else {}
        data_plan = DataPlan(self.stack, self.engine, self.runner, self.backup)
        data, data_guards = data_plan.look(data_mode, data_scope, env, brought)
        references = {item["image_ref"] for item in target["services"].values()}
        wanted_ids = {item["image_id"] for item in target["services"].values()} | set(target["tags"].values())
        guards, warnings, others = self._boundary(target, recorded, known)
        warnings += [UNKNOWN.format(name) for name in sorted(set(self.containers) - set(known)) if known]
        away = sorted(set(known) - set(self.containers))
        warnings += [UNWANTED.format(name) for name in away if not known[name]["wanted"]]
        now = self.files.now()
        redirected = self.files.redirected(now)
        guards += target_guards.guards(self.stack, self.runner, self.files, target, self.problem)
        guards += data_guards + waived_guards()
        guards += kept_secrets.unknown(self.keep, self.kept, self.stack.env_file)
        return {
            "services": {
                name: self._service(
                    item, differs.get(name, []), [*stale.get(name, ()), *redirected], wrong.get(name, "")
                )
                for name, item in self.containers.items()
            },
            "depends_on": {name: sorted(item.get("depends_on") or {}) for name, item in self.resolved.items()},
            "jobs": jobs(self.resolved),
            "handed_over": boundary.handed_over(self.containers, boundary.published(target["services"], recorded)),
            "declared": known,
            "files": now,
            "blocked": [
                path
                for path, item in target["files"].items()
                if "source" in item and path not in now and os.path.isdir(self.stack.path(path))
            ],
            "extra_files": self.files.added(config_files.spared(self.stack, self.containers)),
            "mounted_singly": sorted(
                self.stack.relative(mount.source)
                for item in self.containers.values()
                for mount in item.mounts
                if mount.type == "bind"
            ),
            "images": {reference: self.engine.image_id(reference) for reference in references},
            "present_images": {image_id for image_id in wanted_ids if self.engine.image_id(image_id)},
            "kong_hash": hash_now,
            "kong_loads": bool(live_state.loading_client(self.engine, self.containers, self.stack.kong_service)),
            "guards": guards,
            "warnings": warnings + target_guards.live_findings(self.stack, self.runner) + data.pop("warnings"),
            "network": self._has_network(),
            "other_networks": networks.changed(
                self.backup.get("networks") or {}, self.definitions.networks, self.engine.own_networks()
            ),
            **others,
            "data": data,
            "redis_closed": self._closed(env, wrong),
        }

    def _has_network(self) -> bool:
        """Say whether the project's network is there, or there is none that Compose would make."""
        own = bool(self.problem) or boundary.makes_network(self.definitions.networks)
        return self.engine.has_network() or not own

    def _service(self, container: Container, differs: list[str], stale: Iterable[str], trouble: str) -> dict[str, Any]:
        mounts = mounted_names(self.stack, container)
        return {
            "image_id": container.image_id,
            "config_hash": self._hash(container),
            "compose_version": container.compose_version,
            "depends_on": list(container.depends_on),
            "mounts": mounts,
            "differs": differs,
            "trouble": trouble,
            "state": container.state,
            "running": container.running,
            "stale_files": sorted({path for path in stale if covers(mounts, path)}),
            "restart_policy": container.restart_policy,
            "read_at_start": read_at_start(self.stack, container),
        }

    def _hash(self, container: Container) -> str:
        """Return Compose's label; with a kept value in the environment it says nothing, and the recorded one stands."""
        recorded = self.backup["services"].get(container.service) or {}
        if recorded and kept_secrets.concerned(container.env, self.kept):
            return str(recorded["config_hash"])
        return container.config_hash

    def _definition(self) -> tuple[dict[str, Any], str]:
        """Return (service → definition in the backup, why Compose cannot read it)."""
        files = self.files.definitions()
        if self.original:
            for path in config_files.definition_files(self.stack, self.runner)[0]:
                files.setdefault(path, self.runner.read(self.stack.path(path)))
        return self.definitions.try_resolve(files)

    def _declared(self) -> dict[str, dict[str, Any]]:
        """Return what the definition says about the services that the original layout did not record."""
        return declared(
            self.resolved,
            self.stack.project,
            self.stack.relative,
            self.stack.core,
            lambda reference: bool(self.engine.image_id(reference)),
            bool(self.containers),
        )

    def _recorded_service(self, name: str, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return a recorded service with the tag that today's Compose will look for."""
        return {
            **item,
            "image_ref": reference(item["image_ref"], self.stack.project, name, self.resolved.get(name) or {}),
            "defined": defined(self.resolved.get(name), partial(links.as_written, self.stack)),
        }

    def _differences(self) -> dict[str, list[str]]:
        """Return service → fields in which its container differs."""
        if self.original:
            defined = {name: item for name, item in self.containers.items() if name in self.resolved}
            found = drifts(self.resolved, defined, self.engine)
            return {name: sorted(fields) for name, fields in found.items()}
        recorded = self._recorded()
        both = {name: item for name, item in self.containers.items() if name in recorded}
        return {
            name: differences(recorded[name], item, kept_secrets.concerned(item.env, self.kept))
            for name, item in both.items()
        }

    def _recorded(self) -> dict[str, Any]:
        """Return service → what the backup recorded of its container; the original layout recorded nothing."""
        if self.original:
            return {}
        return dict(json.loads(self.runner.read(os.path.join(self.backup["path"], "containers.json"))))

    def _closed(self, env: dict[str, str], wrong: Mapping[str, str]) -> dict[str, Any]:
        """Return why a Redis that lives does not let us in, and what to do; empty where that is not so.

        wrong: service → trouble; one that was found to be dead is not waited for again, and without its network nobody
        reaches it.
        """
        service = self.stack.redis_service
        container = self.containers.get(service)
        if container is None or not container.running or self.stack.redis_host:
            return {}
        if wrong.get(service) in (redis_closed.SILENT, NAMELESS, UNREACHED):
            return {}
        found = redis_closed.look(self.stack, self.containers, env)
        return {"reason": found.closed, "hint": found.hint, "unsaved": found.unsaved} if found.closed else {}

    def _boundary(
        self, target: Mapping[str, Any], recorded: Mapping[str, Any], known: Mapping[str, Any]
    ) -> tuple[list[Guard], list[str], dict[str, list[str]]]:
        """Return (guards, warnings, others) about who is no part of the plan and holds what we need, or is beside us.

        others: guests and passengers, strangers' and the project's own in networks that Compose made for it.
        """
        project = self.stack.project
        everyone, listed = self.engine.everyone(), self.engine.networks()
        asked = {name: item for name, item in known.items() if item["wanted"] or name in self.containers}
        places = boundary.published(target["services"], recorded)
        places.update({name: item["places"] for name, item in asked.items()})
        names = [item.get("name", "") for item in (*recorded.values(), *asked.values())]
        guards = boundary.names_taken(names, everyone, project)
        guards += boundary.ports_taken(places, everyone, project)
        up = [name for name, item in self.containers.items() if item.running]
        listeners = sockets.owners(port for found in places.values() for _host, port, _kind in found)
        guards += boundary.programs_on_ports(places, up, listeners)
        guards += boundary.networks_taken(self.definitions.networks, listed, project)
        linked = {network for item in self.containers.values() for network in item.addresses}
        own = {item["Name"] for item in listed if not boundary.foreign(item.get("Labels"), project)}
        guests = boundary.guests(linked | own, everyone, project)
        alone = [f"{name} is a stranger on the project's network; it is left alone" for name in guests]
        others = {
            "guests": boundary.guests(own, everyone, project),
            "passengers": boundary.passengers(own, everyone, project, set(known or self.containers)),
        }
        return guards, [*alone, *boundary.several(everyone, project)], others

    def settings_diff(self, plan: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Return path → changed settings of each file that the plan writes, both sides redacted."""
        found = {}
        for action in plan["actions"]:
            path = action.get("path", "")
            written = action["action"] == "write_file" and "source" in self.files.files[path]
            if written and os.path.isfile(self.stack.path(path)):
                found[path] = changed_settings(path, self.runner.read(self.stack.path(path)), self.files.content(path))
        return found

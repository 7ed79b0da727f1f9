# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rehearse one backup: restore it into scratch containers beside the live stack, verify it there, leave nothing."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..checks import ADVISORY, NOT_MEASURED, Check, retry
from ..configuration import config_files, links
from ..engine import compose
from ..engine.container import Container
from ..engine.definitions import complaint, find_client
from ..engine.docker_stack import DockerStack
from ..engine.private_folder import private_folder
from ..errors import CommandError, NotReadyError, RecoveryError
from ..libraries import yaml
from ..live import live_state, readiness, redis_files, redis_layout, redis_live
from ..redact import scrub, secret_values
from ..redis import redis_keys, redis_scratch
from ..redis.redis_data import RedisData
from ..redis.redis_keyspace import keyspace
from ..runner import Runner, Stamp
from ..stack_args import StackArgs
from ..verification import masking
from ..verification.chain_checks import ProbeSettings
from ..verification.kong_verification import KongVerification
from ..verification.stack_checks import StackChecks
from . import drill_checks, drill_definition
from .drill_definition import ABSENT, DIRECTORY, FILE, OTHER, Place, Scratch
from .drill_room import PREFIX, labels_of, need_memory, swept

DUMP, DUMP_INSIDE = "redis-backup.rdb", "/kong-masking-recovery-drill.rdb"
SETTLE_SECONDS = 30.0
COMPOSE_SECONDS = 120.0
LOG_LINES = 5


class DrillJob:
    """One rehearsal; budget: seconds that it may take in all."""

    def __init__(self, stack: StackArgs, runner: Runner, live: DockerStack, budget: float) -> None:
        self.stack, self.runner, self.live = stack, runner, live
        self.end = runner.clock() + budget
        self.project = f"{PREFIX}{secrets.token_hex(4)}"
        self.engine = DockerStack(self.project)
        self.client = find_client(runner)
        self.phases: dict[str, float] = {}
        self.notes: list[str] = []

    def rehearse(self, found: Mapping[str, Any], files: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the checks of the backup's scratch stack; found: its record, files: those that were proven."""
        services = found["services"]
        gone = sorted(name for name, item in services.items() if not self.live.image_id(item["image_id"]))
        if gone:
            raise RecoveryError(
                f"The image of {', '.join(gone)} is gone from this host: backup {found['id']} cannot be rehearsed, nor "
                "rolled back to.",
                "Choose another one: ansible-playbook playbooks/list_backups.yml",
            )
        need_memory(self.runner, self.live, next((item["size"] for item in files if item["path"] == DUMP), 0))
        with swept(self.live, self.project), private_folder() as folder:
            room = os.path.realpath(folder)
            with self._phase("files"):
                scratch_stack = self._files(found, files, os.path.join(room, "stack"))
                scratch = self._definition(scratch_stack, services, room)
            return self._run(found, scratch_stack, scratch, room)

    def rehearse_data(self, found: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the checks of a backup that holds data alone: a server of the live image loads and counts them."""
        redis = self.live.container(self.stack.redis_service)
        if redis is None and not self.stack.redis_host:
            raise RecoveryError(f"There is no {self.stack.redis_service} whose image could load the data.")
        image = redis_live.scratch_image(self.stack, self.live, redis)
        dump, prefixes = os.path.join(found["path"], DUMP), [item.encode() for item in self.stack.mapping_prefixes]
        with self._phase("load"), redis_scratch.loaded(self.live, self.runner, image, dump) as client:
            held = sum(keyspace(client.info("keyspace")).values())
            numbers = redis_keys.counters(client, self.stack.redis_database, prefixes)
            counters = {key.decode(): value for key, value in numbers.items()}
        keys = drill_checks.judge_keys(found["redis"], (None, 0), 0, held)
        return [keys.as_dict(), drill_checks.judge_counters(found["redis"], counters).as_dict()]

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = self.runner.clock()
        try:
            yield
        finally:
            self.phases[name] = round(self.runner.clock() - began, 2)

    def _files(self, found: Mapping[str, Any], files: list[dict[str, Any]], copy: str) -> StackArgs:
        """Lay the backup's files out as the stack has them, and return the stack's arguments for that copy."""
        self.runner.make_dir(copy, 0o755)
        led = found.get("links") or {}
        for item in files:
            if item.get("target") and not links.behind(led, item["target"]):
                full = os.path.join(copy, item["target"])
                self._folders(os.path.dirname(full), copy)
                data = self.runner.read(os.path.join(found["path"], item["path"]))
                self.runner.write(full, data, Stamp(item["mode"], item["uid"], item["gid"]))
        for path, leads in led.items():
            self._folders(os.path.dirname(os.path.join(copy, path)), copy)
            self.runner.write_link(os.path.join(copy, path), links.text(path, leads))
        ports = (found["services"].get(self.stack.proxy_service) or {}).get("ports") or {}
        inside = sorted(int(name.split("/")[0]) for name in ports if name.endswith("/tcp"))
        env_file = self.stack.env_file_among([item["target"] for item in files if item.get("target")])
        env_file = env_file if os.path.isfile(os.path.join(copy, env_file)) else ""
        port = self.stack.proxy_port or (inside[0] if inside else 0)
        return self.stack.moved_to(copy, project=self.project, env_file=env_file, proxy_port=port)

    def _folders(self, path: str, copy: str) -> None:
        """Make the directories of a file, with owner and mode of the live ones."""
        if path != copy and not os.path.isdir(path):
            self._folders(os.path.dirname(path), copy)
            self._folder(path, self.stack.path(os.path.relpath(path, copy)))

    def _folder(self, path: str, like: str) -> None:
        self.runner.make_dir(path, 0o755)
        if os.path.isdir(like):
            self.runner.apply_stamp(path, self.runner.stamp(like))

    def _definition(self, scratch_stack: StackArgs, services: Mapping[str, Any], room: str) -> Scratch:
        cmd = compose.command(scratch_stack, self.client, "--profile", "*", "config", "--format", "json")
        try:
            document = json.loads(self.runner.run(cmd).stdout)
        except CommandError as exc:
            raise RecoveryError(
                f"Compose cannot read the backup's definition: {complaint(exc.stderr or exc.stdout)}."
            ) from exc
        place = Place(scratch_stack.dir, os.path.join(room, "empty"), self.stack.relative, self._kind)
        scratch = drill_definition.scratch(document, services, self.project, labels_of(self.live), place)
        lost = sorted(name for name in self.stack.core if name in scratch.left_out)
        if lost:
            raise RecoveryError(
                f"This stack cannot be rehearsed on this host: {lost[0]} cannot run beside itself, "
                f"{scratch.left_out[lost[0]]}.",
                "Rehearse it on another host.",
            )
        self.runner.make_dir(place.empty)
        for path, like in scratch.folders.items():
            live = like if os.path.isabs(like) else self.stack.path(like)
            if os.path.isfile(live) and not os.path.exists(path):
                self.runner.write(path, b"", self.runner.stamp(live))
            elif not os.path.exists(path):
                self._folders(os.path.dirname(path), scratch_stack.dir if path.startswith(scratch_stack.dir) else room)
                self._folder(path, live)
        self.notes += scratch.notes
        return scratch

    def _kind(self, path: str) -> str:
        try:
            mode = os.stat(path).st_mode
        except OSError:
            return ABSENT
        return DIRECTORY if stat.S_ISDIR(mode) else FILE if stat.S_ISREG(mode) else OTHER

    def _run(
        self, found: Mapping[str, Any], scratch_stack: StackArgs, scratch: Scratch, room: str
    ) -> list[dict[str, Any]]:
        checks: list[Check] = [
            Check(f"container_{name}", NOT_MEASURED, "running", why, ADVISORY) for name, why in scratch.left_out.items()
        ]
        dump = os.path.join(found["path"], DUMP)
        redis = scratch.document["services"].get(self.stack.redis_service)
        has_data = bool((found["redis"] or {}).get("file")) and os.path.isfile(dump) and redis is not None
        if has_data:
            copy = os.path.join(room, DUMP)
            self.runner.write(copy, self.runner.read(dump), mode=0o644)
            redis["volumes"].append({"type": "bind", "source": copy, "target": DUMP_INSIDE, "read_only": True})
        path = os.path.join(room, "drill.json")
        self.runner.write(path, json.dumps(scratch.document).encode())
        for wave in drill_definition.waves(
            {name: found["services"][name] for name in scratch.document["services"]},
            (self.stack.redis_service, self.stack.kong_service, self.stack.proxy_service),
        ):
            with self._phase(f"start {', '.join(wave)}"):
                self._up(path, room, wave)
                if self.stack.redis_service in wave:
                    checks += self._redis(scratch_stack, found["redis"] if has_data else {}, os.path.join(room, DUMP))
                if self.stack.kong_service in wave:
                    self._ready(self.stack.kong_service, lambda item: self._kong_problem(item, found))
                if self.stack.proxy_service in wave:
                    self._ready(self.stack.proxy_service, lambda item: readiness.proxy_problem(item, scratch_stack))
        with self._phase("verify"):
            return [item.as_dict() for item in checks] + self._verify(scratch_stack, scratch)

    def _kong_problem(self, container: Container | None, found: Mapping[str, Any]) -> str:
        wanted = str((found["kong"] or {}).get("configuration_hash") or "")
        return readiness.kong_problem(container, wanted, self.stack, self.engine)

    def _up(self, path: str, room: str, services: list[str]) -> None:
        words = ["up", "--detach", "--no-deps", "--no-build", "--pull", "never", *services]
        try:
            self.runner.run(
                [*self.client, "--project-name", self.project, "--project-directory", room, "--file", path, *words],
                COMPOSE_SECONDS,
            )
        except CommandError as exc:
            raise RecoveryError(
                f"The scratch containers of {', '.join(services)} do not start: {complaint(exc.stderr or exc.stdout)}."
            ) from exc

    def _ready(self, service: str, problem: Callable[[Container | None], str]) -> None:
        def look() -> Container | None:
            return self.engine.container(service)

        left = max(0.0, self.end - self.runner.clock())
        try:
            readiness.wait_ready(lambda: problem(look()), look, left, self.runner.clock, self.runner.sleep)
        except NotReadyError as exc:
            # The scratch container is gone afterwards, and with it what it said.
            exc.msg = f"{exc.msg} {self._last_words(look())}".strip()
            raise

    def _last_words(self, container: Container | None) -> str:
        if container is None:
            return ""
        said = scrub(self.engine.logs(container, LOG_LINES), secret_values(container.env)).strip().splitlines()
        return f"Its last words: {' | '.join(said)}" if said else "It said nothing."

    def _redis(self, scratch_stack: StackArgs, recorded: Mapping[str, Any], dump: str) -> list[Check]:
        """Wait for Redis; with data, put the dump where this server loads it, start it again and count."""
        env = live_state.environment(scratch_stack, self.runner)
        service = self.stack.redis_service

        def client() -> RedisData:
            return live_state.redis_client(scratch_stack, self.engine.containers(), env)

        def ready() -> None:
            access = live_state.redis_access(scratch_stack)

            def ask(container: Container | None) -> str:
                passwords = live_state.redis_passwords(self.stack, container, env)
                return readiness.redis_problem(container, passwords, access)

            self._ready(service, ask)

        ready()
        if not recorded:
            return []
        asked = client()
        settings = {name: str(asked.client.config_get(name).get(name, "")) for name in redis_layout.SETTINGS}
        asked.close()
        container = self.engine.containers()[service]
        before = drill_checks.counted(self._check_rdb(container))
        self.engine.stop(container)
        # As a restore does it: what a scratch server saves is one data set, whatever stands behind it in the dump.
        clean = f"{dump}.clean"
        with redis_scratch.loaded(self.live, self.runner, container.image_id, dump) as source:
            redis_scratch.save(source, clean)
        redis_files.rewrite(self.engine, container, redis_layout.Layout.from_settings(settings), clean)
        self.engine.start(container)
        ready()
        loaded = client()
        try:
            facts = loaded.facts(self.stack.mapping_prefixes)
        finally:
            loaded.close()
        _read, expired = drill_checks.counted(self._check_rdb(self.engine.containers()[service]))
        return [
            drill_checks.judge_keys(recorded, before, expired, facts["keys"]),
            drill_checks.judge_counters(recorded, facts["counters"]),
        ]

    def _check_rdb(self, container: Container) -> str:
        return self.engine.execute(container, ["redis-check-rdb", DUMP_INSIDE])[1].decode("utf-8", "replace")

    def _verify(self, scratch_stack: StackArgs, scratch: Scratch) -> list[dict[str, Any]]:
        """Make the usual checks on the scratch stack; the masking request only where it cannot leave it."""
        services = list(scratch.document["services"])
        hosts = self._hosts(scratch_stack)
        names = {name for item in self.engine.containers().values() for name in (*item.aliases, item.service)}
        evidence = masking.REDIS if drill_checks.inside(hosts, names) else masking.OFF
        stack_checks = StackChecks(scratch_stack, self.engine, self.runner, services, write=True)
        gateway = KongVerification(scratch_stack, self.engine, self.runner, ProbeSettings(evidence=evidence, samples=0))
        budget = min(SETTLE_SECONDS, max(0.0, self.end - self.runner.clock()))
        rest = [item.as_dict() for item in retry(stack_checks.ask_all, budget, self.runner.clock, self.runner.sleep)]
        left = min(SETTLE_SECONDS, max(0.0, self.end - self.runner.clock()))
        return drill_checks.outside_reason([*rest, *gateway.run(left, rest)["checks"]], hosts)

    def _hosts(self, scratch_stack: StackArgs) -> set[str]:
        path = config_files.kong_file(scratch_stack, self.engine.containers())
        try:
            document = yaml.safe_load(self.runner.read(scratch_stack.path(path))) if path else {}
        except (OSError, yaml.YAMLError):
            return set()
        return drill_checks.upstream_hosts(document) if isinstance(document, dict) else set()

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Execute a plan's actions, exactly those and in their order; what nobody waits for runs beside."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from ..backups import kept_secrets
from ..configuration import links
from ..data import kept_data
from ..data.redis_job import RedisJob
from ..engine import compose, env_file
from ..engine.container import Container
from ..engine.docker_stack import LONGEST_GRACE, DockerStack
from ..engine.engine_loss import engine_lost, helpless
from ..errors import CommandError, DamagedBackupError, NotReadyError, RecoveryError
from ..libraries import docker, requests
from ..live import kong_mark, live_state, proxy_reload, readiness
from ..live.diagnosis import Diagnosis
from ..redact import carried_secrets, scrub, secret_values
from ..runner import Runner, Stamp
from ..runs.run_phase import RunPhase
from ..stack_args import StackArgs
from . import awaited

LOADED_SECONDS = 10.0
# What an action may take beside waiting for a service: Compose's call with a grace period in it.
STEP_SECONDS = 120.0
# What a job may take that others wait for; Compose itself waits for as long as it works.
JOB_SECONDS = 300.0
# How often an action is repeated after the engine was lost, and how long the engine is waited for.
REPEATS, ENGINE_SECONDS = 2, 60.0


class PlanExecutor:
    """Executes one plan against one stack.

    backup_path: where the plan's sources lie; budget: seconds that each service may take to become ready; phase: renews
    the run's lock before each action and notes it; copies: backups that hold the data of before, the newest first.
    """

    def __init__(
        self,
        stack: StackArgs,
        engine: DockerStack,
        runner: Runner,
        client: tuple[str, ...],
        backup_path: str,
        budget: float,
        phase: RunPhase | None = None,
        copies: Sequence[str] = (),
    ) -> None:
        self.stack, self.engine, self.runner, self.client = stack, engine, runner, client
        self.backup_path, self.budget = backup_path, budget
        self.phase = phase or RunPhase(stack, {}, runner)
        self.copies = copies
        self.executed: list[dict[str, Any]] = []
        # Known from the beginning: what fails may be the engine.
        self.secrets = carried_secrets(engine.containers().values())
        self.network_made, self.networks_wanted = engine.has_network(), 1
        self.network_lock = threading.Lock()

    def execute(self, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Execute every action and return them with their duration (ms); raise at the first that fails.

        The exception carries what was done so far in ``details.executed``.
        """
        with ThreadPoolExecutor(max_workers=8) as pool:
            beside: list[Future[None]] = []
            try:
                for action in actions:
                    if action.get("beside"):
                        beside.append(pool.submit(self._one, action))
                    else:
                        self._one(action)
                for job in beside:
                    job.result()
            except RecoveryError as exc:
                wait(beside)
                exc.details["executed"] = sorted(self.executed, key=lambda item: item["step"])
                raise
        return sorted(self.executed, key=lambda item: item["step"])

    def _one(self, action: dict[str, Any]) -> None:
        # Outside the try: where the lock was taken over, nothing of ours may touch the stack any more.
        self.phase.hold(self._budget(action) + STEP_SECONDS)
        self.phase.step(action, "begin")
        began = self.runner.clock()
        try:
            self._carry_out(action)
        except Exception as cause:  # whatever it is, what was done before must be told
            exc = cause if isinstance(cause, RecoveryError) else RecoveryError(f"{type(cause).__name__}: {cause}")
            where = action.get("service") or action.get("path") or action.get("reference")
            exc.msg = self._scrubbed(
                f"Step {action['step']} ({action['action']} {where}) failed: {exc.msg}{self._evidence(action)}"
            )
            exc.hint = exc.hint or helpless(cause)
            exc.details["step"] = action["step"]
            if isinstance(exc, CommandError):
                exc.stdout, exc.stderr = self._scrubbed(exc.stdout), self._scrubbed(exc.stderr)
            raise exc from cause
        milliseconds = int((self.runner.clock() - began) * 1000)
        self.executed.append({**action, "ms": milliseconds})
        self.phase.step(action, "end", ms=milliseconds)

    def _budget(self, action: Mapping[str, Any]) -> float:
        return max(self.budget, JOB_SECONDS) if action.get("until") else self.budget

    def _carry_out(self, action: dict[str, Any]) -> None:
        """Do one action; where the engine was restarted under it, wait for the engine and do it again.

        Every action brings about a state and may be repeated.
        """
        for repeats in range(REPEATS, -1, -1):
            try:
                getattr(self, f"_{action['action']}")(action)
            except Exception as exc:
                if not repeats or not engine_lost(exc):
                    raise
                self.engine.connect(ENGINE_SECONDS)
            else:
                return

    def _evidence(self, action: Mapping[str, Any]) -> str:
        """Return what is known about the guilty container: its state, the engine's events, the end of its log."""
        known = Diagnosis(self.stack, self.engine, self.runner).text(action["service"]) if action.get("service") else ""
        return known and f" Evidence: {known}"

    def _scrubbed(self, text: str) -> str:
        # An engine that is gone is what has to be told then.
        with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
            self.secrets += carried_secrets(self.engine.containers().values())
        return scrub(text, self.secrets + secret_values(live_state.environment(self.stack, self.runner)))

    def _need(self, service: str) -> Container:
        container = self.engine.container(service)
        if container is None:
            raise RecoveryError(
                f"{service} has no container any more.", "Run the same command again: the plan is made anew."
            )
        return container

    def _source(self, action: Mapping[str, Any]) -> bytes:
        path = os.path.join(self.backup_path, action["source"])
        self._checked(path, action.get("source_sha256") or action["sha256"])
        content = self.runner.read(path)
        live = {name: self.runner.read(self.stack.path(action[name])) for name in ("into", "kept_in") if name in action}
        if "into" in live:
            content = env_file.taking(live["into"], content)
        if "kept_in" in live:
            content = kept_secrets.merged(content, live["kept_in"], action["keep"])
        if live and hashlib.sha256(content).hexdigest() != action["sha256"]:
            what = action.get("kept_in") or action["into"]
            raise RecoveryError(f"{what} changed since the plan was made.", "Run the same command again.")
        return content

    def _checked(self, path: str, digest: str) -> None:
        if self.runner.sha256(path) != digest:
            raise DamagedBackupError(f"{path} changed since it was checked.", "Choose another backup.")

    def _write_file(self, action: dict[str, Any]) -> None:
        path = self.stack.path(action["path"])
        if os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path):
            os.rmdir(path)  # Docker makes an empty directory where a file to mount is missing
        self.runner.make_dir(os.path.dirname(path), 0o755)
        if action.get("link"):
            self.runner.write_link(path, links.text(action["path"], action["link"]))
            return
        stamp = Stamp(action["mode"], action["uid"], action["gid"])
        if action["in_place"] and os.path.isfile(path):
            self.runner.write_in_place(path, self._source(action), stamp)
        else:
            self.runner.write(path, self._source(action), stamp)

    def _remove_file(self, action: dict[str, Any]) -> None:
        self.runner.remove(self.stack.path(action["path"]))

    def _tag_image(self, action: dict[str, Any]) -> None:
        self.engine.tag(action["image_id"], action["reference"])

    def _replicas(self, service: str) -> list[Container]:
        """Return all containers of a service: one that is left running would go on while the others are off."""
        self._need(service)
        return self.engine.replicas(service)

    def _stop(self, action: dict[str, Any]) -> None:
        for container in self._replicas(action["service"]):
            self._end(container, action)

    def _end(self, container: Container, action: Mapping[str, Any]) -> None:
        """Stop a container; force leaves it less time than its own grace period."""
        if container.service == self.stack.kong_service:
            self.engine.stay_off(container)
        self.engine.stop(container, action.get("grace", LONGEST_GRACE))

    def _start(self, action: dict[str, Any]) -> None:
        replicas = self._replicas(action["service"])
        noted = {item.id: item.restart_policy for item in kong_mark.left_off(self.stack, self.runner, replicas)}
        for container in replicas:
            self.engine.start(container)
            self.engine.come_back(container, noted.get(container.id) or action.get("restart_policy", ""))
        self._started(action["service"])

    def _started(self, service: str) -> None:
        """What an interrupted change of the data had left off runs again."""
        if service == self.stack.kong_service:
            kong_mark.forget(self.stack, self.runner)

    def _restart(self, action: dict[str, Any]) -> None:
        policy = self._need(action["service"]).restart_policy
        self._stop(action)
        self._start({**action, "restart_policy": policy})

    def _recreate(self, action: dict[str, Any]) -> None:
        self.engine.remove_half_made(action["service"])
        command = compose.recreate(self.stack, self.client, action["service"], action.get("grace"))
        patience = STEP_SECONDS + self._grace(action)
        if not self.network_made:
            # Two Compose calls at once would each make the project's network, and neither could then be used.
            with self.network_lock:
                if not self.network_made:
                    self.runner.run(command, patience)
                    # A call makes those networks alone that its service is on.
                    self.network_made = len(self.engine.own_networks()) >= self.networks_wanted
                    return
        self.runner.run(command, patience)

    def _grace(self, action: Mapping[str, Any]) -> float:
        """Return how long (s) Compose waits for the old containers to stop: their own time, by force less."""
        own = (item.settings.get("stop_grace_seconds") for item in self.engine.replicas(action["service"]))
        return float(action["grace"] if "grace" in action else max((seconds or 0 for seconds in own), default=0))

    def _remove(self, action: dict[str, Any]) -> None:
        # Gone already is as good.
        for container in self.engine.replicas(action["service"]):
            self._end(container, action)
            self.engine.remove(container)

    def _rebuild_network(self, _action: dict[str, Any]) -> None:
        """Take the project's networks away; the first service that Compose starts makes them again."""
        self.networks_wanted = self.engine.remove_networks()
        self.network_made = False

    def _reload(self, action: dict[str, Any]) -> None:
        for container in self._replicas(action["service"]):
            problem = proxy_reload.reload_or_restart(self.engine, container)
            if problem:
                raise RecoveryError(
                    f"nginx refused to reload: {problem}",
                    f"Test its configuration: docker exec {container.name} nginx -t",
                )

    def _load_configuration(self, action: dict[str, Any]) -> None:
        containers = self.engine.containers()
        admin = live_state.loading_client(self.engine, containers, action["service"])
        if admin is None:
            raise RecoveryError(
                "Kong's Admin API accepts no connection.", "Run the same command again: Kong is then restarted."
            )
        admin.post_config(self._source(action))
        end = self.runner.clock() + LOADED_SECONDS
        wanted = action["configuration_hash"]
        while admin.loaded_hash() != wanted:
            if self.runner.clock() > end:
                raise RecoveryError(f"Kong took the configuration but shows {admin.loaded_hash()}, expected {wanted}.")
            self.runner.sleep(readiness.PAUSE)

    def _replace_data(self, action: dict[str, Any]) -> None:
        dump = os.path.join(self.backup_path, action["source"]) if action["source"] else ""
        if dump:
            self._checked(dump, action["sha256"])
        settings = {name: action.get(name, "") for name in ("method", "scope", "brought")}
        action["result"] = RedisJob(self.stack, self.engine, self.runner, action["mode"], dump, settings).run()

    def _keep_data(self, action: dict[str, Any]) -> None:
        everything = bool(action.get("everything"))
        try:
            action["result"] = kept_data.bring_back(self.stack, self.engine, self.runner, self.copies, everything)
        except RecoveryError as exc:
            if not action.get("optional") or engine_lost(exc):
                raise
            action["problem"] = self._scrubbed(exc.msg)

    def _ready(self, action: dict[str, Any]) -> None:
        try:
            awaited.wait_for(self.stack, self.engine, self.runner, action, self._budget(action))
        except NotReadyError:
            if not awaited.over_old_sockets(self.stack, self.engine, action["service"]):
                raise
            self._recreate(action)
            awaited.wait_for(self.stack, self.engine, self.runner, action, self._budget(action))

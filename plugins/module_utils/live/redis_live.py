# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The live Redis as a change of its data needs it: the project's own container, or a managed one elsewhere."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..errors import NotReadyError, RecoveryError
from ..libraries import redis
from ..redis.redis_data import RedisData
from ..runner import Runner
from ..stack_args import StackArgs
from . import kong_mark, kong_pause, live_state, readiness, redis_copy, redis_files, redis_layout

STARTED_SECONDS = 120.0
LOADING_SECONDS = 120.0
WAKE_SECONDS = 60.0
INSIDE_SECONDS = 3
# How long a server that answers inside may need until the way to it from this host is there.
COMING_SECONDS = 5.0
PAUSE = 0.2

LOADS_HINT = (
    "Its data are good so far: wait until it has loaded them (its log tells), then run the same command again, which "
    "starts Kong too where it is off."
)
NO_PLACE_HINT = (
    "Keep the live mappings (-e redis_data=keep); while Redis runs, method delta changes them without its files: "
    "ansible-playbook playbooks/recover_data.yml"
)


class LiveRedis:
    """Where the live data are; replacing: whether the files are half replaced, so that Kong must not come back.

    drift: what was set while Redis ran and is otherwise after its next start, in words, once its layout was asked for;
    revives_kong: whether a Kong that an interrupted change had left off comes back with this one.
    """

    def __init__(self, stack: StackArgs, engine: DockerStack, runner: Runner, revives_kong: bool = False) -> None:
        self.stack, self.engine, self.runner = stack, engine, runner
        self.revives_kong = revives_kong
        self.managed = bool(stack.redis_host)
        self.replacing = False
        self.drift = ""
        if not self.managed:
            self.container()

    def container(self) -> Container:
        """Return the project's container; raise when there is none."""
        container = self.engine.container(self.stack.redis_service)
        if container is None:
            raise RecoveryError(f"{self.stack.redis_service} has no container.", "Roll back first: it is then created.")
        return container

    @property
    def image_id(self) -> str:
        """The image of the scratch server: the live one's, for a managed Redis the given one."""
        return scratch_image(self.stack, self.engine, None if self.managed else self.container())

    def connect(self, patience: float = LOADING_SECONDS) -> tuple[RedisData | None, str]:
        """Return (client, "") or (None, why Redis cannot answer); patience (s): for one that loads its data.

        A server that is loading is waited for, and is never one that cannot answer: its files are good. Waited for is
        also one that answers inside its container already: it has just come up. One that runs and does not let us in,
        or could not save, is none that cannot answer: its data must not be replaced behind its back.
        """
        began = self.runner.clock()
        while True:
            containers = {} if self.managed else {self.stack.redis_service: self.container()}
            try:
                client = live_state.redis_client(self.stack, containers, self._environment())
                break
            except RecoveryError as exc:
                if exc.details.get("password") or exc.details.get("unsaved"):
                    raise
                waited = self.runner.clock() - began
                if exc.details.get("loading"):
                    if waited >= patience:
                        raise RecoveryError(f"{exc.msg} Waited {waited:.0f} s for it.", LOADS_HINT) from exc
                elif not (waited < COMING_SECONDS and self._answers_inside()):
                    return None, exc.msg
                self.runner.sleep(PAUSE)
        about = client.info()
        if about.get("role") == "slave":
            raise RecoveryError("Redis is a replica and takes no writes.", "Restore on its master.")
        if about.get("redis_mode") == "cluster":
            raise RecoveryError("A Redis Cluster is not supported: one transaction cannot span its nodes.")
        return client, ""

    def need_silent(self, problem: str) -> None:
        """Raise where a Redis that we cannot reach answers inside its container: it is healthy, and keeps its data."""
        if self._answers_inside():
            raise RecoveryError(
                f"{self.container().name} answers inside its container, so its files are left alone although it cannot "
                f"be used from this host: {problem}",
                "Look at its published port, a firewall, and stack_redis_tls and stack_redis_ca where it speaks TLS.",
            )

    def _answers_inside(self) -> bool:
        """Say whether the server answers its own client, in its container."""
        container = None if self.managed else self.container()
        if container is None or not container.running:
            return False
        said = self._said_inside(container)
        return b"PONG" in said or b"NOAUTH" in said

    def _said_inside(self, container: Container) -> bytes:
        access, passwords = live_state.redis_access(self.stack), self._passwords()
        # One that hangs would keep its own client waiting for ever.
        ask = ["timeout", str(INSIDE_SECONDS), *access.words_inside(container, passwords[0]), "PING"]
        return self.engine.execute(container, ask, {"REDISCLI_AUTH": passwords[0]})[1]

    def _passwords(self) -> list[str]:
        return live_state.redis_passwords(self.stack, self.container(), self._environment())

    def _environment(self) -> dict[str, str]:
        return live_state.environment(self.stack, self.runner)

    def kong_off(self) -> AbstractContextManager[None]:
        """Return a context in which Kong is off; afterwards it comes back where Redis still serves whole data."""
        return kong_pause.kong_off(self.stack, self.engine, self.runner, self._whole, self.revives_kong)

    def kong_left_off(self) -> bool:
        """Say whether an interrupted change of the data stopped Kong, and nobody started it since."""
        replicas = self.engine.replicas(self.stack.kong_service)
        return bool(kong_mark.left_off(self.stack, self.runner, replicas))

    def _whole(self) -> bool:
        """Say whether Redis serves whole data; what cannot be told is no yes, and hides no failure from before."""
        try:
            return not self.replacing and self.connect(patience=0)[0] is not None
        except RecoveryError:
            return False

    def memory_limit(self) -> int:
        """Return what the container may use, in bytes; 0 for no limit."""
        return 0 if self.managed else int(self.container().settings.get("memory") or 0)

    def layout(self, live: RedisData | None) -> redis_layout.Layout:
        """Find out where the data lie after the next start, and whether files can be put there; raise where not.

        A copy of the container is asked, for the server's own settings may have been set while it ran. Where the copy
        does not answer they are believed; the keys are counted after the start in any case.
        """
        ours = redis_layout.Layout.from_settings(self._settings(live)) if live is not None else None
        try:
            access = live_state.redis_access(self.stack)
            found = redis_copy.ask_layout(self.engine, self.runner, self.container(), self._passwords(), access)
        except RecoveryError:
            if ours is None:
                raise
            found = ours
        self.drift = redis_layout.drift(ours, found) if ours is not None else ""
        return found

    def _settings(self, live: RedisData) -> dict[str, str]:
        try:
            return {name: str(live.client.config_get(name).get(name, "")) for name in redis_layout.SETTINGS}
        except redis.exceptions.ResponseError as exc:
            raise RecoveryError(redis_copy.SILENT, redis_copy.WHAT_STILL_WORKS) from exc

    def need_place(self, layout: redis_layout.Layout) -> None:
        """Raise where the data lie so that no helper can replace their files."""
        problem = redis_layout.place_problem(self.container(), layout.directory)
        if problem:
            raise RecoveryError(problem, NO_PLACE_HINT)

    def replaceable(self, live: RedisData) -> bool:
        """Say whether the files of a server that answers can be replaced at all, without asking a copy."""
        if self.managed:
            return False
        try:
            return not redis_layout.place_problem(self.container(), self._settings(live)["dir"])
        except RecoveryError:
            return False

    def forget_old(self, live: RedisData) -> None:
        """Remove the old files that a killed run has kept aside: they hold what no longer serves."""
        if self.replaceable(live):
            directory, container = self._settings(live)["dir"], self.container()
            place = container.mounted_at(directory)
            if any(self.runner.exists(os.path.join(place, name)) for name in (redis_files.OLD, redis_files.BACK)):
                redis_files.forget(self.engine, container, directory)

    def wake(self, layout: redis_layout.Layout) -> tuple[RedisData | None, str]:
        """Start a server that was stopped, killed, paused or hung, so that its data count; return what connect does.

        What a killed run left unfinished is finished first. One that runs in a loop has data that it cannot read.
        """
        container = self.container()
        self.stop()
        if not redis_files.finish(self.engine, container, layout) and container.state == "restarting":
            return None, "it does not stay up"
        try:
            self.start(WAKE_SECONDS)
        except NotReadyError as exc:
            if b"LOADING" in self._said_inside(self.container()):
                return self.connect()
            self.need_silent(exc.msg)
            self.stop()
            return None, exc.msg
        return self.connect()

    def stop(self) -> None:
        """Stop the container where it runs in any way."""
        container = self.container()
        if container.state not in ("exited", "created", "dead"):
            self.engine.stop(container)

    def start(self, budget: float = STARTED_SECONDS) -> None:
        """Start the container and wait until Redis takes writes."""
        self.engine.start(self.container())
        passwords = self._passwords()
        access = live_state.redis_access(self.stack)

        def look() -> Container | None:
            return self.engine.container(self.stack.redis_service)

        def ask() -> str:
            return readiness.redis_problem(look(), passwords, access)

        readiness.wait_ready(ask, look, budget, self.runner.clock, self.runner.sleep)


def scratch_image(stack: StackArgs, engine: DockerStack, container: Container | None) -> str:
    """Return the image id that a scratch server is made from."""
    if not stack.redis_host and container is not None:
        return container.image_id
    found = engine.image_id(stack.redis_image) if stack.redis_image else ""
    if not found:
        raise RecoveryError(
            f"There is no image for a scratch server: stack_redis_image is {stack.redis_image or 'not set'}"
            f"{', which this host does not have' if stack.redis_image else ''}.",
            "Set stack_redis_image to one of the live Redis' version, and pull it.",
        )
    return found


def warnings(about: dict[str, Any]) -> list[str]:
    """Return what else a change of the data touches."""
    replicas = int(about.get("connected_slaves") or 0)
    return [f"{replicas} replicas follow this Redis and get the same change"] if replicas else []

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask Compose what a set of definition files means, without those files being in place."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from typing import Any

from ..errors import CommandError, RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs, beyond
from . import compose
from .container import Container
from .docker_stack import DockerStack
from .private_folder import private_folder


def find_client(runner: Runner) -> tuple[str, ...]:
    """Return the Compose client of this host: the plugin, else the standalone binary."""
    for client in compose.CLIENTS:
        if (
            shutil.which(client[0], path=runner.environ.get("PATH"))
            and runner.run([*client, "version"], check=False).rc == 0
        ):
            return client
    raise RecoveryError(
        "There is neither `docker compose` nor `docker-compose` on this host.", "Install Compose 2.21 or newer."
    )


def complaint(text: str) -> str:
    """Return what Compose objects to, without what it quotes: it quotes lines of environment files."""
    last = (text.strip().splitlines() or ["no reason given"])[-1]
    return last.split('"', 1)[0].split("'", 1)[0].strip(" :") or "no reason given"


class Definitions:
    """Compose's reading of definition files; networks are those of the files that were read last.

    every_profile: services count whose profile nobody names, as it suits the comparison with what runs.
    """

    def __init__(self, stack: StackArgs, runner: Runner, client: tuple[str, ...], every_profile: bool = False) -> None:
        self.stack, self.runner, self.client, self.every_profile = stack, runner, client, every_profile
        self.networks: dict[str, Any] = {}

    def resolve(self, files: Mapping[str, bytes], interpolate: bool = True) -> dict[str, Any]:
        """Return service → definition for files (path relative to the stack → content), as if they lay in the stack.

        They are laid out below a private directory as they lie below the root; paths in the answer are those of the
        stack, and the files' absolute ones lead there meanwhile. The environment file is the one among them, whatever
        stands in for it on disk now.
        """
        named = b"|".join(re.escape(path.encode()) for path in sorted(files, key=len, reverse=True))
        roots = b"|".join({re.escape(root.encode()) for root in (self.stack.dir, self.stack.deployed_from) if root})
        own = re.compile(rb"(?<![\w./])(?<![^:]-)(?:%b)/(%b)(?![\w./-])" % (roots, named))
        with private_folder() as folder:
            # Compose takes `..` from the path as it is given, which may lead to the stack by a link.
            place = folder + (self.stack.deployed_from or self.stack.dir)
            self.runner.make_dir(place)
            named_outside = "".join((self.stack.wanted_env_file, *self.stack.compose_files)).encode()
            if any(b".." in text for text in (named_outside, *files.values())):
                _neighbours(folder, place[len(folder) :])
            for path, content in files.items():
                if beyond(path):
                    raise RecoveryError(f"{path} is no file of the stack in {self.stack.dir}; it is not laid out.")
                full = os.path.join(place, path)
                self.runner.make_dir(os.path.dirname(full))
                self.runner.write(full, own.sub(rb"%b/\1" % place.encode(), content))
            elsewhere = self.stack.moved_to(place, env_file=self.stack.env_file_among(files))
            answer = self._asked(elsewhere, [] if interpolate else ["--no-interpolate"])
        document = answer.replace(json.dumps(folder)[1:-1], "")
        self.networks = compose.parse_networks(document)
        return compose.parse_resolved(document, doubled=interpolate)

    def _asked(self, stack: StackArgs, options: list[str]) -> str:
        """Return what Compose prints; a profile that nobody uses may name files that are not there."""
        if self.every_profile:
            with contextlib.suppress(CommandError):
                return self.runner.run([*compose.resolved(stack, self.client, every_profile=True), *options]).stdout
        return self.runner.run([*compose.resolved(stack, self.client), *options]).stdout

    def try_resolve(self, files: Mapping[str, bytes]) -> tuple[dict[str, Any], str]:
        """Return (definitions, "") or ({}, why Compose cannot read them)."""
        try:
            return self.resolve(files), ""
        except CommandError as exc:
            return {}, complaint(exc.stderr or exc.stdout)
        except RecoveryError as exc:
            return {}, exc.msg


def _neighbours(folder: str, below: str) -> None:
    """Link what lies beside a directory and beside those above it into a folder that stands for the root.

    What a definition names by ``..`` is in no backup, and is read where it is.
    """
    while below != os.sep:
        above = os.path.dirname(below)
        with contextlib.suppress(PermissionError):
            for name in os.listdir(above):
                if name != os.path.basename(below):
                    os.symlink(os.path.join(above, name), os.path.join(folder + above, name))
        below = above


def drifts(
    definitions: Mapping[str, Any], containers: Mapping[str, Container], engine: DockerStack
) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Return service → fields in which the definitions differ from the container that runs; see compose.drift."""
    found = {}
    for service, container in containers.items():
        if service not in definitions:
            found[service] = {"service": ("present", "absent")}
            continue
        image = engine.image_facts(container.image_id) if engine.image_id(container.image_id) else {"env": {}}
        differs = compose.drift(definitions[service], container, image["env"])
        if differs:
            found[service] = differs
    return found

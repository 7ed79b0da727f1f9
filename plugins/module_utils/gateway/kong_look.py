# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the checks of kong_verify look: containers of this moment, Kong's Admin API, the file that should be loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..checks import NotMeasured
from ..configuration import config_files
from ..engine import endpoints
from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..engine.first_process import need_awake
from ..errors import RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs
from . import kong_file, kong_inside, web
from .kong_admin import KongAdmin

ADMIN_SECONDS = 3.0
GIVEN_AS_TEXT = "KONG_DECLARATIVE_CONFIG_STRING"


class KongLook:
    """One look at the stack; refresh takes the next. running: the configuration is Kong's own export, not its file."""

    def __init__(self, stack: StackArgs, engine: DockerStack, runner: Runner, running: bool = False) -> None:
        self.stack, self.engine, self.runner, self.running = stack, engine, runner, running
        self.containers: dict[str, Container] = {}

    def refresh(self) -> None:
        """Look at the containers anew."""
        self.containers = self.engine.containers()

    def kong(self) -> Container:
        """Return Kong's running container."""
        return self._running(self.stack.kong_service)

    def _running(self, service: str) -> Container:
        container = self.containers.get(service)
        if container is None:
            raise RecoveryError(f"{service} has no container.")
        if not container.running:
            raise RecoveryError(f"{container.name} is {container.state}.")
        need_awake(container)
        return container

    def admin(self) -> KongAdmin:
        """Return a client of the Admin API: over the network, or inside the container where it listens there only."""
        kong = self.kong()
        hidden = endpoints.admin_hidden(kong)
        if hidden:
            raise NotMeasured(f"{hidden}: Kong tells nothing about itself")
        admin = kong_inside.client(self.engine, kong, ADMIN_SECONDS)
        if admin is None:
            raise RecoveryError(f"{kong.name} runs and accepts no connection on its Admin API.")
        return admin

    def plugins(self) -> list[dict[str, Any]]:
        """Return the plugins that Kong has configured; nothing where there is no Admin API. They hold secrets."""
        try:
            return self.admin().entities("plugins")
        except (NotMeasured, RecoveryError):
            return []

    def document(self) -> tuple[str, bytes]:
        """Return (name, content) of the configuration that should be loaded."""
        if self.running:
            return "Kong's own export", self.admin().running_configuration()
        kong = self.kong()
        text = kong.env.get(GIVEN_AS_TEXT, "")
        inside = kong.env.get("KONG_DECLARATIVE_CONFIG", "")
        if text and not inside:
            return GIVEN_AS_TEXT, text.encode()
        inside = inside or self.admin().facts().file
        if not inside:
            raise NotMeasured("Kong was given no declarative file")
        source = kong.mounted_at(inside)
        path = config_files.kong_file(self.stack, self.containers) or source
        if not source:
            return f"{inside} in its image", self.engine.read_file(kong, inside)
        full = self.stack.path(path)
        if not os.path.isfile(full):
            raise RecoveryError(f"{full} is not there: Kong would not start again.")
        return path, self.runner.read(full)

    def parsed(self) -> Mapping[str, Any]:
        """Return the configuration that should be loaded as a document."""
        name, content = self.document()
        return kong_file.parse(content, name)

    def gateway_url(self) -> str:
        """Return the address of Kong's proxy port."""
        kong = self.kong()
        if endpoints.gateway_listen(kong) is None:
            raise NotMeasured("KONG_PROXY_LISTEN names no port")
        return _there(kong, web.kong_url(kong))

    def front_url(self) -> str:
        """Return the address that clients ask: the proxy's in front, Kong's own where the stack has no proxy."""
        if not self.stack.proxy_service:
            return self.gateway_url()
        proxy = self._running(self.stack.proxy_service)
        return _there(proxy, web.front_url(proxy, self.stack.proxy_port))


def _there(container: Container, url: str) -> str:
    if not url:
        raise RecoveryError(f"{container.name} accepts no connection.")
    return url

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the proxy in front that Kong has a new address, whatever kind of proxy it is."""

from __future__ import annotations

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from . import live_state


def reload_or_restart(engine: DockerStack, proxy: Container) -> str:
    """Reload nginx and return its error output; restart any other proxy.

    An address that was looked up once goes with the process that knows it, and each kind has its own word for a reload.
    """
    status, _out, err = engine.execute(proxy, ["nginx", "-s", "reload"])
    if status in live_state.NO_SUCH_COMMAND:
        engine.stop(proxy)
        engine.start(proxy)
        return ""
    return err.decode("utf-8", "replace").strip() or f"exit status {status}" if status else ""

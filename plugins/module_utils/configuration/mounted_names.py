# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names in the stack's directory on which it depends what a container sees through its mounts."""

from __future__ import annotations

import posixpath

from ..engine.container import Container
from ..stack_args import StackArgs
from . import config_files, links

WHOLE = "."
# What the entrypoint of nginx' image reads, and writes the configuration from: a reload does not see it.
ENTRYPOINT = ("/docker-entrypoint.d", "/etc/nginx/templates")


def mounted_names(stack: StackArgs, container: Container) -> list[str]:
    """Return these names, relative to the stack: mounted files and directories, and the links that lead to them.

    Of the stack's directory as a whole, where most changes concern no container, Kong's own file counts.
    """
    sources = [mount.source for mount in container.mounts if mount.type == "bind"]
    found = [name for source in sources for name in links.names(stack, source)]
    own = config_files.kong_file(stack, {container.service: container}) if WHOLE in found else ""
    return list(dict.fromkeys([*found, *filter(None, [own])]))


def read_at_start(stack: StackArgs, container: Container) -> list[str]:
    """Return these names as far as nginx' image reads what they show when its container starts, and never again."""
    places = (*ENTRYPOINT, container.env.get("NGINX_ENVSUBST_TEMPLATE_DIR") or ENTRYPOINT[-1])
    found = []
    for mount in container.mounts:
        for place in places if mount.type == "bind" else ():
            if _within(mount.destination, place):
                found += links.names(stack, mount.source)
            elif _within(place, mount.destination):
                rest = posixpath.relpath(place, mount.destination)
                found += [posixpath.normpath(posixpath.join(name, rest)) for name in links.names(stack, mount.source)]
    return list(dict.fromkeys(found))


def _within(path: str, folder: str) -> bool:
    return posixpath.normpath(path) == folder or path.startswith(folder.rstrip("/") + "/")

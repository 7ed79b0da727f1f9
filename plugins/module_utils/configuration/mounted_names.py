# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names in the stack's directory on which it depends what a container sees through its mounts."""

from __future__ import annotations

from ..engine.container import Container
from ..stack_args import StackArgs
from . import config_files, links

WHOLE = "."


def mounted_names(stack: StackArgs, container: Container) -> list[str]:
    """Return these names, relative to the stack: mounted files and directories, and the links that lead to them.

    Of the stack's directory as a whole, where most changes concern no container, Kong's own file counts.
    """
    sources = [mount.source for mount in container.mounts if mount.type == "bind"]
    found = [name for source in sources for name in links.names(stack, source)]
    own = config_files.kong_file(stack, {container.service: container}) if WHOLE in found else ""
    return list(dict.fromkeys([*found, *filter(None, [own])]))

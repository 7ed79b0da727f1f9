# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Symbolic links between a name of the configuration and the file behind it: a release may be put in force by one.

Only links that lead from inside the stack to inside it are known here; what lies outside is not ours to restore.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ..runner import Runner
from ..stack_args import StackArgs


def leads_to(stack: StackArgs, path: str) -> str:
    """Return where a link leads, one step, both relative to the stack; empty for what is no link or leads outside."""
    full = stack.path(path)
    if not os.path.islink(full):
        return ""
    text = os.readlink(full)
    name = (
        as_written(stack, text) if os.path.isabs(text) else os.path.normpath(os.path.join(os.path.dirname(path), text))
    )
    # Behind a link of its own, ".." is not the directory above the name as written: such a one is not known.
    same = os.path.realpath(stack.path(name)) == os.path.realpath(full)
    return name if same and name != path and stack.relative(full) else ""


def on_the_way(stack: StackArgs, path: str) -> dict[str, str]:
    """Return link → where it leads, for every link between an absolute path as written and the file behind it."""
    found: dict[str, str] = {}
    name = as_written(stack, path)
    while name:
        parts = name.split(os.sep)
        above = [os.path.join(*parts[:number]) for number in range(1, len(parts) + 1)]
        link = next((item for item in above if os.path.islink(stack.path(item))), "")
        target = leads_to(stack, link) if link and link not in found else ""
        if not target:
            break
        found[link] = target
        name = os.path.normpath(os.path.join(target, os.path.relpath(name, link)))
    return found


def names(stack: StackArgs, path: str) -> list[str]:
    """Return every name of the stack on which it depends what an absolute path shows: the file's own and the links."""
    return [item for item in (stack.relative(path), *on_the_way(stack, path)) if item]


def deployed(stack: StackArgs, known: Mapping[str, str], path: str, sha256: str, runner: Runner) -> tuple[str, str]:
    """Return (link, file) where a link was pointed at path after a container had mounted what it led to before.

    sha256: of what the container sees. That file is looked for beside path; two empty texts where there is none.
    """
    link = next((name for name, target in known.items() if target == path), "")
    folder = os.path.dirname(path)
    for name in sorted(os.listdir(stack.path(folder))) if link else ():
        beside = os.path.join(folder, name)
        full = stack.path(beside)
        if os.path.isfile(full) and not os.path.islink(full) and runner.sha256(full) == sha256:
            return link, beside
    return "", ""


def behind(links: Iterable[str], path: str) -> bool:
    """Say whether a name is one of these links or lies behind one: the file itself has another name then."""
    return any(path == link or path.startswith(link + os.sep) for link in links)


def text(path: str, target: str) -> str:
    """Return what a link at path has to say to lead to target, both relative to the stack."""
    return os.path.relpath(target, os.path.dirname(path) or ".")


def as_written(stack: StackArgs, path: str) -> str:
    """Return an absolute path relative to the stack without following its links; empty when it lies outside.

    The stack's directory itself may be reached by a link.
    """
    above, name = os.path.normpath(path), ""
    while above != os.sep:
        if os.path.realpath(above) == stack.dir:
            return name
        above, last = os.path.split(above)
        name = os.path.join(last, name) if name else last
    return ""

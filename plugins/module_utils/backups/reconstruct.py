# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environment files as they must have been when the containers were made, worked out from what the containers got."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..configuration import references
from ..engine import compose, env_file
from ..engine.definitions import Definitions
from ..stack_args import StackArgs

Drift = Mapping[str, Mapping[str, tuple[Any, Any]]]


def needed(
    solved: dict[str, bytes], drift: Drift, differs: Callable[[Mapping[str, bytes]], Drift]
) -> tuple[dict[str, bytes], Drift]:
    """Return those of the rewritten files without which more would differ, and what still differs with them.

    Services with files of their own may call different things by one name. drift: what differs with none of the files;
    differs(files): what does with these.
    """
    left = differs(solved) if solved else drift
    for path in sorted(solved) if len(solved) > 1 else ():
        fewer = {name: data for name, data in solved.items() if name != path}
        then = differs(fewer)
        if _fields(then) <= _fields(left):
            solved, left = fewer, then
    return solved, left


def _fields(drift: Drift) -> int:
    return sum(map(len, drift.values()))


def reconstruct(
    stack: StackArgs,
    definitions: Definitions,
    on_disk: Mapping[str, bytes],
    drift: Drift,
) -> dict[str, bytes]:
    """Return path → content of the environment files in which each variable gets the value that the containers have.

    on_disk: path → content of the definition; drift: service → field → (as it runs, as the definition says). Files in
    which nothing changes are left out.
    """
    templates = definitions.resolve(on_disk, interpolate=False)
    guessed: dict[str, str] = {}
    exact: dict[str, str] = {}
    for service, differs in drift.items():
        template = templates.get(service) or {}
        for name, (running, _wanted) in differs.items():
            if name.startswith("env.") and running is not None:
                text = compose.environment(template).get(name[4:])
                exact.update(references.solve(str(text), running) if text is not None else {name[4:]: running})
            elif name == "memory":
                guessed.update(references.solve(compose.memory_template(template), str(running)))
            elif name == "image":
                guessed.update(references.solve(str(template.get("image") or ""), running))
    # A container's environment has the very text; a limit is only known as its number of bytes.
    values = {**guessed, **exact}
    solved = {}
    for path, data in on_disk.items():
        if path in stack.compose_files or path.endswith((".yml", ".yaml")):
            continue
        changed = env_file.with_values(data, values)
        if changed != data:
            solved[path] = changed
    return solved

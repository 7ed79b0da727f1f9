# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables whose live values stay in a rollback: after a breach the backup's secrets must not return. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..engine import env_file
from ..guards import Guard


def values(live: bytes, names: Iterable[str]) -> dict[str, str]:
    """Return name → live value of those of the names that the live environment file has."""
    known = env_file.parse(live)
    return {name: known[name] for name in names if name in known}


def merged(content: bytes, live: bytes, names: Iterable[str]) -> bytes:
    """Return the backup's environment file with these variables as the live one writes them, all else as it was."""
    return env_file.with_assignments(content, live, names)


def concerned(now: Mapping[str, str], kept: Mapping[str, str]) -> set[str]:
    """Return the variables of a container that carry a kept value, under its own name or another."""
    held = {value for value in kept.values() if value}
    return {name for name, value in now.items() if name in kept or value in held}


def unknown(names: Iterable[str], kept: Mapping[str, str], path: str) -> list[Guard]:
    """Return a guard for each name that the live environment file does not have: nothing of it could stay."""
    return [
        Guard("unknown_secret", f"keep_secrets names {name}, which {path} does not have.", "Correct -e keep_secrets=")
        for name in names
        if name not in kept
    ]

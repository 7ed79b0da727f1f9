# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where Kong looks for the code of its plugins. Pure."""

from __future__ import annotations

from ..engine.container import Container

LUA_ROOT = "/usr/local/share/lua/5.1"


def lua_roots(kong: Container) -> list[str]:
    """Return the folders below which Kong looks for ``kong/plugins/NAME``: those of its settings first."""
    parts = [part for name in ("KONG_LUA_PACKAGE_PATH", "LUA_PATH") for part in kong.env.get(name, "").split(";")]
    found = [part.removesuffix("/?.lua") for part in parts if part.startswith("/") and part.endswith("/?.lua")]
    return [*dict.fromkeys([*found, LUA_ROOT])]


def holds_code(destination: str, kong: Container) -> bool:
    """Say whether what is mounted there has plugins, or a folder of theirs, in it."""
    place = destination.rstrip("/") + "/"
    return any(f"{root}/kong/".startswith(place) or place.startswith(f"{root}/kong/") for root in lua_roots(kong))

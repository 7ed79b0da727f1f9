# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Figures as people read them; what nobody measured is said so. Pure."""

from __future__ import annotations

from typing import Any

UNKNOWN = "not measured"


def seconds_text(value: float | None) -> str:
    """Return a duration: tenths of seconds below a minute and a half, else minutes and seconds."""
    if value is None:
        return UNKNOWN
    if value < 90:
        return f"{value:.1f} s"
    minutes, seconds = divmod(int(value), 60)
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def amount(value: float | None, unit: str) -> str:
    """Return a figure with its unit, which is seconds or share."""
    if value is None:
        return UNKNOWN
    return seconds_text(value) if unit == "seconds" else f"{value * 100:.1f} %".replace(".0 %", " %")


def count(value: Any) -> str:
    """Return a count with its thousands apart."""
    return UNKNOWN if value is None else f"{int(value):,}"


def plural(number: int, thing: str) -> str:
    """Return a number of things."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def moment(wall: str) -> str:
    """Return a wall time of a journal to the second."""
    return wall[:19].replace("T", " ")


def short(image_id: str) -> str:
    """Return the part of an image id that people compare."""
    return image_id.rsplit(":", maxsplit=1)[-1][:12]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Charts as inline SVG, by small pure functions: numbers in, text out. Everything they show stands in a table as well.

A state is told by shape and word too, never by colour alone; 480 units wide, so that a phone shows them readably.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..wording import UNKNOWN, seconds_text

WIDTH, ROW, LABEL, RIGHT = 480, 28, 112, 14
GOOD, BAD, OPEN, TRACK, INK, MUTED, LINE = "#2b6cb0", "#b83227", "#a8680b", "#e6ebf1", "#1f2933", "#56616b", "#c7d0d9"
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


def timeline(phases: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]]) -> str:
    """Draw when each phase and each longer step ran, each phase on the track of its budget.

    phases: phase, start, seconds, budget, within, ok; actions: action, what, start, ms.
    """
    end = max([item["start"] + item["seconds"] for item in phases], default=0.0) or 1.0
    rows = []
    for item in phases:
        rows.append((item["phase"], item["start"], item["seconds"], item["budget"], _colour(item), False))
        if item["phase"] == "apply":
            rows += [
                (f"{one['action']} {one['what']}", one["start"], one["ms"] / 1000, None, GOOD, True)
                for one in actions
                if one["ms"] and one["start"] is not None and one["ms"] / 1000 >= end / 50
            ]
    scale = (WIDTH - LABEL - RIGHT - 48) / end
    bottom = len(rows) * ROW + 6
    parts = _axis(end, scale, bottom)
    for number, (name, start, seconds, budget, colour, small) in enumerate(rows):
        y = number * ROW + 6
        x = LABEL + start * scale
        parts.append(_label(name, y, small))
        if budget is not None:
            room = WIDTH - RIGHT - x
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{min(budget * scale, room):.1f}" height="20" fill="{TRACK}"/>'
            )
        height, top = (8, y + 6) if small else (20, y)
        width = max(seconds * scale, 1.5)
        parts.append(f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{height}" fill="{colour}" rx="1.5"/>')
        parts.append(_text(x + width + 4, y + 14, seconds_text(seconds), MUTED if small else INK))
    return _svg(bottom + 24, "Timeline of the phases against their budgets", parts)


def bullets(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw seconds against a budget each: the line is the budget, whatever its length. rows: name, seconds, budget."""
    parts = []
    left, line = 150, 360
    for number, item in enumerate(rows):
        y = number * ROW + 8
        parts.append(_label(item["name"], y, False, 22))
        parts.append(f'<rect x="{left}" y="{y}" width="{line - left}" height="18" fill="{TRACK}"/>')
        used = None if item["seconds"] is None else item["seconds"] / item["budget"]
        if used is not None:
            width = max(min(used, 1.05) * (line - left), 1.5)
            colour = GOOD if used <= 1 else BAD
            parts.append(f'<rect x="{left}" y="{y + 4}" width="{width:.1f}" height="10" fill="{colour}" rx="1.5"/>')
        parts.append(f'<line x1="{line}" y1="{y - 3}" x2="{line}" y2="{y + 21}" stroke="{INK}" stroke-width="2"/>')
        took = "" if used is None else f"{item['seconds']:.1f} "
        parts.append(_text(line + 14, y + 13, f"{took}of {item['budget']:.0f} s", MUTED if used is None else INK))
        if used is None:
            parts.append(_text(left + 6, y + 13, UNKNOWN, MUTED))
    return _svg(len(rows) * ROW + 10, "Seconds against the guide's budgets", parts)


def trend(runs: Sequence[Mapping[str, Any]], limit: float) -> str:
    """Draw each run's seconds in order, the shape telling how it ended; runs: seconds, outcome, service, began."""
    top, bottom, left = 14, 170, 44
    most = max([limit, *(item["seconds"] for item in runs)]) * 1.08
    parts = []
    for tick in _ticks(most, 4):
        y = bottom - tick / most * (bottom - top)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{TRACK}"/>')
        parts.append(_text(left - 6, y + 4, f"{tick:g} s", MUTED, "end"))
    y = bottom - limit / most * (bottom - top)
    parts.append(
        f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{INK}" stroke-dasharray="5 4"/>'
    )
    parts.append(_text(WIDTH - RIGHT, y - 5, f"{limit:.0f} s to service back", INK, "end"))
    room = WIDTH - RIGHT - left - 20
    points = [
        (left + 10 + (room * number / (len(runs) - 1) if len(runs) > 1 else room / 2), item)
        for number, item in enumerate(runs)
    ]
    for x, item in points:
        parts.append(mark(item, x, bottom - item["seconds"] / most * (bottom - top)))
    if runs:
        parts.append(_text(left, bottom + 18, runs[0]["began"][:10], MUTED))
        if len(runs) > 1:
            parts.append(_text(WIDTH - RIGHT, bottom + 18, runs[-1]["began"][:10], MUTED, "end"))
    return _svg(bottom + 26, "Seconds of each run, in the order of the runs", parts)


def mark(item: Mapping[str, Any], x: float, y: float) -> str:
    """Draw one run: a disc for service back, a cross for a failure, a triangle for undone, else a ring."""
    title = f"<title>{escape(str(item['run']))}: {escape(item['outcome'])}, {seconds_text(item['seconds'])}</title>"
    if item["outcome"] == "completed" and item["service"] == "back":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{GOOD}">{title}</circle>'
    if item["outcome"] in ("failed", "completed"):
        path = f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"
        return f'<path d="{path}" stroke="{BAD}" stroke-width="2.5" fill="none">{title}</path>'
    if item["outcome"] == "undone":
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 11h-12z" fill="{OPEN}">{title}</path>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="none" stroke="{MUTED}" stroke-width="2">{title}</circle>'


def rates(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw shares against targets. rows: title, rate (None: not measured), target (None: none), runs, succeeded."""
    parts = []
    left, right = 150, 400
    for number, item in enumerate(rows):
        y = number * ROW + 8
        parts.append(_label(item["title"], y, False, 22))
        parts.append(f'<rect x="{left}" y="{y}" width="{right - left}" height="18" fill="{TRACK}"/>')
        target = item["target"]
        if item["rate"] is None:
            parts.append(_text(left + 6, y + 13, UNKNOWN, MUTED))
        else:
            colour = GOOD if target is None or item["rate"] >= target else BAD
            width = max(item["rate"] * (right - left), 1.5)
            parts.append(f'<rect x="{left}" y="{y + 4}" width="{width:.1f}" height="10" fill="{colour}" rx="1.5"/>')
            parts.append(_text(right + 6, y + 13, f"{item['succeeded']} of {item['runs']}", INK))
        if target is not None:
            x = left + target * (right - left)
            parts.append(
                f'<line x1="{x:.1f}" y1="{y - 3}" x2="{x:.1f}" y2="{y + 21}" stroke="{INK}" stroke-width="2"/>'
            )
    return _svg(len(rows) * ROW + 10, "Share of runs that succeeded, by kind; the upright line is the target", parts)


def _colour(item: Mapping[str, Any]) -> str:
    if item["ok"] is None:
        return OPEN
    return BAD if not item["ok"] or item["within"] is False else GOOD


def _ticks(most: float, about: int) -> list[float]:
    step = next((one for one in STEPS if most / one <= about), 1800)
    return [round(step * number, 6) for number in range(int(most / step) + 1)]


def _axis(end: float, scale: float, bottom: float) -> list[str]:
    parts = []
    for tick in _ticks(end, 5):
        x = LABEL + tick * scale
        parts.append(f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{bottom}" stroke="{LINE}" stroke-width="0.7"/>')
        parts.append(_text(x, bottom + 15, f"{tick:g} s", MUTED, "middle"))
    return parts


def _label(name: str, y: float, small: bool, longest: int = 17) -> str:
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return _text(8 if small else 0, y + 14, short, MUTED if small else INK)


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="13">{"".join(parts)}</svg>'
    )

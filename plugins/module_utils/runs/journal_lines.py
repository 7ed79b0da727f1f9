# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a journal's lines mean: read back, put into words, and asked about a run that did not end. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BEGIN, PHASE, STEP, WARNING, FINISH = "begin", "phase", "step", "warning", "end"


def parse(text: str) -> list[dict[str, Any]]:
    """Return the events of a journal; a line that a kill cut short is left out."""
    found = []
    for number, line in enumerate(text.splitlines()):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            found.append({"seq": number, **event})
    return found


def readable(event: Mapping[str, Any]) -> str:
    """Return an event as a line of the log that people follow; empty for what they need not see."""
    kind = event["event"]
    if kind == BEGIN:
        by = event["by"]
        return f"{event['kind']} of {event['project']} ({event['environment']}) begins, by {by['user']} on {by['host']}"
    if kind == PHASE and event["state"] == "begin":
        return f"{event['phase']}: begins"
    if kind == PHASE:
        done = "done" if event["ok"] else f"FAILED: {event.get('msg', '')}"
        return f"{event['phase']}: {done} after {event['seconds']:.1f} s"
    if kind == STEP:
        what = f"{event['action']} {event.get('service') or event.get('path') or event.get('reference') or ''}".strip()
        ended = f" ({event['ms']} ms)" if event["state"] == "end" else " ..."
        return f"  {event['step']}. {what}{ended}"
    if kind == WARNING:
        return f"WARNING: {event['text']}"
    if kind == FINISH:
        return f"ended: {event['outcome']}, service {event['service']}, after {event['seconds']:.1f} s"
    return ""


def ended(events: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether a run came to an end that leaves nothing half done."""
    return any(item["event"] == FINISH and not item.get("half_way") for item in events)


def phase_result(events: Sequence[Mapping[str, Any]], phase: str) -> dict[str, Any]:
    """Return what a phase ended with, the last time that it ended well; empty when it never did."""
    found = [item for item in events if item["event"] == PHASE and item["phase"] == phase and item["state"] == "end"]
    good = [item for item in found if item["ok"]]
    return dict(good[-1].get("result") or {}) if good else {}


def first_checks(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the checks of the state that a run found, however many modules made them."""
    found = (item for item in events if item["event"] == PHASE and item["phase"] == "before" and item["state"] == "end")
    return [dict(check) for item in found for check in (item.get("result") or {}).get("checks") or []]


def began(events: Iterable[Mapping[str, Any]], phase: str) -> bool:
    """Say whether a phase was begun at all."""
    return any(item["event"] == PHASE and item["phase"] == phase for item in events)


def since(events: Sequence[Mapping[str, Any]], phase: str) -> Sequence[Mapping[str, Any]]:
    """Return the events from the first beginning of a phase on; none where it was never begun."""
    turns = (at for at, item in enumerate(events) if item["event"] == PHASE and item["phase"] == phase)
    turn = next(turns, None)
    return [] if turn is None else events[turn:]


def steps_done(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the actions that were carried out to their end, in their order."""
    return [dict(item) for item in events if item["event"] == STEP and item["state"] == "end"]

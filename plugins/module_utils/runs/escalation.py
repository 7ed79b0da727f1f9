# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is to be called when: the guide's escalation steps, and the inventory's contacts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Minutes since the incident was detected, or since the rollback began, and what is due from then on.
STEPS = (
    (0, "the on-call engineer rolls back"),
    (5, "escalate to the technical lead"),
    (10, "engage the infrastructure team"),
    (15, "business stakeholders decide"),
)


def step_due(seconds: float) -> tuple[int, str, int | None]:
    """Return (from which minute, what is due, the minute of the next step or None) after so many seconds."""
    minutes = seconds / 60
    number = max((index for index, (since, _text) in enumerate(STEPS) if minutes >= since), default=0)
    following = STEPS[number + 1][0] if number + 1 < len(STEPS) else None
    return STEPS[number][0], STEPS[number][1], following


def contacts_due(contacts: Sequence[Mapping[str, Any]], since: int) -> list[str]:
    """Return whom to call in a step: the contacts of the latest minute that is not after it."""
    known = [(int(item.get("minutes") or 0), item) for item in contacts if item.get("name")]
    latest = max((minutes for minutes, _item in known if minutes <= since), default=None)
    return [_words(item) for minutes, item in known if minutes == latest]


def _words(contact: Mapping[str, Any]) -> str:
    reach = ", ".join(str(contact[name]) for name in ("phone", "chat", "mail") if contact.get(name))
    return f"{contact['name']} ({reach})" if reach else str(contact["name"])


def escalation(contacts: Sequence[Mapping[str, Any]], seconds: float, back: bool) -> dict[str, Any]:
    """Return the step due now: since and next (minutes), step, call (names), due, and a line that says it all."""
    since, step, following = step_due(seconds)
    call = contacts_due(contacts, since)
    nobody = "nobody is named in recovery_contacts"
    names = " or ".join(call)
    if back:
        line = f"ESCALATION: none due, the service is back; {f'contact: {names}' if call else nobody}"
    else:
        later = f"; from minute {following}: {dict(STEPS)[following]}" if following is not None else ""
        line = f"ESCALATION: minute {int(seconds // 60)}, {step}: {f'call {names}' if call else nobody}{later}"
    return {"since": since, "step": step, "next": following, "call": call, "due": not back, "line": line}

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups, journals and logs may go, and why each of the others stays. Pure.

A file that is kept too long costs space, one that went too early costs the rollback: every doubt keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ..times import span

BACKUPS = ("deploy", "rollback", "data")
JOURNAL, LOG, LEFTOVER = "journal", "log", "leftover"
LEFTOVER_HOURS = 24
# A clock that is set by the network moves a little now and then; that is no jump.
SLACK = timedelta(minutes=5)
# Before this no backup of ours was taken: such a time comes from a clock without a battery.
EARLIEST = datetime(2020, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Policy:
    """How long things stay: hours for backups and for data backups, days for critical ones and for journals and logs.

    minimum: how many of each kind always stay.
    """

    hours: int
    data_hours: int
    critical_days: int
    record_days: int
    minimum: int

    def limit(self, kind: str) -> timedelta:
        """Return the age past which something of this kind may go."""
        if kind in (JOURNAL, LOG):
            return timedelta(days=self.record_days)
        if kind == LEFTOVER:
            return timedelta(hours=LEFTOVER_HOURS)
        return timedelta(hours=self.data_hours if kind == "data" else self.hours)

    def longest(self, item: Item) -> timedelta:
        """Return the age past which this item goes, its mark as critical considered."""
        limit = self.limit(item.kind)
        return max(limit, timedelta(days=self.critical_days)) if item.critical else limit


@dataclass(frozen=True)
class Item:
    """One thing that retention may remove.

    paths: what is removed with it; problem: why it is not ours to remove (unreadable, another's); sequence: 0 for
    things that are ordered by their time alone.
    """

    kind: str
    id: str
    paths: tuple[str, ...]
    created: datetime | None
    sequence: int = 0
    verified: bool = False
    critical: bool = False
    problem: str = ""
    size: int = 0

    @property
    def place(self) -> tuple[str, str]:
        """Return what no other item has."""
        return self.kind, self.id


@dataclass(frozen=True)
class Decision:
    """What happens to an item, and why."""

    item: Item
    remove: bool
    why: str

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as the module returns it."""
        about = self.item
        return {
            "kind": about.kind,
            "id": about.id,
            "paths": list(about.paths),
            "size": about.size,
            "remove": self.remove,
            "why": self.why,
        }


def clock_problem(items: Iterable[Item], now: datetime, policy: Policy, jumped: str = "") -> str:
    """Return why the clock, or what it was, cannot be trusted with removing anything; empty when it can.

    jumped: what the comparison with the clock that nobody sets (the one since the host's start) found.
    """
    if jumped:
        return jumped
    stamps = [item for item in items if item.created is not None and not item.problem and item.kind != LEFTOVER]
    if not stamps:
        return ""
    newest = max(stamps, key=lambda item: item.created or EARLIEST)
    ahead = (newest.created or now) - now
    if ahead > SLACK:
        return (
            f"{newest.id} is from {span(ahead.total_seconds())} in the future: this host's clock is behind, or was "
            "ahead when it was taken"
        )
    backups = [item.created for item in stamps if item.kind in BACKUPS and item.created is not None]
    if backups:
        age = now - max(backups)
        if age > timedelta(hours=policy.hours):
            return (
                f"the newest backup is {span(age.total_seconds())} old, older than the whole retention: this host's "
                "clock jumped ahead, or no backups are taken any more"
            )
    return ""


def true_times(items: Sequence[Item]) -> dict[tuple[str, str], datetime]:
    """Return (kind, id) → the latest time at which a thing can have been made, as far as the sequence tells.

    Sequence numbers only rise, clocks do not: what was made after another thing is not older than that.
    """
    found: dict[tuple[str, str], datetime] = {}
    highest = EARLIEST
    ours = [item for item in items if item.created is not None and not item.problem]
    for item in sorted(ours, key=lambda item: item.sequence):
        created = item.created or EARLIEST
        if item.sequence:
            highest = max(highest, created)
            created = highest
        if created > EARLIEST:
            found[item.place] = created
    return found


def decide(
    items: Sequence[Item], now: datetime, policy: Policy, in_use: Mapping[str, str], jumped: str = ""
) -> tuple[list[Decision], str]:
    """Return (a decision for each item, why nothing at all may go or empty).

    in_use: id → the running or unfinished run that needs it.
    """
    stopped = clock_problem(items, now, policy, jumped)
    times = true_times(items)
    order = sorted(
        (item for item in items if item.place in times),
        key=lambda item: (item.sequence, times[item.place], item.id),
        reverse=True,
    )
    verified = next((item for item in order if item.verified and item.kind in BACKUPS), None)
    rank: dict[tuple[str, str], int] = {}
    for item in order:
        rank[item.place] = sum(other[0] == item.kind for other in rank)
    decisions = []
    for item in items:
        why = item.problem
        if not why and item.place not in times:
            why = "its time is unknown"
        if not why and stopped:
            why = f"the clock is in doubt: {stopped}"
        if not why and item.id in in_use:
            why = f"{in_use[item.id]} uses it and has not ended"
        if not why and item is verified:
            why = "the newest verified one"
        if why:
            decisions.append(Decision(item, False, why))
        else:
            decisions.append(_by_age(item, now - times[item.place], rank[item.place], policy))
    needed = _witnesses(decisions, times, now, policy)
    return [needed.get(row.item.place, row) for row in decisions], stopped


def _witnesses(
    decisions: Iterable[Decision], times: Mapping[tuple[str, str], datetime], now: datetime, policy: Policy
) -> dict[tuple[str, str], Decision]:
    """Return (kind, id) → the decision to keep a backup whose date alone tells how old one that stays can be.

    Without it, the other would be judged by its own date the next time, that of a wrong clock, and go too early.
    """
    found: dict[tuple[str, str], Decision] = {}
    known = (row for row in decisions if row.item.sequence and row.item.place in times)
    order = sorted(known, key=lambda row: row.item.sequence)
    for number, row in enumerate(order):
        time = times[row.item.place]
        if row.remove or time == row.item.created or now - time > policy.longest(row.item):
            continue
        witnesses = [other for other in order[:number] if other.item.created == time]
        if all(other.remove and other.item.place not in found for other in witnesses):
            first = witnesses[0].item
            found[first.place] = Decision(first, False, f"its date tells how old {row.item.id} is, which stays")
    return found


def _by_age(item: Item, age: timedelta, rank: int, policy: Policy) -> Decision:
    """Return the decision about a thing that nothing else protects; rank: how many of its kind are newer."""
    old, limit = span(age.total_seconds()), policy.limit(item.kind)
    if item.kind in BACKUPS and rank == 0:
        return Decision(item, False, f"the newest usable {item.kind} backup")
    if item.kind != LEFTOVER and rank < policy.minimum:
        return Decision(item, False, f"one of the newest {policy.minimum} {_plural(item.kind)}")
    if item.critical and age <= timedelta(days=policy.critical_days):
        return Decision(item, False, f"marked critical, {old} of {policy.critical_days} days old")
    if age <= limit:
        return Decision(item, False, f"{old} old, stays for {_limit_text(limit)}")
    critical = f"its {policy.critical_days} days as a critical one are over; " if item.critical else ""
    return Decision(item, True, f"{critical}{old} old, stays for {_limit_text(limit)}")


def _plural(kind: str) -> str:
    return f"{kind} backups" if kind in BACKUPS else f"{kind}s"


def _limit_text(limit: timedelta) -> str:
    hours = int(limit.total_seconds() // 3600)
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 168 else f"{hours} h"


def lines(decisions: Iterable[Decision], stopped: str) -> list[str]:
    """Return what goes and why, and what stays and why, a line each; the summary comes last."""
    rows = list(decisions)
    width = max((len(row.item.id) for row in rows), default=0)
    text = [f"{'GOES ' if row.remove else 'STAYS'}  {row.item.id.ljust(width)}  {row.why}" for row in rows]
    going = [row for row in rows if row.remove]
    if stopped:
        text.append(f"NOTHING GOES: {stopped}")
    text.append(f"{len(going)} of {len(rows)} go")
    return text

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may work on a stack: what a lease says, and what a newcomer does about it. Pure.

A lease: run, kind, owner {user, host, machine, process}, machine (of the target), fence, since (UTC text), phase,
module (name of the module's process, empty between two modules), expires (seconds since the target's boot), released.
Nothing runs between two modules, so a lease is renewed by each module for its own budget, and for GRACE after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

GRACE = 15.0
TAKE, WAIT, HELD = "take", "wait", "held"


@dataclass(frozen=True)
class Verdict:
    """What to do: take it now, wait for it (seconds at most), or leave it to its holder; why is for people.

    ends: the process of a holder's module that has to end before the lease may be taken; lost: its owner is known to be
    gone, so that a renewal by that last module shows nothing.
    """

    do: str
    why: str
    seconds: float = 0.0
    ends: str = ""
    lost: bool = False


def judge(
    lease: Mapping[str, Any], machine: str, now: float, alive: Callable[[str], bool], force: bool = False
) -> Verdict:
    """Return the verdict about a lease, seen from the target at now (seconds since its boot).

    alive tells whether a process of this machine exists. force takes over from an owner that nobody can see alive.
    """
    if not lease or lease.get("released"):
        return Verdict(TAKE, "")
    if _boot(lease["machine"]) != _boot(machine):
        return Verdict(TAKE, "this host was booted again since")
    module = lease["module"] if lease["module"] and alive(lease["module"]) else ""
    left = max(0.0, lease["expires"] - now)
    if lease["owner"].get("machine") == machine:
        return _seen(alive(lease["owner"]["process"]), module, left)
    if not left:
        return Verdict(TAKE, "its controller was lost and its lease is over", ends=module)
    if force:
        return Verdict(TAKE, "taken over by force before its lease was over", ends=module)
    if module:
        return Verdict(HELD, "one of its modules works right now")
    return Verdict(WAIT, "its controller is silent", left)


def _seen(owner_lives: bool, module: str, left: float) -> Verdict:
    """Return the verdict where the owner is a process of this machine."""
    if owner_lives and left:
        return Verdict(HELD, "its ansible-playbook still runs")
    if module and left:
        return Verdict(WAIT, "its ansible-playbook is gone, its last module still works", left, module, lost=True)
    why = (
        "its ansible-playbook is stopped or hangs, its lease is over" if owner_lives else "its ansible-playbook is gone"
    )
    return Verdict(TAKE, why, ends=module)


def _boot(machine: str) -> str:
    return machine.partition("/")[0]


def renewed(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Say whether a holder has shown that it lives: somebody renewed, released or took the lease since."""
    return any(before.get(name) != now.get(name) for name in ("expires", "module", "fence"))


def taken(
    before: Mapping[str, Any], run: Mapping[str, Any], owner: Mapping[str, Any], machine: str, now: float, since: str
) -> dict[str, Any]:
    """Return the lease of a new holder; its fencing number is higher than any before it."""
    return {
        "run": run["run"],
        "kind": run["kind"],
        "owner": dict(owner),
        "machine": machine,
        "fence": int(before.get("fence") or 0) + 1,
        "since": since,
        "phase": "begin",
        "module": "",
        "expires": now + GRACE,
        "released": False,
    }


def described(lease: Mapping[str, Any], now: float) -> str:
    """Return who holds a lease, since when and in which phase, and when it ends unless renewed."""
    owner = lease["owner"]
    left = max(0, round(lease["expires"] - now))
    return (
        f"{lease['run']} of {owner.get('user') or 'somebody'} on {owner.get('host') or 'an unknown host'}, since "
        f"{lease['since']}, in phase {lease['phase']}; unless renewed its lease ends in {left} s"
    )

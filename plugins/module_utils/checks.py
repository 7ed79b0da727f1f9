# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks and their verdict: passed, failed or not measured; nothing is assumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from .errors import NoAnswerError, RecoveryError

PASSED, FAILED, NOT_MEASURED = "passed", "failed", "not_measured"
CRITICAL, ADVISORY = "critical", "advisory"
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
STREAK, STREAK_PAUSE = 3, 0.05


@dataclass(frozen=True)
class Check:
    """One check's outcome; expected and found are for people and carry no secret; ms is its duration.

    lasting: waiting does not change it. silent: who was asked did not answer in time.
    """

    name: str
    status: str
    expected: str
    found: str
    level: str = CRITICAL
    ms: int = 0
    lasting: bool = False
    silent: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the check as modules return it."""
        return {name: value for name, value in asdict(self).items() if name not in ("lasting", "silent")}


class NotMeasured(Exception):
    """A check could not be made; its text says why."""


@dataclass(frozen=True)
class Question:
    """A check to make: ask returns (good, what was found) or raises RecoveryError or NotMeasured.

    needs: checks without which this one says nothing of its own; when one of them fails, this one is not measured.
    behind: checks of whom the one who is asked may be waiting for; when one of them fails, silence is its failure.
    lasting: what it looks at stays as it is until somebody changes it; who could not look at it may look again.
    """

    name: str
    expected: str
    ask: Callable[[], tuple[bool, str]]
    level: str = CRITICAL
    needs: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    lasting: bool = False


def answer(question: Question) -> Check:
    """Make one check; a failure to ask is a failed check, not a crash."""
    began = time.monotonic()
    judged = silent = False
    try:
        good, found = question.ask()
        status, judged = PASSED if good else FAILED, True
    except NotMeasured as exc:
        status, found = NOT_MEASURED, str(exc)
    except RecoveryError as exc:
        status, found, silent = FAILED, exc.msg, isinstance(exc, NoAnswerError)
    except Exception as exc:  # noqa: BLE001  # a case nobody thought of must not take the other checks with it
        status, found = FAILED, f"a case that this check does not know: {type(exc).__name__}"
    ms = int((time.monotonic() - began) * 1000)
    return Check(
        question.name, status, question.expected, found, question.level, ms, question.lasting and judged, silent
    )


def answer_all(questions: Iterable[Question]) -> list[Check]:
    """Make all checks at the same time; the order of the answers is that of the questions."""
    return ask_groups(questions, lambda _broken: [])


def because(asked: Iterable[Question], found: Iterable[Check], elsewhere: Iterable[str] = ()) -> list[Check]:
    """Return the checks so that one cause fails one check: what needs a failed check is not measured.

    A list of ten failures tells nobody where to look first. elsewhere: names of checks that failed in another module.
    """
    made: dict[str, Check] = {}
    blocked: dict[str, str] = {name: name for name in elsewhere}
    for question, check in zip(asked, found):
        guilty = question.needs + (question.behind if check.silent else ())
        cause = next((name for name in guilty if name in blocked), "")
        if check.status != PASSED and cause:
            made[check.name] = replace(check, status=NOT_MEASURED, found=f"because {blocked[cause]} fails")
            blocked[check.name] = blocked[cause]
        else:
            made[check.name] = check
            if check.status == FAILED:
                blocked[check.name] = check.name
    return list(made.values())


def ask_groups(
    first: Iterable[Question], later: Callable[[bool], list[list[Question]]], elsewhere: Iterable[str] = ()
) -> list[Check]:
    """Make the first checks all at once and the later ones group by group; later is told whether a critical one failed.

    elsewhere: names of checks that failed in another module.
    """
    asked = list(first)
    with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
        found = list(pool.map(answer, asked))
    settled = because(asked, found, elsewhere)
    broken = not passed([item.as_dict() for item in settled]) or bool(list(elsewhere))
    for group in later(broken):
        asked += group
        with ThreadPoolExecutor(max_workers=max(1, len(group))) as pool:
            found += list(pool.map(answer, group))
    return because(asked, found, elsewhere)


def in_a_row(ask: Callable[[], tuple[bool, str]], times: int = STREAK, pause: float = STREAK_PAUSE) -> tuple[bool, str]:
    """Ask several times; one good answer between two bad ones is no health. The first bad answer ends it."""
    good, found = ask()
    for _number in range(times - 1):
        if not good:
            break
        time.sleep(pause)
        good, found = ask()
    return good, found


def retry(
    ask: Callable[[], list[Check]], budget: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> list[Check]:
    """Ask until no critical check fails or budget seconds are over; a server that starts is not a broken one.

    Where nothing but lasting ones fail, waiting would only keep the service away for longer. The pauses grow, so that a
    stack that stays broken is not flooded with requests.
    """
    end = clock() + budget
    pause = FIRST_PAUSE
    while True:
        found = ask()
        if all(item.lasting for item in found if _guilty(item)) or clock() + pause >= end:
            return found
        sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _guilty(found: Check) -> bool:
    return found.status == FAILED and found.level == CRITICAL


def passed(found: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether no critical check failed; an empty list proves nothing and does not pass."""
    rows = list(found)
    return bool(rows) and not any(item["status"] == FAILED and item["level"] == CRITICAL for item in rows)


def not_measured(found: Iterable[Mapping[str, Any]]) -> int:
    """Return how many critical checks were not measured: what a run that ends well must still tell."""
    return sum(item["status"] == NOT_MEASURED and item["level"] == CRITICAL for item in found)


def failures(found: Iterable[Mapping[str, Any]]) -> str:
    """Return the failed critical checks as one sentence."""
    return "; ".join(
        f"{item['name']}: expected {item['expected']}, found {item['found']}"
        for item in found
        if item["status"] == FAILED and item["level"] == CRITICAL
    )

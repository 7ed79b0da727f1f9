# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What containers' logs tell about requests and about warnings. Pure; each line begins with the engine's own time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..times import parse_time

# nginx and Kong write `"GET /path HTTP/1.1" 502 …`; many write JSON instead.
_COMBINED = re.compile(r'"(?:[A-Z]+) (?P<path>[^" ]+) HTTP/[\d.]+" (?P<status>\d{3})\b')
_JSON_STATUS = re.compile(r'"status":\s*"?(?P<status>\d{3})\b')
_JSON_PATH = re.compile(r'"(?:request_uri|uri|path)":\s*"(?P<path>[^"]*)"')
_BAD = re.compile(r"\[(?:error|crit|alert|emerg)\]|\b(?:ERROR|CRITICAL|FATAL)\b|^\d+:\w .*# (?:Fatal|Bad|Error)")
_WARN = re.compile(r"\[warn\]|\bWARN(?:ING)?\b|^\d+:\w .*# ")


# nginx's mark of a client that went away before the answer: no answer, and nobody's fault that could be told.
GIVEN_UP = 499


@dataclass(frozen=True)
class Request:
    """One request to the proxy: at (seconds since the epoch), status."""

    at: float
    status: int

    @property
    def failed(self) -> bool:
        """Whether the server is to blame."""
        return self.status >= 500

    @property
    def answered(self) -> bool:
        """Whether its client waited for the answer."""
        return self.status != GIVEN_UP


def _lines(text: str) -> Iterator[tuple[float, str]]:
    """Yield (seconds since the epoch, line) of a log with the engine's times."""
    for line in text.splitlines():
        stamp, _space, rest = line.partition(" ")
        moment = parse_time(stamp)
        if moment is not None:
            yield moment.timestamp(), rest


def requests_in(text: str, left_out: Collection[str] = ()) -> list[Request]:
    """Return the requests in a log, oldest first; left_out: paths that say nothing, a health page's for instance."""
    found = []
    for at, line in _lines(text):
        status, path = (
            _COMBINED.search(line) or _JSON_STATUS.search(line),
            _COMBINED.search(line) or _JSON_PATH.search(line),
        )
        if status and (path.group("path").split("?")[0] if path else "") not in left_out:
            found.append(Request(at, int(status.group("status"))))
    return sorted(found, key=lambda item: item.at)


def unavailable_seconds(found: Sequence[Request], now: float) -> float:
    """Return for how long, up to now, no single request was answered well; 0 when the last one was."""
    since = 0.0
    for item in reversed(found):
        if item.answered and not item.failed:
            break
        since = now - item.at
    return round(max(0.0, since), 1)


def warnings_in(text: str) -> tuple[int, str]:
    """Return (how many lines warn or worse, the last of the worst ones); requests are no warnings."""
    count, worst, kind = 0, "", 0
    for _at, line in _lines(text):
        if _COMBINED.search(line) and not _BAD.search(line):
            continue
        severity = 2 if _BAD.search(line) else 1 if _WARN.search(line) else 0
        count += severity > 0
        if severity and severity >= kind:
            kind, worst = severity, line.strip()
    return count, worst

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a proxy's own health page says, in JSON or as one plain word. Pure."""

from __future__ import annotations

import json

# "healthy" is the page of the guide; "pass", "ok" and "up" are those of the draft for health+json, and common.
GOOD = frozenset({"healthy", "pass", "ok", "up", "alive"})
# A script without a blank is no word, and what a page says comes into logs and reports.
LONGEST = 32


def judge(status: int, body: str) -> tuple[bool, str]:
    """Return whether an answer (HTTP status, text) says that all is well, and what it says.

    A page that says anything else than a known good word is not taken for well, whatever its status: a start page or
    another program on that port answers 200 too.
    """
    if status != 200:
        return False, f"answers {status}"
    word = _word(body)
    if not word:
        return False, "answers 200 and no status"
    return word.lower() in GOOD, f"status {word}"


def _word(body: str) -> str:
    """Return the one word of a plain page, or the member status of a JSON object; empty where there is neither."""
    try:
        found = json.loads(body)
    except ValueError:
        found = {"status": body}
    said = found.get("status") if isinstance(found, dict) else found
    words = said.strip().rstrip(".!").split() if isinstance(said, str) else []
    return words[0] if len(words) == 1 and len(words[0]) <= LONGEST else ""

"""One line a phase: what it has done, in few words."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.phase_words import words

GOOD, BAD = {"name": "redis", "status": "passed"}, {"name": "kong_admin", "status": "failed"}


@pytest.mark.parametrize(
    ("phase", "result", "said"),
    [
        ("discover", {"backup": {"id": "deploy-1"}, "why": "newest"}, "target deploy-1"),
        ("snapshot", {"backup": {"id": "rollback-1"}}, "saved as rollback-1"),
        ("plan", {"plan": {"actions": [1, 2], "estimate_seconds": 7.6}}, "2 actions, about 8 s"),
        ("plan", {"plan": {"actions": [], "refusals": [{"name": "image_gone"}]}}, "refused: image_gone"),
        ("apply", {"executed": [1, 2, 3]}, "3 actions done"),
        ("verify", {"checks": [GOOD, GOOD]}, "2 of 2 checks passed"),
        ("verify", {"checks": [GOOD, BAD]}, "1 of 2 checks passed; kong_admin"),
        ("undo", {}, "done"),
    ],
)
def test_words(phase, result, said):
    assert words(phase, result) == said

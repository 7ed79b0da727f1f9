"""Environment files worked out from what containers got; the work with Compose is in test_capture.py."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.reconstruct import needed

DRIFT = {"kong": {"env.LOG_LEVEL": ("notice", "debug")}}
BOTH = {"client.env": b"LOG_LEVEL=notice", "kong.env": b"LOG_LEVEL=notice"}


@pytest.mark.parametrize(
    ("theirs", "stay", "left"),
    [
        # kong.env was edited; the client's variable of that name has another meaning.
        ({"kong": "kong.env", "client": None}, {"kong.env"}, 0),
        # One file is both services'.
        ({"kong": "client.env", "client": "client.env"}, {"client.env"}, 0),
        # Each needs its own.
        ({"kong": "kong.env", "client": "client.env"}, {"client.env", "kong.env"}, 0),
        # Nothing helps.
        ({"kong": "else.env", "client": None}, set(), 1),
    ],
    ids=["another-meaning", "shared", "each-its-own", "no-help"],
)
def test_a_file_that_brings_nothing_nearer_stays_as_it_is(theirs, stay, left):
    def differs(files):
        """A service whose file is not rewritten differs; one that wants none, where its own is."""
        return {
            name: {"env.LOG_LEVEL": ("", "")}
            for name, file in theirs.items()
            if (file is not None and file not in files) or (file is None and f"{name}.env" in files)
        }

    solved, found = needed(dict(BOTH), DRIFT, differs)
    assert (set(solved), sum(map(len, found.values()))) == (stay, left)


def test_without_a_rewritten_file_all_still_differs():
    assert needed({}, DRIFT, lambda _files: {}) == ({}, DRIFT)

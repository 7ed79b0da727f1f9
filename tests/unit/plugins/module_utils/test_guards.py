"""Which refusals force waives."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.guards import WAIVABLE, Guard, split_waived


def test_the_waivable_ones_are_these_five():
    assert set(WAIVABLE) == {"lease_held", "space_low", "mappings_loss", "config_invalid", "libraries_missing"}


@pytest.mark.parametrize(
    ("names", "force", "refuses", "waived"),
    [
        ([], True, [], []),
        (["space_low", "image_gone"], False, ["space_low", "image_gone"], []),
        (["space_low", "image_gone"], True, ["image_gone"], ["space_low"]),
        (["space_low", "space_low"], True, [], ["space_low", "space_low"]),
    ],
    ids=["nothing", "plain", "force", "twice"],
)
def test_split_waived(names, force, refuses, waived):
    left, gone = split_waived([Guard(name, "why", "next") for name in names], force)
    assert ([item["name"] for item in left], [item["name"] for item in gone]) == (refuses, waived)

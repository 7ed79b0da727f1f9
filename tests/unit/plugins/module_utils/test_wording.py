"""Figures and names as people read them."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.wording import amount, seconds_text, short


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "not measured"),
        (0.04, "0.0 s"),
        (89.94, "89.9 s"),
        (90, "1 min 30 s"),
        (120, "2 min"),
        (125, "2 min 5 s"),
    ],
)
def test_durations(seconds, shown):
    assert seconds_text(seconds) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(None, "share", "not measured"), (0.125, "share", "12.5 %"), (1.0, "share", "100 %"), (3.0, "seconds", "3.0 s")],
)
def test_figures_with_their_unit(value, unit, shown):
    assert amount(value, unit) == shown


@pytest.mark.parametrize(("given", "shown"), [("sha256:" + "a" * 64, "a" * 12), ("abc", "abc"), ("", "")])
def test_an_image_id_as_people_compare_it(given, shown):
    assert short(given) == shown

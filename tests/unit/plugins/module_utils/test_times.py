"""Times as Docker and manifests write them, and durations as people say them."""

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import times


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-07-29T12:00:00Z", "2026-07-29T12:00:00+00:00"),
        ("2026-07-29T12:00:00.123456789Z", "2026-07-29T12:00:00+00:00"),
        ("2026-07-29T12:00:00", "2026-07-29T12:00:00+00:00"),
        ("2026-07-29T12:00:00+02:00", "2026-07-29T12:00:00+02:00"),
        ("2026-07-29T12:00:00.5-05:30", "2026-07-29T12:00:00-05:30"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("2026-07-29 12:00:00", None),
        ("2026-07-29", None),
        ("", None),
    ],
    ids=["utc", "docker", "naive", "zone", "fraction-and-zone", "docker-never", "space", "date", "empty"],
)
def test_parse_time(text, iso):
    assert times.parse_time(text) == (datetime.fromisoformat(iso) if iso else None)


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z"])
def test_a_time_that_cannot_be_is_none(text):
    assert times.parse_time(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (45.9, "45 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (11520, "3 h 12 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
        (187200, "2 d 4 h"),
        (86400 * 400, "400 d 0 h"),
    ],
)
def test_span(seconds, text):
    assert times.span(seconds) == text

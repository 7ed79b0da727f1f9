"""Which Kong a killed change of the data left off."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.live import kong_mark
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

KONG = dataclasses.replace(samples.container("kong"), restart_policy="always", started_at="2026-11-24T02:30:24Z")
OFF = dataclasses.replace(KONG, state="exited", restart_policy="unless-stopped")


@pytest.fixture
def left_off(tmp_path):
    """Return left_off for containers, after Kong was noted."""
    stack = samples.stack(tmp_path)
    kong_mark.write(stack, Runner(), [KONG])
    return lambda *now: kong_mark.left_off(stack, Runner(), now)


def test_it_comes_with_the_policy_that_it_had(left_off):
    assert left_off(OFF) == [dataclasses.replace(OFF, restart_policy="always")]


@pytest.mark.parametrize(
    "now",
    [KONG, dataclasses.replace(OFF, started_at="2026-11-24T03:00:00Z"), dataclasses.replace(OFF, id="another")],
    ids=["runs", "was-started-and-stopped-since", "was-made-anew"],
)
def test_what_somebody_has_seen_to_since_is_none_of_ours(left_off, now):
    assert left_off(now) == []


def test_nothing_is_left_where_nothing_was_noted_or_the_note_is_broken(tmp_path):
    stack = samples.stack(tmp_path)
    assert kong_mark.left_off(stack, Runner(), [OFF]) == []
    kong_mark.write(stack, Runner(), [KONG])
    (tmp_path / kong_mark.PATH).write_text("{", encoding="utf-8")
    assert kong_mark.left_off(stack, Runner(), [OFF]) == []


def test_forgotten(tmp_path):
    stack = samples.stack(tmp_path)
    kong_mark.forget(stack, Runner())
    kong_mark.write(stack, Runner(), [KONG])
    kong_mark.forget(stack, Runner())
    assert not (tmp_path / kong_mark.PATH).exists()


def test_a_disk_that_takes_no_note_keeps_nothing_from_being_done(tmp_path):
    (tmp_path / ".recovery").write_text("", encoding="utf-8")
    kong_mark.write(samples.stack(tmp_path), Runner(), [KONG])

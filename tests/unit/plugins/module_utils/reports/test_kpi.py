"""Key figures of ten runs of ten different outcomes, computed by hand here."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports import kpi
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import brief, history
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples as samples

# Begun to roll back: runs 1-5, 8, 9, 10 (6 was refused, 7 had nothing to do). Succeeded: 1, 2, 3 and 9.
BY_HAND = {
    # Two runs say when the incident was detected: 60 and 100 s before they began.
    "mttd_seconds": ((60 + 100) / 2, 2, True),
    # Service back after 9, 20, 15 and 30 s.
    "mttr_seconds": ((9 + 20 + 15 + 30) / 4, 4, True),
    # From detection to the end: 60 + 12 and 100 + 24 s.
    "mttr_from_detection_seconds": ((72 + 124) / 2, 2, True),
    "success_rate": (4 / 8, 8, False),
    # Eight came to changing something; the last one's copy of the data was unproven.
    "data_saved_rate": (7 / 8, 8, False),
    # Runs 7 and 9 found every critical check passed beforehand.
    "false_positive_rate": (2 / 10, 10, False),
}


@pytest.fixture(params=[False, True], ids=["whole", "brief"])
def records(request):
    found = history(samples.ten_runs())
    return [brief(item) for item in found] if request.param else found


def test_key_figures_of_ten_runs_are_those_computed_by_hand(records):
    found = {item["name"]: (item["value"], item["measured_on"], item["met"]) for item in kpi.figures(records)}
    assert found == BY_HAND


def test_success_by_kind(records):
    found = {item["kind"]: (item["runs"], item["succeeded"], item["rate"]) for item in kpi.success_by_kind(records)}
    # A rollback by hand leaves no journal: nothing is known, and nothing is filled in.
    assert found == {"rollback": (6, 3, 0.5), "force_rollback": (2, 1, 0.5), "manual": (0, 0, None)}


def test_durations_by_class(records):
    found = {
        item["class"]: (item["runs"], item["mean"], item["longest"], item["within"]) for item in kpi.durations(records)
    }
    assert found == {
        "configuration only": (1, 9.0, 9.0, 1),
        "configuration and data": (1, 20.0, 20.0, 1),
        "full": (1, 30.0, 30.0, 1),
        "force": (1, 15.0, 15.0, 1),
    }


def test_patterns(records):
    found = {item["what"]: {one["name"]: one["runs"] for one in item["top"]} for item in kpi.patterns(records)}
    assert found == {
        "failed before the rollback": {"masking": 7, "kong_routes": 1},
        "phase in which a run broke": {"apply": 3, "verify": 1},
        "failed after the rollback": {"masking": 1},
        "service that was changed": {"kong": 7},
        "guard that was waived": {"space_low": 1},
        "reason for a refusal": {"image_gone": 1},
    }


def test_without_runs_nothing_is_measured():
    assert {(item["value"], item["met"], item["measured_on"]) for item in kpi.figures([])} == {(None, None, 0)}
    assert {item["rate"] for item in kpi.success_by_kind([])} == {None}


@pytest.mark.parametrize("position", range(10))
def test_every_run_counts(position):
    """Leaving any run out changes a figure: none of the ten is there for show."""
    runs = samples.ten_runs()
    fewer = [one for number, one in enumerate(runs) if number != position]
    assert kpi.figures(history(fewer)) != kpi.figures(history(runs))


def test_a_run_that_completed_without_the_service_back_is_no_success():
    text = samples.ten_runs()[0][1].replace('"service": "back"', '"service": "not measured"')
    (record,) = history([("rollback-20260701-030000", text)])
    assert record["outcome"] == "completed"
    assert kpi.succeeded(record) is False

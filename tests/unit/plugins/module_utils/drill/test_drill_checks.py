"""Are the data of a rehearsal those of the backup, and may masking be tried?"""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.drill import drill_checks
from ansible_collections.kong_masking.recovery.plugins.module_utils.drill.drill_report import failed_check, screen
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import NotReadyError

OUTPUT = """[offset 0] Checking RDB file dump.rdb
[offset 179] \\o/ RDB looks OK! \\o/
[info] 113 keys read
[info] 100 expires
[info] 10 already expired
"""


def test_counted():
    assert drill_checks.counted(OUTPUT) == (113, 10)
    assert drill_checks.counted("not found") == (None, 0)


@pytest.mark.parametrize(
    ("noted", "before", "after", "held", "status"),
    [
        (113, (113, 0), 0, 113, "passed"),
        (113, (113, 10), 10, 103, "passed"),
        (113, (113, 10), 12, 102, "passed"),
        (113, (113, 10), 12, 100, "failed"),
        (113, (113, 10), 10, 104, "failed"),
        (113, (113, 113), 113, 0, "passed"),
        (113, (0, 0), 0, 0, "failed"),
        (10_000, (10_900, 0), 0, 10_900, "passed"),
        (10_000, (8_000, 0), 0, 8_000, "failed"),
        (113, (None, 0), 0, 90, "passed"),
        (113, (None, 0), 0, 0, "failed"),
        (0, (None, 0), 0, 0, "passed"),
    ],
    ids=[
        "all", "without-the-expired", "some-expire-meanwhile", "more-missing-than-expired", "more-than-there-can-be",
        "all-expired", "an-empty-dump", "written-meanwhile", "a-fifth-missing", "uncounted",
        "uncounted-and-empty", "empty",
    ],
)  # fmt: skip
def test_judge_keys(noted, before, after, held, status):
    assert drill_checks.judge_keys({"keys": noted}, before, after, held).status == status


@pytest.mark.parametrize(
    ("held", "status", "found"),
    [
        ({"aws_masker:cnt:ec2": 7}, "passed", "1 counters"),
        ({"aws_masker:cnt:ec2": 8}, "passed", "1 counters"),
        ({"aws_masker:cnt:ec2": 6}, "failed", "too low: aws_masker:cnt:ec2"),
        ({}, "failed", "too low: aws_masker:cnt:ec2"),
    ],
)
def test_judge_counters(held, status, found):
    check = drill_checks.judge_counters({"counters": {"aws_masker:cnt:ec2": 7}}, held)
    assert (check.status, check.found) == (status, found)


@pytest.mark.parametrize(
    ("document", "hosts"),
    [
        ({"services": [{"url": "http://upstream:8080"}]}, {"upstream"}),
        ({"services": [{"url": "https://api.anthropic.com/v1"}]}, {"api.anthropic.com"}),
        (
            {
                "services": [{"host": "pool"}],
                "upstreams": [{"name": "pool", "targets": [{"target": "a:1"}, {"target": "b:2"}]}],
            },
            {"a", "b"},
        ),
        ({}, set()),
    ],
)
def test_upstream_hosts(document, hosts):
    assert drill_checks.upstream_hosts(document) == hosts


@pytest.mark.parametrize(
    ("hosts", "may"),
    [({"upstream"}, True), ({"api.anthropic.com"}, False), ({"upstream", "api.anthropic.com"}, False), (set(), False)],
)
def test_masking_is_tried_only_where_the_request_cannot_leave(hosts, may):
    assert drill_checks.inside(hosts, {"upstream", "kong"}) is may


def test_a_rehearsal_says_why_masking_was_not_tried():
    rows = [
        {"name": "masking", "status": "not_measured", "found": "masking_probe is off"},
        {"name": "redis", "status": "passed"},
    ]
    found = drill_checks.outside_reason(rows, {"api.anthropic.com"})
    assert found[0]["found"] == "api.anthropic.com is not part of the project, and a rehearsal reaches nothing else"
    assert found[1] == rows[1]


def test_the_last_line_is_the_verdict():
    failed = failed_check(NotReadyError("No Kong."))
    lines = screen({"id": "deploy-x"}, [failed], {"files": 0.42}, ["volume v begins empty"], 9.44)
    assert lines == [
        "FAILED       scratch_stack                0 ms  expected every service becomes ready, found No Kong.",
        "NOTE: volume v begins empty",
        "TIME: files 0.4 s",
        "REHEARSAL FAILED: deploy-x in 9.4 s; the live stack was not touched",
    ]

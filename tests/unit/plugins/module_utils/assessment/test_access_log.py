"""Requests and warnings in containers' logs, as the engine hands them over with its own times."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment.access_log import (
    requests_in,
    unavailable_seconds,
    warnings_in,
)

START = 1782900000.0  # 2026-07-01T10:00:00Z
NGINX = '172.18.0.1 - - [01/Jul/2026:10:00:00 +0000] "GET {path} HTTP/1.1" {status} 150 "-" "curl/7.88"'


def log(*rows):
    """Lines as `docker logs --timestamps` shows them: (seconds after START, text)."""
    return "\n".join(
        f"2026-07-01T10:{int(after) // 60:02d}:{int(after) % 60:02d}.123456789Z {text}" for after, text in rows
    )


def answered(status, path="/v1/messages"):
    return NGINX.format(status=status, path=path)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (answered(502), 502),
        (answered(200, "/v1/messages?x=1"), 200),
        ('{"time":"x","status":503,"request_uri":"/v1/messages","request_time":0.1}', 503),
        ('{"uri": "/v1/messages", "status": "504"}', 504),
    ],
)
def test_forms_of_access_logs(line, status):
    assert [(item.at, item.status) for item in requests_in(log((7, line)))] == [(START + 7, status)]


@pytest.mark.parametrize(
    "line",
    [
        "2026/07/01 10:00:00 [error] 7#7: *1 connect() failed (111: Connection refused)",
        answered(200, "/health"),
        answered(200, "/health?full=1"),
        '{"uri": "/health", "status": 200}',
        "GET /v1/messages 200",
        "",
    ],
)
def test_what_is_no_request_or_says_nothing(line):
    assert requests_in(log((7, line)), {"/health"}) == []


def test_a_line_without_the_engines_time_is_left_out():
    assert requests_in(answered(502)) == []


@pytest.mark.parametrize(
    ("rows", "now", "seconds"),
    [
        ([], 400, 0.0),
        ([(0, 502), (100, 502), (320, 502)], 330, 330.0),
        ([(0, 502), (100, 200), (320, 502)], 330, 10.0),
        ([(0, 502), (320, 200)], 330, 0.0),
        ([(0, 404), (10, 500), (20, 504)], 321, 311.0),
        ([(0, 504), (100, 499), (200, 499)], 330, 330.0),
    ],
    ids=["none", "all", "one-good-between", "the-last-one-good", "since-the-first-bad", "clients-gave-up"],
)
def test_for_how_long_every_request_failed(rows, now, seconds):
    found = requests_in(log(*((after, answered(status)) for after, status in rows)))
    assert unavailable_seconds(found, START + now) == seconds


@pytest.mark.parametrize(
    ("lines", "count", "worst"),
    [
        ([], 0, ""),
        (["all is well", answered(200), answered(502)], 0, ""),
        (
            ["2026/07/01 10:00:00 [warn] 1#1: a body is buffered"],
            1,
            "2026/07/01 10:00:00 [warn] 1#1: a body is buffered",
        ),
        (["[error] first", "[crit] second", "[warn] third"], 3, "[crit] second"),
        (["1:M 01 Jul 2026 10:00:00.000 # WARNING Memory overcommit must be enabled!"], 1, None),
        (["1:M 01 Jul 2026 10:00:00.000 * Ready to accept connections"], 0, ""),
    ],
)
def test_warnings(lines, count, worst):
    found = warnings_in(log(*enumerate(lines)))
    assert found[0] == count
    if worst is not None:
        assert found[1] == worst

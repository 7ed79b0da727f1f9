"""What a health page says."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.health_page import judge


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"status":"healthy"}', (True, "status healthy")),
        (200, '{"status": "UP", "checks": []}', (True, "status UP")),
        (200, "healthy\n", (True, "status healthy")),
        (200, "OK", (True, "status OK")),
        (200, '"pass"', (True, "status pass")),
        (200, "alive.", (True, "status alive")),
        (200, '{"status":"degraded"}', (False, "status degraded")),
        (200, '{"status":"unhealthy"}', (False, "status unhealthy")),
        (200, "unhealthy", (False, "status unhealthy")),
        (200, "not ok", (False, "answers 200 and no status")),
        (200, "<html><body>Welcome to nginx!</body></html>", (False, "answers 200 and no status")),
        (200, "x" * 5000, (False, "answers 200 and no status")),
        (200, "{}", (False, "answers 200 and no status")),
        (200, "[]", (False, "answers 200 and no status")),
        (200, '{"status": true}', (False, "answers 200 and no status")),
        (200, "", (False, "answers 200 and no status")),
        (503, '{"status":"healthy"}', (False, "answers 503")),
        (404, "<html>404</html>", (False, "answers 404")),
    ],
)
def test_judge(status, body, expected):
    assert judge(status, body) == expected

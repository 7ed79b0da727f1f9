"""A proxy that takes its clients' own requests only."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import FAILED, NOT_MEASURED, PASSED, Check
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import strict_proxy

JSON, HTML = "application/json", "text/html; charset=utf-8"


def check(name, status, found=""):
    return Check(name, status, "", found)


@pytest.mark.parametrize(
    ("chain", "found", "masking", "status"),
    [
        (NOT_MEASURED, f"the proxy itself answers 405 to a GET; {strict_proxy.TELLS}", PASSED, PASSED),
        (NOT_MEASURED, f"the proxy itself answers 405 to a GET; {strict_proxy.TELLS}", NOT_MEASURED, NOT_MEASURED),
        (NOT_MEASURED, f"the proxy itself answers 403 to a GET; {strict_proxy.TELLS}", FAILED, NOT_MEASURED),
        (NOT_MEASURED, "the proxy answers 301", PASSED, NOT_MEASURED),
        (FAILED, "status 404, and not from Kong", PASSED, FAILED),
    ],
    ids=["told", "nobody-told", "masking-fails", "not-for-it-to-tell", "failed"],
)
def test_what_the_masking_request_tells(chain, found, masking, status):
    rows = [check("proxy_chain", chain, found), check("kong_admin", NOT_MEASURED, found), check("masking", masking)]
    assert [item.status for item in strict_proxy.told(rows)] == [status, NOT_MEASURED, masking]


@pytest.mark.parametrize(
    ("status", "kind", "own"),
    [
        (401, HTML, True),
        (405, HTML, True),
        (405, JSON, False),
        (405, "", False),
        (404, HTML, False),
        (200, HTML, False),
    ],
)
def test_what_a_proxy_itself_refuses(status, kind, own):
    """A provider that is reached past Kong refuses a GET too, in JSON."""
    answer = SimpleNamespace(status_code=status, headers={"Content-Type": kind} if kind else {})
    assert strict_proxy.forbids(answer) is own

"""A proxy that takes its clients' own requests only, or takes Kong's headers away."""

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


def answer(status=405, kind=JSON, content=b"{}", shown=False):
    headers = {**({"Content-Type": kind} if kind else {}), **({"X-Kong-Upstream-Latency": "3"} if shown else {})}
    return SimpleNamespace(status_code=status, headers=headers, content=content, text=content.decode())


@pytest.mark.parametrize(("kind", "may"), [(JSON, True), (HTML, False), ("", False)])
def test_a_page_of_the_proxys_own_is_html(kind, may):
    assert strict_proxy.may_hide(answer(kind=kind)) is may


@pytest.mark.parametrize(
    ("direct", "alone", "hides"),
    [
        (answer(shown=True), False, True),
        (answer(shown=True), True, True),
        (answer(shown=True, content=b'{"id": 1}'), False, True),
        (answer(shown=True, content=b'{"id": 1}'), True, False),
        (answer(shown=True, status=404), False, False),
        (answer(shown=True, kind="text/plain"), False, False),
        (answer(), False, False),
    ],
    ids=["same", "same-bytes", "other-bytes", "other-bytes-and-nothing-else-tells", "status", "type", "not-kong"],
)
def test_hides(direct, alone, hides):
    assert strict_proxy.hides(answer(), direct, alone) is hides

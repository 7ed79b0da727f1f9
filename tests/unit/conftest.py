"""Settings of hypothesis: no files in the checkout, no deadline on a busy machine; less to do in each test's fork."""

from __future__ import annotations

import importlib
import sys

from hypothesis import settings

settings.register_profile("unit", database=None, deadline=None)
settings.load_profile("unit")


def pytest_collection_finish() -> None:
    """Import and save once what each fork would import and save anew: ansible-test forks for each test."""
    # The modules import them at first use, which takes longer than most tests.
    for library in ("docker", "redis", "requests"):
        importlib.import_module(library)
    coverage = sys.modules.get("coverage")
    if coverage is not None and (measuring := coverage.Coverage.current()) is not None:
        measuring.save()

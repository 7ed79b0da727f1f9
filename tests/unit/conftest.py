"""Settings of hypothesis: no files in the checkout, and no deadline on a busy machine; less for coverage to write."""

from __future__ import annotations

import sys

from hypothesis import settings

settings.register_profile("unit", database=None, deadline=None)
settings.load_profile("unit")


def pytest_collection_finish() -> None:
    """Save what coverage saw of the imports: ansible-test forks for each test, and each fork would save it anew."""
    coverage = sys.modules.get("coverage")
    if coverage is not None and (measuring := coverage.Coverage.current()) is not None:
        measuring.save()

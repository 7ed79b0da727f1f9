"""Settings of hypothesis: no files in the checkout, and no deadline on a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", database=None, deadline=None)
settings.load_profile("unit")

"""The filter's own page; what it makes of an event is tested with the notifications."""

from __future__ import annotations

import yaml

from ansible_collections.kong_masking.recovery.plugins.filter import webhook_body


def test_what_it_returns_is_shown():
    returned = yaml.safe_load(webhook_body.RETURN)
    assert [key for key, about in returned.items() if not {"description", "type", "sample"} <= set(about)] == []

"""What webhooks are told, in each form; no secrets, nothing that breaks the form."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.notification import LONGEST, webhook_body

FACTS = {
    "event": "failure",
    "environment": "production",
    "project": "gateway",
    "host": "gw1",
    "service": "SERVICE: NOT BACK",
    "cause": "apply: kong <does> not & stay up",
    "escalation": "ESCALATION: minute 6, escalate to the technical lead: call Lea",
    "elapsed": "47.1 of 120 s",
}


def test_generic():
    found = webhook_body(FACTS)
    assert found["title"] == "Rollback failed: gateway (production) on gw1"
    assert found["event"] == "failure"
    assert found["text"].splitlines() == [
        "Rollback failed: gateway (production) on gw1",
        "Service: NOT BACK",
        "Cause: apply: kong <does> not & stay up",
        "Time: 47.1 of 120 s",
        "Escalation: minute 6, escalate to the technical lead: call Lea",
    ]


def test_slack():
    found = webhook_body(FACTS, "slack")
    assert list(found) == ["text"]
    assert found["text"].startswith("*Rollback failed: gateway (production) on gw1*\n")
    assert "Cause: apply: kong &lt;does&gt; not &amp; stay up" in found["text"]


def test_teams():
    (attachment,) = webhook_body(FACTS, "teams")["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    title, facts = attachment["content"]["body"]
    assert title["text"] == "Rollback failed: gateway (production) on gw1"
    assert {"title": "Escalation", "value": FACTS["escalation"].removeprefix("ESCALATION: ")} in facts["facts"]


@pytest.mark.parametrize("form", ["generic", "slack", "teams"])
@pytest.mark.parametrize("event", ["start", "success", "failure", "budget_passed", "test"])
def test_every_event_has_a_title_and_is_json(form, event):
    text = json.dumps(webhook_body({"event": event, "environment": "e", "project": "p"}, form))
    assert "(e)" in text
    assert "None" not in text


@pytest.mark.parametrize("form", ["generic", "slack", "teams"])
def test_what_is_not_asked_for_and_passwords_in_addresses_are_never_sent(form):
    facts = {
        **FACTS,
        "cause": "redis://user:Canary-one@db gave up",
        "backup_signing_key": "Canary-two",
        "env": {"A": "Canary-three"},
    }
    assert "Canary" not in json.dumps(webhook_body(facts, form))


def test_a_long_text_is_cut():
    assert len(webhook_body({**FACTS, "cause": "x" * 5000})["cause"]) == LONGEST


def test_an_unknown_form_is_an_error():
    with pytest.raises(ValueError, match="expected one of generic, slack, teams"):
        webhook_body(FACTS, "irc")

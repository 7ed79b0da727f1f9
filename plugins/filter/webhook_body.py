# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body that a webhook takes, as a filter: templates on the controller need no task for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.reports.notification import webhook_body as body

DOCUMENTATION = r"""
---
name: webhook_body
short_description: Make the body that a webhook takes
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
description:
  - Makes a message of facts about a run, in the form that a webhook reads. Addresses lose their passwords, long texts
    are cut.
positional: form
options:
  _input:
    description:
      - The facts, C(event) (C(start), C(success), C(failure), C(budget_passed) or C(test)), C(environment), C(project),
        C(host), C(run), C(target), C(service), C(cause), C(elapsed), C(escalation), C(return_command) and C(log).
    type: dict
    required: true
  form:
    description: Which form.
    type: str
    choices: [generic, slack, teams]
    default: generic
"""

EXAMPLES = r"""
- name: Show what Slack would be told
  ansible.builtin.debug:
    msg: "{{ {'event': 'start', 'project': 'gateway'} | kong_masking.recovery.webhook_body('slack') }}"
"""

RETURN = r"""
_value:
  description: The body.
  type: dict
  sample: {text: "*Rollback begins: gateway (production) on gw1*"}
"""


def webhook_body(facts: dict[str, Any], form: str = "generic") -> dict[str, Any]:
    """Return the body of a webhook."""
    try:
        return body(facts, form)
    except (ValueError, AttributeError) as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name → filter."""
        return {"webhook_body": webhook_body}

"""Commands in messages: short where they are written, whole where they are read."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.commands import complete, complete_tree, whole

HERE = whole("production")
INSTALLED = "ansible-playbook -i /etc/stacks kong_masking.recovery.{} -e env=production --limit gw2"


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        (
            "List them: ansible-playbook playbooks/list_backups.yml",
            HERE,
            "List them: ansible-playbook playbooks/list_backups.yml -e env=production",
        ),
        (
            "ansible-playbook playbooks/rollback.yml -e env=production -e deployment=latest",
            INSTALLED,
            f"{INSTALLED.format('rollback')} -e deployment=latest",
        ),
        (
            "Look: ansible-playbook playbooks/status.yml. Or ansible-playbook playbooks/verify.yml -e env=production.",
            HERE,
            f"Look: {HERE.format('status')}. Or {HERE.format('verify')}.",
        ),
        ("It was taken by playbooks/backup.yml.", INSTALLED, "It was taken by playbooks/backup.yml."),
        (
            "ansible-playbook -i /etc/stacks kong_masking.recovery.status -e env=production --limit gw2",
            INSTALLED,
            "ansible-playbook -i /etc/stacks kong_masking.recovery.status -e env=production --limit gw2",
        ),
    ],
    ids=[
        "without-environment",
        "installed-on-one-of-several-hosts",
        "two-in-a-sentence",
        "no-command",
        "whole-already",
    ],
)
def test_a_command_is_completed_once(text, form, said):
    assert complete(text, form) == said


def test_everything_that_a_result_holds_is_completed():
    found = complete_tree({"n": 1, "lines": ["ansible-playbook playbooks/verify.yml"], "none": None}, INSTALLED)
    assert found == {"n": 1, "lines": [INSTALLED.replace("{}", "verify")], "none": None}

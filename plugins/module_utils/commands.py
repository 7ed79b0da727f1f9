# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that people are told, as they must type them for this stack. Pure.

Messages name a command in its short form, ``ansible-playbook playbooks/NAME.yml``. How the collection was started, and
which environment and host it is about, are known at one place only and are added there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME = "{}"
_SHORT = re.compile(r"ansible-playbook playbooks/(?P<name>\w+)\.yml(?: -e env=[\w-]+)?")


def whole(environment: str) -> str:
    """Return the form of every command, NAME standing for the playbook, where nobody said how it was started."""
    return f"ansible-playbook playbooks/{NAME}.yml -e env={environment}"


def complete(text: str, form: str) -> str:
    """Return text with every command in its short form completed."""
    return _SHORT.sub(lambda found: form.replace(NAME, found.group("name")), text)


def complete_tree(value: Any, form: str) -> Any:
    """Complete the commands in every string of a JSON-like value."""
    if isinstance(value, str):
        return complete(value, form)
    if isinstance(value, Mapping):
        return {key: complete_tree(item, form) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [complete_tree(item, form) for item in value]
    return value

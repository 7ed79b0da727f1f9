"""What a file's change is to a person: setting by setting, and no secret on either side."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.file_changes import changed_settings
from ansible_collections.kong_masking.recovery.plugins.module_utils.redact import MASK

OLD, NEW = "canary-old-s3cret", "canary-new-s3cret"
UNSET = "(unset)"


def rows(*found):
    return [dict(zip(("name", "old", "new"), row, strict=True)) for row in found]


CASES = {
    "changed-and-untouched": (".env", "A=1\nB=2\n", "A=1\nB=3\n", [("B", "2", "3")]),
    "in-order-of-name": ("x.env", "B=1\nA=1\n", "B=2\nA=2\n", [("A", "1", "2"), ("B", "1", "2")]),
    "added": ("x.env", "", "A=1\n", [("A", UNSET, "1")]),
    "removed": ("x.env", "A=1\n", "", [("A", "1", UNSET)]),
    "emptied": ("x.env", "A=1\n", "A=\n", [("A", "1", "")]),
    "quotes-change-nothing-but-bytes": ("x.env", "A=1\n", "A='1'\n", [("(content)", "4 bytes", "6 bytes")]),
    "comment": ("x.env", "# a\n", "# ab\n", [("(content)", "4 bytes", "5 bytes")]),
    "secret": ("x.env", f"API_KEY={OLD}\n", f"API_KEY={NEW}\n", [("API_KEY", MASK, MASK)]),
    "secret-in-another-variable": (
        "x.env",
        f"API_KEY={OLD}\nARGS=-a {OLD}\n",
        f"API_KEY={NEW}\nARGS=-a {NEW}\n",
        [("API_KEY", MASK, MASK), ("ARGS", f"-a {MASK}", f"-a {MASK}")],
    ),
    "old-secret-that-goes-on-elsewhere": (
        "x.env",
        f"API_KEY={OLD}\n",
        f"API_KEY={NEW}\nNOTE=was {OLD}\n",
        [("API_KEY", MASK, MASK), ("NOTE", UNSET, f"was {MASK}")],
    ),
    "named-items-of-yaml": (
        "kong/kong.yml",
        "plugins: [{name: other}, {name: aws-masker, config: {ttl: 1}}]",
        "plugins: [{name: aws-masker, config: {ttl: 2}}, {name: other}]",
        [("plugins.aws-masker.config.ttl", "1", "2")],
    ),
    "secret-of-yaml": (
        "kong.yaml",
        f"config: {{anthropic_api_key: {OLD}, headers: ['x-api-key:{OLD}']}}",
        f"config: {{anthropic_api_key: {NEW}, headers: ['x-api-key:{NEW}']}}",
        [("config.anthropic_api_key", MASK, MASK), ("config.headers.0", f"x-api-key:{MASK}", f"x-api-key:{MASK}")],
    ),
    "secret-of-a-command": (
        "docker-compose.yml",
        f"command: redis-server --requirepass {OLD} --save ''",
        f"command: redis-server --requirepass {NEW}",
        [("command", f"redis-server --requirepass {MASK} --save ''", f"redis-server --requirepass {MASK}")],
    ),
    "comment-of-yaml": ("a.yml", "a: 1", "a: 1 #", [("(content)", "4 bytes", "6 bytes")]),
    "broken-yaml-shows-nothing": (
        "a.yml",
        f"key: [{OLD}",
        f"key: {NEW}",
        [("(content)", "no valid YAML on one side", "see the file")],
    ),
    "anything-else-shows-nothing": ("a.conf", OLD, f"{NEW}-", [("(content)", "17 bytes", "18 bytes")]),
    "no-environment-file-by-its-name": ("x.env.bak", f"A={OLD}", f"A={NEW}-", [("(content)", "19 bytes", "20 bytes")]),
}


@pytest.mark.parametrize(("path", "old", "new", "found"), CASES.values(), ids=CASES)
def test_changed_settings(path, old, new, found):
    told = changed_settings(path, old.encode(), new.encode())
    assert told == rows(*found)
    assert "canary" not in str(told)


@pytest.mark.parametrize("path", [".env", "a.yml", "a.conf"])
@pytest.mark.parametrize("content", [b"", b"A=1", b"\xff", b"a: ["])
def test_the_same_bytes_are_no_change(path, content):
    assert changed_settings(path, content, content) == []

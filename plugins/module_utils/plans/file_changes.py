# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes in a file, setting by setting, with secrets redacted on both sides. Pure."""

from __future__ import annotations

from ..configuration import compose_file
from ..engine import env_file
from ..libraries import yaml
from ..redact import changes, flatten, scrub_tree, secret_values

CONTENT = "(content)"


def changed_settings(path: str, old: bytes, new: bytes) -> list[dict[str, str]]:
    """Return the settings that differ: variables of an environment file, paths in YAML, else only that they do."""
    if old == new:
        return []
    rows: list[dict[str, str]] = []
    if path.endswith(".env") or path.rsplit("/", 1)[-1] == ".env":
        before, after = env_file.parse(old), env_file.parse(new)
        hidden = secret_values(before) + secret_values(after)
        rows = scrub_tree(changes(before, after), hidden)
    elif path.endswith((".yml", ".yaml")):
        try:
            rows = changes(flatten(compose_file.parse(old)), flatten(compose_file.parse(new)))
        except yaml.YAMLError:
            rows = [{"name": CONTENT, "old": "no valid YAML on one side", "new": "see the file"}]
    return rows or [{"name": CONTENT, "old": f"{len(old)} bytes", "new": f"{len(new)} bytes"}]

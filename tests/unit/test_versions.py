"""Nothing says that it came with a version after the collection's own."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_nothing_was_added_in_a_version_to_come() -> None:
    collection = re.findall(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)[0]
    files = [
        path
        for name in ("plugins", "roles", "tests")
        for kind in ("py", "yml")
        for path in (ROOT / name).rglob(f"*.{kind}")
    ]
    said = [
        (str(path.relative_to(ROOT)), version)
        for path in files
        for version in re.findall(r"^ *version_added: [\"']?([0-9.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(said) >= 14, "one for each module"
    assert [(path, version) for path, version in said if parts(version) > parts(collection)] == []

"""Write the table of variables of every role's README.md from its defaults and argument specification.

With --check nothing is written; the exit status is 1 where a table is not what it should be.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"
BEGIN, END = "<!-- variables: written by tools/role_readmes.py -->", "<!-- end of variables -->"
MARKUP = re.compile(r"\b[CVOB]\(([^)]*)\)")


def plain(text: Any) -> str:
    """Ansible's markup as Markdown, in one cell."""
    joined = " ".join(text) if isinstance(text, list) else str(text)
    return MARKUP.sub(r"`\1`", " ".join(joined.split())).replace("|", "\\|")


def shown(value: Any) -> str:
    """A default as somebody would write it in YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("...").strip()
    if isinstance(value, str) and "{{" in value:
        text = value
    return "`" + text.replace("|", "\\|") + "`"


def table(role: Path) -> str:
    """The role's variables, a row each."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8")) or {}
    rows = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, about in specs["argument_specs"]["main"]["options"].items():
        kind = about["type"] + (f" of {about['elements']}" if "elements" in about else "")
        choices = ", ".join(f"`{choice}`" if choice else "empty" for choice in about.get("choices", []))
        default = shown(defaults[name]) if name in defaults else "required" if about.get("required") else "none"
        meaning = plain(about["description"]) + (f" One of {choices}." if choices else "")
        rows.append(f"| `{name}` | {kind} | {default} | {meaning} |")
    return "\n".join(rows)


def renewed(role: Path) -> tuple[str, str]:
    """The README as it is and as it should be."""
    text = (role / "README.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return text, f"{before}{BEGIN}\n{table(role)}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check every role's table."""
    stale = []
    for role in sorted(path.parent for path in ROLES.glob("*/meta")):
        text, wanted = renewed(role)
        if text == wanted:
            continue
        stale.append(role.name)
        if "--check" not in arguments:
            (role / "README.md").write_text(wanted, encoding="utf-8")
    print(f"{'stale' if '--check' in arguments else 'renewed'}: {', '.join(stale) or 'none'}")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

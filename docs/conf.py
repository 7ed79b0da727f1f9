"""Sphinx' settings. tools/docs builds, in .cache/docs/tree: a copy of this folder beside links to all others."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
CHECKOUT = Path(os.environ.get("CHECKOUT", HERE.parent))

project = "kong_masking.recovery"
copyright = "kong_masking.recovery contributors, GPL-3.0-or-later"  # noqa: A001
version = release = str(yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["version"])

extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {release}"
html_static_path: list[str] = []
# Everything is on the page: nothing is fetched from elsewhere, at build time or later.
html_show_sphinx = False
nitpicky = False
# Sample output in fenced blocks is no Python.
highlight_language = "none"


def links_out_of_the_site(text: str) -> str:
    """Lead links to a role's README to its page; those to folders and other documents become plain text.

    What is left, links to files, become downloads.
    """

    def plain(found: re.Match[str]) -> str:
        label, target = found.groups()
        role = re.fullmatch(r"\.\./roles/(\w+)/README\.md", target)
        if role:
            return f"[{label}](reference/{role[1]}_role.rst)"
        return label if (HERE / target).is_dir() or target.endswith(".md") else found.group(0)

    return re.sub(r"(?<!!)\[([^]]+)\]\((\.\./[^)#]+)\)", plain, text)


def further_pages(text: str) -> str:
    """Put every page that the index does not name where the index asks for the others."""
    named = set(re.findall(r"^(?:.*<)?([\w/-]+)>?$", text, re.MULTILINE))
    others = sorted(path.stem for path in HERE.glob("*.md") if path.stem not in named | {"index"})
    return text.replace("@further@", "\n".join(others))


def source_read(_app: object, name: str, source: list[str]) -> None:
    """Adapt a page before it is parsed."""
    source[0] = links_out_of_the_site(source[0])
    if name == "index":
        source[0] = further_pages(source[0])


def setup(app: object) -> None:
    """Hook in."""
    app.connect("source-read", source_read)  # type: ignore[attr-defined]

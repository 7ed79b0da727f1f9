# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pages' frame: one file, no network, no script; whatever comes from a journal is escaped here. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

# What no page may hold: control characters, and marks that turn the direction of writing.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
STYLE = """
:root { color-scheme: light; --ink: #1f2933; --muted: #56616b; --line: #d7dee5; --good: #2b6cb0; --bad: #b83227;
  --open: #8a5606; --soft: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 28px 24px 48px; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 17px; margin: 34px 0 10px; padding-bottom: 4px; border-bottom: 1px solid var(--line); }
h3 { font-size: 14px; margin: 18px 0 8px; color: var(--muted); font-weight: 600; }
p { margin: 0 0 8px; }
.sub { color: var(--muted); }
.banner { border-left: 6px solid var(--good); background: var(--soft); padding: 14px 18px; margin: 0 0 18px; }
.banner.wrong { border-color: var(--bad); } .banner.unsure { border-color: var(--open); }
.banner.wrong h1 { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 12px; margin: 0; }
.tiles div { border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; min-width: 0; }
.tiles dt { color: var(--muted); font-size: 13px; } .tiles dd { margin: 2px 0 0; font-size: 20px; font-weight: 600;
  overflow-wrap: anywhere; line-height: 1.25; } .tiles small { display: block; font-size: 12.5px; font-weight: 400;
  color: var(--muted); line-height: 1.35; margin-top: 3px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 28px; }
.pair > * { min-width: 0; } .pair h3 { margin-top: 0; }
.trio { grid-template-columns: repeat(auto-fit, minmax(min(100%, 280px), 1fr)); }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.wide { overflow-x: auto; } .wide + .wide { margin-top: 18px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: 13px; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, .k { white-space: nowrap; overflow-wrap: normal; }
code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--soft); padding: 10px 14px; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
ul.boxes { list-style: none; margin: 0; padding: 0; }
ul.boxes li { padding-left: 26px; position: relative; margin: 0 0 7px; }
ul.boxes li::before { position: absolute; left: 0; content: "\\2610"; font-size: 17px; line-height: 1.2; }
ul.boxes li.done::before { content: "\\2611"; color: var(--good); }
ul.boxes li.open::before { content: "\\2612"; color: var(--bad); }
td > .good, td > .bad, td > .none { white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .none { color: var(--open); }
small.why { color: var(--muted); display: block; font-size: 13px; line-height: 1.35; }
footer { margin-top: 40px; color: var(--muted); font-size: 13px; }
@media (max-width: 560px) { body { padding: 18px 14px 32px; } h1 { font-size: 21px; } .tiles dd { font-size: 17px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; } th, td { padding-right: 8px; } }
@media print { body { max-width: none; padding: 0; font-size: 11px; } table { font-size: 10.5px; }
  .pair, .trio { grid-template-columns: 1fr 1fr; gap: 14px; } th, td { padding: 2px 8px 2px 0; }
  h2 { break-after: avoid; margin-top: 18px; }
  tr, .tiles div, svg, li { break-inside: avoid; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def text(value: Any) -> str:
    """Return anything as text that a page can hold."""
    return escape(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value)))


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<link rel="icon" href="data:,">',
            f"<title>{text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *(part for part in body if part),
            "</body>",
            "</html>",
            "",
        )
    )


def footer(document: Mapping[str, Any], source: str) -> str:
    """Return the closing line of a page: when it was made, from what."""
    return (
        f"<footer>Report of {text(document['generated'])} from {text(source)}. Nothing here is filled in: "
        f"what no journal shows is called not measured.</footer>"
    )


def section(title: str, *parts: str) -> str:
    """Return a heading and what is below it; nothing without content."""
    content = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{text(title)}</h2>\n{content}\n</section>" if content else ""


def tiles(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return figures side by side: name, value, and a word about it; all three are HTML already."""
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value}{f'<small>{about}</small>' if about else ''}</dd></div>"
        for name, value, about in rows
    )
    return f'<dl class="tiles">{cells}</dl>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return a table, its cells being HTML already; numbers: the columns that stand at the right. Empty for no rows."""
    lines = list(rows)
    if not lines:
        return ""

    def cell(tag: str, column: int, content: str) -> str:
        kind = ' class="n"' if column in numbers else ""
        return f"<{tag}{kind}>{content}</{tag}>"

    head = "".join(cell("th", column, text(name)) for column, name in enumerate(heads))
    body = "\n".join(
        f"<tr>{''.join(cell('td', column, content) for column, content in enumerate(row))}</tr>" for row in lines
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def pair(*parts: tuple[str, str]) -> str:
    """Return titled parts side by side where there is room."""
    kind = "pair" if len(parts) < 3 else "pair trio"
    return f'<div class="{kind}">{"".join(f"<div><h3>{text(title)}</h3>{part}</div>" for title, part in parts)}</div>'


def whole(value: Any) -> str:
    """Return a text that no line break may part: a date, an id."""
    return f'<span class="k">{text(value)}</span>'


def word(value: str, kind: str) -> str:
    """Return a word that carries a state: kind is good, bad or none."""
    return f'<span class="{kind}">{text(value)}</span>'

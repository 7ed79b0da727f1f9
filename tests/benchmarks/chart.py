"""Draw docs/bench.json as an SVG: per class and way the whole time, and in it how long clients had no answer."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "bench", "font.size": 9, "font.family": "DejaVu Sans"})

import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {"naive": "#98a2ad", "Ansible alone": "#b8a9d0", "bare": "#56616b", "rollback": "#2b6cb0", "force": "#a8680b"}


def bars(result: dict[str, Any]) -> list[tuple[str, str, list[dict[str, float]]]]:
    """Return (class, way, readings) in the order in which they are drawn; what is the same for all classes first."""
    return [
        ("whatever differs" if name == "any" else name, way, items)
        for name, ways in result["classes"].items()
        for way, items in ways.items()
    ]


def main(source: Path, target: Path) -> None:
    """Draw one file from the other."""
    result = json.loads(source.read_text(encoding="utf-8"))
    rows = bars(result)
    figure, axes = plt.subplots(figsize=(9, 0.34 * len(rows) + 1.2))
    for number, (_name, way, items) in enumerate(rows):
        totals, gaps = [item["total"] for item in items], [item["gap"] for item in items]
        middle = statistics.median(totals)
        axes.barh(number, middle, color=COLOURS[way], alpha=0.45, height=0.7)
        axes.barh(number, statistics.median(gaps), color=COLOURS[way], height=0.7)
        axes.plot([min(totals), max(totals)], [number, number], color="#1f2933", linewidth=1)
        away = f", away {statistics.median(gaps):.1f} s" if any(item["sent"] for item in items) else ""
        axes.text(max(totals) + 0.6, number, f"{middle:.1f} s{away}", va="center")
    axes.set_yticks(range(len(rows)), [f"{name}: {way}" for name, way, _items in rows])
    axes.invert_yaxis()
    axes.set_xlim(right=max(item["total"] for _n, _w, items in rows for item in items) * 1.25)
    axes.set_xlabel("seconds: pale the whole time, full the longest gap for clients, line from least to greatest")
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"make bench, {result['measured']}, {result['machine']}", fontsize=9)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

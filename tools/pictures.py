"""Draw the terminal sessions of the documentation: the playbooks' real output on the reference stack, as SVG files.

Each picture is a terminal of 80 columns with the checkout's own screen. Looking at one fetches nothing.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
sys.path.insert(0, str(ROOT / "tests" / "stack"))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from lab import Lab  # noqa: E402
from releases import break_everything  # noqa: E402

SCREEN = {"ANSIBLE_STDOUT_CALLBACK": "kong_masking.recovery.recovery_screen"}
COLORS = (
    (re.compile(r"SERVICE: BACK.*"), "bold green"),
    (re.compile(r"SERVICE: NOT BACK.*|REFUSED:.*|FAILED.*"), "bold red"),
    (re.compile(r"^ *(DATA|TARGET|NEXT OLDER|TO TAKE IT BACK|LOG|WARNING|SNAPSHOT): ?", re.MULTILINE), "bold cyan"),
    (re.compile(r"^\$ .*", re.MULTILINE), "bold white"),
    (re.compile(r"^TASK .*", re.MULTILINE), "blue"),
)


def draw(name: str, command: str, output: str) -> None:
    """Write one picture."""
    console = Console(record=True, width=82, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    text = Text(f"$ {command}\n{output.rstrip()}")
    for pattern, style in COLORS:
        text.highlight_regex(pattern, style)
    console.print(text)
    drawn = console.export_svg(title=name, theme=MONOKAI, unique_id=name)
    # The fonts that the drawing would fetch; a terminal's own font serves.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"font-family: ?Fira Code, ?monospace", "font-family: monospace", drawn)
    (PICTURES / f"{name}.svg").write_text(drawn, encoding="utf-8")


def main() -> int:
    """Deploy, back up, break, plan, roll back, and draw the last two."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), "kong-masking-pictures", environment="production")
        try:
            lab.deploy()
            lab.golden()
            break_everything(lab)
            plan = lab.play("rollback", "--check", "--diff", environ=SCREEN)
            done = lab.play("rollback", environ=SCREEN)
        finally:
            lab.down()
    for run in (plan, done):
        print(run.output)
    command = "ansible-playbook playbooks/rollback.yml -e env=production"
    draw("plan", f"{command} --check --diff", plan.stdout)
    draw("rollback", command, done.stdout)
    return plan.rc or done.rc


if __name__ == "__main__":
    sys.exit(main())

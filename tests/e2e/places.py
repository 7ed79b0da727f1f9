"""Where users run the collection from: a clone of their own, the installed archive, a job runner's directory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import ANSIBLE_PLAYBOOK, Lab, Run, user_environment
from reference_stack import ROOT

BIN = Path(sys.executable).parent
NOT_TRACKED = shutil.ignore_patterns(".git", ".venv", ".cache", ".demo", ".nox", "__pycache__", ".hypothesis")


def execute(command: list[str], cwd: Path, environ: Mapping[str, str] | None = None) -> Run:
    """Run one command as a user's shell in that folder would."""
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**user_environment(), **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def clone(place: Path) -> Path:
    """A bare clone of the project as it is on disk now: what git would carry, nothing that it ignores."""
    if not (ROOT / ".git").exists():
        shutil.copytree(ROOT, place, symlinks=True, ignore=NOT_TRACKED)
        return place
    git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(place))
    for name in filter(None, git(place, "ls-files", "-z").split("\0")):
        (place / name).unlink()
    for name in filter(None, git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")):
        source, target = ROOT / name, place / name
        if source.is_symlink() or source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return place


def git(where: Path, *args: str) -> str:
    """Run git there."""
    done = subprocess.run(
        ["git", "-C", str(where), *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def configure(project: Path, lab: Lab) -> None:
    """Edit the inventory of the clone, as the README tells its user to do."""
    folder = project / "inventories" / lab.environment
    hosts, settings = lab.inventory_text().split("  vars:\n")
    (folder / "hosts.yml").write_text(hosts, encoding="utf-8")
    settings_file = folder / "group_vars" / lab.environment / "main.yml"
    changed = [line.strip() for line in settings.splitlines() if line.strip()]
    names = tuple(f"{line.split(':')[0]}:" for line in changed)
    kept = [line for line in settings_file.read_text(encoding="utf-8").splitlines() if not line.startswith(names)]
    settings_file.write_text("\n".join([*kept, *changed, ""]), encoding="utf-8")


def playbook(name: str, lab: Lab, cwd: Path, *args: str, environ: Mapping[str, str] | None = None) -> Run:
    """Run ansible-playbook in a folder; its inventory is the folder's own, unless an argument names one."""
    return execute([str(ANSIBLE_PLAYBOOK), name, "-e", f"env={lab.environment}", *args], cwd, environ)


def install(project: Path, place: Path) -> Path:
    """Build the archive, install it into an empty path, and answer that path."""
    galaxy = str(BIN / "ansible-galaxy")
    built = execute([galaxy, "collection", "build", "--output-path", str(place / "dist")], project)
    assert built.rc == 0, built.output
    (archive,) = (place / "dist").glob("*.tar.gz")
    collections = place / "collections"
    command = [galaxy, "collection", "install", str(archive), "--offline", "-p", str(collections)]
    done = execute(command, place, {"ANSIBLE_COLLECTIONS_PATH": str(collections)})
    assert done.rc == 0, done.output
    return collections


def runner(lab: Lab, project: Path, place: Path, name: str, answers: Mapping[str, Any]) -> Run:
    """Run a playbook as a job template does: project, inventory and the survey's answers in a runner's directory."""
    shutil.copytree(project, place / "project", symlinks=True)
    (place / "inventory").mkdir()
    shutil.copy2(lab.inventory, place / "inventory" / "hosts.yml")
    (place / "env").mkdir()
    (place / "env" / "extravars").write_text(json.dumps(answers), encoding="utf-8")
    path = {"PATH": f"{BIN}:{user_environment()['PATH']}"}
    return execute([str(BIN / "ansible-runner"), "run", str(place), "-p", name], place, path)

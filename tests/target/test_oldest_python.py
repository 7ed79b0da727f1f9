"""Every module on the oldest Python that a target may have, with the libraries' versions that support it.

Ansible itself carries each module over and runs it with that interpreter: a module that cannot be
imported there does not get as far as complaining about a missing argument.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ["TARGET_PYTHON"]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
UTILITIES = sorted(path.stem for path in (ROOT / "plugins" / "module_utils").rglob("[a-z]*.py"))
OLDEST = "3.9"
LIBRARIES = ("docker", "redis", "requests", "yaml")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each module answered to a task without arguments."""
    folder = tmp_path_factory.mktemp("target")
    tasks = [{"name": name, f"kong_masking.recovery.{name}": {}, "ignore_errors": True} for name in MODULES]
    play = {"hosts": "target", "gather_facts": False, "tasks": tasks}
    host = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"target": host}}}), encoding="utf-8")
    environ = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(folder / "hosts.yml")]
    done = subprocess.run(
        [*command, str(folder / "play.yml")],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, dict[str, Any]] = {}
    for block in done.stdout.split("target | ")[1:]:
        text = block[block.index("{") : block.rindex("}") + 1]
        found[MODULES[len(found)]] = json.loads(text)
    assert list(found) == MODULES, f"{done.stdout}\n{done.stderr}"
    return found


def test_this_is_the_oldest_python_that_is_promised() -> None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    found = subprocess.run([PYTHON, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    if found != OLDEST:
        pytest.skip(f"no Python {OLDEST} on this machine: the oldest one here is {found}")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_gets_as_far_as_its_arguments(results: dict[str, dict[str, Any]], name: str) -> None:
    assert results[name]["msg"].startswith("missing required arguments:"), results[name]


@pytest.mark.parametrize("name", UTILITIES)
def test_a_utility_is_compiled(name: str) -> None:
    (path,) = (ROOT / "plugins" / "module_utils").rglob(f"{name}.py")
    code = "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read())"
    done = subprocess.run([PYTHON, "-I", "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_supports_it(name: str) -> None:
    done = subprocess.run([PYTHON, "-I", "-c", f"import {name}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

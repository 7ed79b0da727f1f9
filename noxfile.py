"""The matrix: each supported pair of ansible-core and Python runs units, sanity and one end-to-end rollback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
REQUIREMENTS = ROOT / "tests" / "requirements"
PAIRS = (("2.19", "3.11"), ("2.21", "3.12"), ("2.21", "3.13"))

nox.options.envdir = ".cache/nox"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False


def interpreter(version):
    """Answer the path of a Python that runs, or its plain name where there is none: nox then skips the session."""
    found = subprocess.run([ROOT / "tools" / "python", version], capture_output=True, text=True, check=False)
    return found.stdout.strip() or f"python{version}"


def install(session, *packages):
    """Install from the pinned versions; an environment whose requirements are unchanged is used as it is."""
    constraints = REQUIREMENTS / "constraints.txt"
    sources = [constraints, REQUIREMENTS / "test.txt", ROOT / "requirements.txt"]
    key = "\n".join([*packages, *(path.read_text(encoding="utf-8") for path in sources)])
    stamp = Path(session.virtualenv.location) / "requirements"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
        return
    session.install("--quiet", "-c", str(constraints), *packages)
    stamp.write_text(key, encoding="utf-8")


def environment(session):
    """Answer the variables that the tests run with."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_TEST": str(Path(session.bin) / "ansible-test"),
    }


def units(session):
    """Run the unit tests."""
    session.run("pytest", "-q", "tests/unit", env=environment(session))


def sanity(session):
    """Run ansible-test sanity."""
    session.run("tools/sanity", env=environment(session), external=True)


def smoke(session):
    """Run the one end-to-end rollback."""
    session.run("tests/stack/images/build", external=True)
    session.run("pytest", "-q", "tests/e2e", "-m", "smoke", env=environment(session))


STEPS = {"units": units, "sanity": sanity, "smoke": smoke}


def pair(session):
    """Run units, sanity and smoke, or those that are named after --, and fail at the end if one of them failed."""
    install(session, "ansible-core", "-r", str(ROOT / "requirements.txt"), "-r", str(REQUIREMENTS / "test.txt"))
    session.run("ansible", "--version", silent=True)
    failed = []
    for name in session.posargs or STEPS:
        try:
            STEPS[name](session)
        except nox.command.CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


for core, python in PAIRS:
    nox.session(pair, python=interpreter(python), name=f"ansible-{core}-py{python}")


@nox.session(python=interpreter("3.13"), default=False)
def importer(session):
    """Check the built collection as Galaxy does."""
    install(session, "galaxy-importer", "ansible-core")
    built = Path(session.create_tmp())
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(built), str(ROOT))
    archive = max(built.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    session.run("python", "-m", "galaxy_importer.main", str(archive))

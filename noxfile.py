"""The matrix: each supported pair of ansible-core and Python runs units, sanity and one end-to-end rollback."""

from __future__ import annotations

import subprocess
import tempfile
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


def newest():
    """Answer the newest supported Python of a controller that is at hand."""
    return first_of("3.13", "3.12", "3.11")


def oldest():
    """Answer the oldest supported Python of a target that is at hand; 3.9 where there is one."""
    return first_of("3.9", "3.10", "3.11", "3.12", "3.13")


def first_of(*versions):
    """Answer the path of the first that runs."""
    found = subprocess.run([ROOT / "tools" / "python", *versions], capture_output=True, text=True, check=False)
    return found.stdout.strip() or f"python{versions[-1]}"


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
        # The whole pair: one Python on both sides.
        "TARGET_PYTHON": str(Path(session.bin) / "python"),
        "ANSIBLE_TEST": str(Path(session.bin) / "ansible-test"),
    }


def units(session):
    """Run the unit tests."""
    session.run("pytest", "-q", "-n", "2", "tests/unit", env=environment(session))


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


@nox.session(python=newest(), default=False)
def importer(session):
    """Check the built collection as Galaxy does; a warning is an error."""
    install(session, "galaxy-importer", "ansible-core")
    built = Path(session.create_tmp()).resolve()
    for old in built.glob("*.tar.gz"):
        old.unlink()
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(built), str(ROOT))
    (archive,) = built.glob("*.tar.gz")
    # Outside the checkout, whose settings of tools are not the archive's.
    with tempfile.TemporaryDirectory() as elsewhere, session.chdir(elsewhere):
        said = session.run("python", "-m", "galaxy_importer.main", str(archive), silent=True)
    found = [line for line in str(said).splitlines() if line.startswith(("WARNING", "ERROR"))]
    session.log("\n".join([*found, str(said).splitlines()[-1]]))
    if found:
        session.error(f"{len(found)} warnings and errors")


@nox.session(python=newest(), default=False)
def eda(session):
    """Run the rulebook with ansible-rulebook and post events to it."""
    install(session, "ansible-rulebook", "ansible-core", "pytest", "-r", str(ROOT / "requirements.txt"))
    # Not by the session, which runs nothing where it is only to be installed.
    java = subprocess.run([ROOT / "tools" / "java"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    session.run("pytest", "-q", "tests/eda", *session.posargs, env={**environment(session), "JAVA_HOME": java})


@nox.session(python=oldest(), default=False)
def target(session):
    """Import every module and run it up to its arguments on the oldest Python of a target that is at hand."""
    install(session, "-r", str(ROOT / "requirements.txt"))
    session.run("python", "--version")
    found = {"TARGET_PYTHON": str(Path(session.bin) / "python")}
    session.run(".venv/bin/pytest", "-q", "tests/target", *session.posargs, env=found, external=True)


@nox.session(python=newest(), default=False)
def chart(session):
    """Draw the last benchmark."""
    install(session, "matplotlib")
    session.run("python", "tests/benchmarks/chart.py", "docs/bench.json", "docs/pictures/bench.svg")


@nox.session(python=newest(), default=False)
def connections(session):
    """Measure SSH, pipelining and mitogen, which lives in an environment of its own."""
    install(session, "mitogen")
    (packages,) = Path(session.virtualenv.location).glob("lib/python3*/site-packages")
    command = [".venv/bin/python", "tests/benchmarks/connections.py", *session.posargs]
    session.run(*command, env={"MITOGEN": str(packages)}, external=True)

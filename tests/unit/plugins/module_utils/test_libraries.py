"""What is missing is named with its interpreter; only a forced rollback does without, and only without some."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import docker
import pytest
import redis
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.kong_masking.recovery.plugins.module_utils import libraries
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.guards import split_waived

IMPORTED_AS = {"docker": "docker", "redis": "redis", "requests": "requests", "PyYAML": "yaml"}


@pytest.fixture
def without(monkeypatch):
    """Answer libraries.py as it is where the named distributions are missing."""

    def load(*missing):
        for name in missing:
            monkeypatch.setitem(sys.modules, IMPORTED_AS[name], None)
        spec = importlib.util.spec_from_file_location(f"{libraries.__name__}_elsewhere", libraries.__file__)
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    return load


def test_what_is_there_is_used(without):
    found = without()
    found.need("docker", "redis", "requests", "PyYAML")
    assert found.MISSING == {}
    assert found.docker.APIClient is docker.APIClient
    assert found.redis.Redis is redis.Redis
    found.do_without()
    assert found.waived_guards() == []


@pytest.mark.parametrize("name", ["docker", "redis", "requests"])
def test_something_stands_in_for_what_is_missing(name, without):
    found = without(name)
    assert getattr(found, name).__name__.endswith(f"plain_{name}")
    others = {"docker", "redis", "requests"} - {name}
    assert all(getattr(found, other).__name__ == other for other in others)
    assert set(found.MISSING) == {name}


@pytest.mark.parametrize("module", ["recovery_journal", "backup_discover", "recovery_report"])
def test_a_module_that_asks_nobody_imports_none_of_them(module):
    """Each of a run's modules is a process of its own; what it imports, the whole run waits for."""
    package = libraries.__name__.partition(".module_utils")[0]
    code = f"import sys, {package}.modules.{module}\nprint(sorted({set(IMPORTED_AS.values())} & set(sys.modules)))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_it_is_refused_all_the_same(without):
    found = without("docker", "redis", "requests")
    with pytest.raises(RecoveryError) as caught:
        found.need("docker", "PyYAML")
    assert caught.value.msg == f"{missing_required_lib('docker')}."
    assert "library (docker)" in caught.value.msg
    assert f"Python {sys.executable}." in caught.value.msg
    assert f"{sys.executable} -m pip install docker" in caught.value.hint
    assert "playbooks/force_rollback.yml goes on without (guard libraries_missing)" in caught.value.hint
    assert caught.value.details == {
        "libraries": ["docker"],
        "interpreter": sys.executable,
        "guard": "libraries_missing",
        "waivable": True,
    }


def test_a_forced_run_does_without_and_its_plan_says_so(without):
    found = without("docker", "redis", "requests")
    found.do_without()
    found.need("docker", "redis", "requests", "PyYAML")
    refused, waived = split_waived(found.waived_guards(), force=True)
    assert refused == []
    assert [item["name"] for item in waived] == ["libraries_missing"]
    assert waived[0]["reason"] == f"This run does without docker, redis, requests, missing for {sys.executable}."
    assert split_waived(found.waived_guards(), force=False)[1] == []


def test_nobody_does_without_yaml(without):
    found = without("PyYAML", "redis")
    found.do_without()
    with pytest.raises(RecoveryError) as caught:
        found.need("redis", "PyYAML")
    assert caught.value.details["libraries"] == ["PyYAML"]
    assert "force_rollback" not in caught.value.hint


@pytest.mark.parametrize("missing", [["docker"], ["docker", "requests"], ["docker", "redis", "requests"]])
def test_an_engine_that_went_away_is_known_whoever_asks(missing, tmp_path):
    """The stand-in for the SDK raises of that family of requests which engine_loss.py asks for."""
    package = libraries.__name__.rpartition(".")[0]
    code = f"""
import sys
for name in {missing!r}:
    sys.modules[name] = None
from {package} import libraries
from {package}.engine import engine_loss
libraries.do_without()
client = libraries.docker.APIClient(base_url="unix://{tmp_path}/none", version="1.41")
try:
    client.networks()
except Exception as exc:
    print(sorted(libraries.WAIVED), engine_loss.engine_lost(exc))
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == f"{missing} True\n", done.stderr

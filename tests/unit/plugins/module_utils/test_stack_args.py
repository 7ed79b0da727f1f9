"""The stack's arguments: what lies inside its directory and what does not."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs
from ansible_collections.kong_masking.recovery.tests.unit import samples


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "/opt/gateway/backups"), ("", "/opt/gateway/backups"), ("/srv/b/", "/srv/b"), ("/srv/../b", "/b")],
)
def test_backup_dir(given, expected):
    assert samples.stack(backup_dir=given).backup_dir == expected


def test_lists_become_tuples_and_the_core_is_in_starting_order():
    found = samples.stack(compose_files=["a.yml", "b.yml"])
    assert found.compose_files == ("a.yml", "b.yml")
    assert found.core == ("redis", "kong", "nginx")


@pytest.mark.parametrize(
    ("settings", "core"),
    [
        ({"redis_service": "cache", "proxy_service": "front"}, ("cache", "kong", "front")),
        ({"redis_host": "cache.example"}, ("kong", "nginx")),
        ({"proxy_service": ""}, ("redis", "kong")),
        ({"redis_host": "cache.example", "proxy_service": ""}, ("kong",)),
    ],
    ids=["other-names", "redis-elsewhere", "no-proxy", "kong-alone"],
)
def test_the_core_is_what_the_stack_has(settings, core):
    assert samples.stack(**settings).core == core


@pytest.mark.parametrize(
    ("relative", "absolute"),
    [("a/b", "/opt/gateway/a/b"), ("./a", "/opt/gateway/a"), (".", "/opt/gateway"), ("/etc/x", "/etc/x")],
)
def test_path(relative, absolute):
    assert samples.stack().path(relative) == absolute


@pytest.mark.parametrize(
    ("name", "inside"),
    [("a/b", "a/b"), ("", "."), ("..", ""), ("../gateway-2/x", ""), ("..a", "..a"), ("link/x", "")],
    ids=["inside", "itself", "above", "same-beginning", "name-with-dots", "link-out"],
)
def test_relative(tmp_path, name, inside):
    root = tmp_path / "gateway"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    assert samples.stack(root).relative(os.path.join(root, name)) == inside


def test_a_directory_that_is_a_link_counts_as_its_target(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    found = samples.stack(tmp_path / "link")
    assert found.dir == str(tmp_path / "real")
    assert found.relative(str(tmp_path / "link/x")) == "x"


@pytest.mark.parametrize(
    ("there", "compose", "env"),
    [
        (["docker-compose.yml", "config/production.env", ".env"], ("docker-compose.yml",), "config/production.env"),
        (["compose.yaml", ".env"], ("compose.yaml",), ".env"),
        (["docker-compose.yml", "compose.yaml"], ("docker-compose.yml",), "config/production.env"),
        ([], ("docker-compose.yml",), "config/production.env"),
    ],
    ids=["as-given", "other-usual-names", "given-goes-first", "nothing-there"],
)
def test_usual_names_stand_in_for_files_that_are_not_there(tmp_path, there, compose, env):
    for name in there:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
    given = {"project": "p", "environment": "production", "dir": str(tmp_path), "env_file": "config/production.env"}
    given["compose_files"] = ["docker-compose.yml"]
    found = StackArgs.from_params({**defaults, **given})
    assert (found.compose_files, found.env_file) == (compose, env)
    assert found.wanted_env_file == "config/production.env"


def test_absolute_names_of_files_in_the_stack_are_its_files_too(tmp_path):
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "release")
    (tmp_path / "release" / "config").mkdir(parents=True)
    for name in ("compose.yaml", "config/app.env"):
        (tmp_path / "release" / name).write_text("", encoding="utf-8")
    defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
    given = {"project": "p", "environment": "production", "dir": str(link)}
    given.update(compose_files=[str(tmp_path / "release/compose.yaml")], env_file=f"{link}/config/app.env")
    found = StackArgs.from_params({**defaults, **given})
    assert (found.compose_files, found.env_file) == (("compose.yaml",), "config/app.env")
    outside = StackArgs.from_params({**defaults, **given, "env_file": f"{tmp_path}/releases.env"})
    assert outside.wanted_env_file == f"{tmp_path}/releases.env"


@pytest.mark.parametrize(
    ("there", "counts"),
    [
        ([], ["docker-compose.yml"]),
        (["docker-compose.yaml"], ["docker-compose.yaml"]),
        (["docker-compose.yml", "compose.yaml"], ["compose.yaml"]),
        (["docker-compose.yml", "docker-compose.override.yml"], ["docker-compose.yml", "docker-compose.override.yml"]),
        (
            ["compose.yaml", "docker-compose.override.yml", "compose.override.yml"],
            ["compose.yaml", "compose.override.yml"],
        ),
    ],
    ids=["nothing", "one", "the-first-of-two", "with-its-override", "one-override-only"],
)
def test_without_names_those_count_that_a_plain_docker_compose_reads(tmp_path, there, counts):
    for name in there:
        (tmp_path / name).write_text("", encoding="utf-8")
    assert samples.stack(tmp_path, compose_files=[]).definition() == counts
    assert samples.stack("/nowhere", compose_files=[]).definition(there) == counts
    named = samples.stack(tmp_path, compose_files=["docker-compose.yml"])
    assert len(named.definition()) == 1


def test_a_copy_elsewhere_is_read_there(tmp_path):
    copy = samples.stack().moved_to(str(tmp_path), project="drill")
    assert (copy.dir, copy.deployed_from, copy.project) == (str(tmp_path), str(tmp_path), "drill")


def test_an_environment_file_outside_is_in_no_backup_and_not_lost(tmp_path):
    stack = samples.stack(tmp_path / "gateway", env_file=str(tmp_path / "production.env"))
    beside = samples.stack(tmp_path / "gateway", env_file="../production.env")
    assert stack.env_file_among([".env"]) == beside.env_file_among([".env"]) == ".env"
    (tmp_path / "production.env").write_text("", encoding="utf-8")
    assert stack.env_file_among([".env"]) == str(tmp_path / "production.env")
    assert beside.env_file_among([".env"]) == "../production.env"


@pytest.mark.parametrize(
    ("wanted", "names", "counts"),
    [
        ("config/production.env", ["config/production.env", ".env"], "config/production.env"),
        ("./config/production.env", ["config/production.env", ".env"], "./config/production.env"),
        ("config/production.env", [".env"], ".env"),
        ("config/production.env", ["docker-compose.yml"], "config/production.env"),
        (".env", [".env"], ".env"),
        ("", [".env"], ""),
    ],
    ids=["both", "written-otherwise", "only-.env", "neither", "the-same", "none-wanted"],
)
def test_the_environment_file_among_files_does_not_depend_on_the_disk(tmp_path, wanted, names, counts):
    (tmp_path / ".env").write_text("", encoding="utf-8")
    assert samples.stack(tmp_path, env_file=wanted).env_file_among(names) == counts

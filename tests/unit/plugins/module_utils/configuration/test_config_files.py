"""Which files are the configuration, and how variables in Compose files are filled in and solved."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import config_files
from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.config_files import MountedPath
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

OVERRIDES = [
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "compose.override.yml",
    "compose.override.yaml",
]


@pytest.fixture
def root(tmp_path):
    """A stack's directory with what containers mount."""
    for path in ("kong/plugins/aws-masker/handler.lua", "kong/kong.yml", "nginx/nginx.conf", "redis/data/dump.rdb",
                 "logs/nginx/access.log", ".recovery/lock", "backups/x", "config/production.env",
                 "docker-compose.yml"):  # fmt: skip
        full = tmp_path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}", "1"),
        ("x-${A}.env", "x-1.env"),
        ("${NONE}", ""),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "1"),
        ("${A:?must be set}", "1"),
        ("$A$B", "12"),
        ("$$(cmd)", "$(cmd)"),
        ("$$A", "$A"),
        ("$$$A", "$1"),
    ],
)
def test_fill_in(text, expected):
    assert config_files.fill_in(text, {"A": "1", "B": "2", "EMPTY": ""}) == expected


@pytest.mark.parametrize(
    ("template", "value", "solution"),
    [
        ("${LEVEL}", "debug", {"LEVEL": "debug"}),
        ("$LEVEL", "debug", {"LEVEL": "debug"}),
        ("${LEVEL:-notice}", "debug", {"LEVEL": "debug"}),
        ("redis://:${PW}@redis", "redis://:s@redis", {"PW": "s"}),
        ("${PW}", "", {"PW": ""}),
        ("redis://${PW}@redis", "http://s@redis", {}),
        ("a${X}a", "a", {}),
        ("${A}${B}", "xy", {}),
        ("constant", "other", {}),
        ("", "x", {}),
        ("a$$b", "a$b", {}),
        ("a$$b-${A}", "a$b-1", {"A": "1"}),
    ],
    ids=[
        "whole",
        "plain",
        "default",
        "inside",
        "empty",
        "another-frame",
        "frame-overlaps",
        "two-variables",
        "none",
        "no-template",
        "escaped-dollar",
        "escaped-dollar-and-variable",
    ],
)
def test_solve(template, value, solution):
    assert config_files.solve(template, value) == solution


def named(**files):
    """Return what Compose reads beside a.yml; files: name without its suffix → content, __ for a slash."""
    contents = {f"{name.replace('__', '/')}.yml": data for name, data in files.items()}
    return config_files.referenced(["a.yml"], contents.get, {"ENV": "production"})


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"services: {a: {env_file: x.env}}", ["x.env"]),
        (b"services: {a: {env_file: [.env.a, config/a.vars]}}", [".env.a", "config/a.vars"]),
        (b"services: {a: {env_file: [{path: x.env, required: false}]}}", ["x.env"]),
        (b"services: {a: {env_file: 'config/${ENV}.env'}}", ["config/production.env"]),
        (b"services: {a: {label_file: [./x.labels]}}", ["x.labels"]),
        (b"services: {a: {env_file: [/etc/x.env, ../y.env, a/../../z.env]}}", []),
        (b"services: {a: {extends: {file: base.yml, service: b}}}", ["base.yml"]),
        (b"services: {a: {extends: b}}", []),
        (b"include: [more.yml, {path: [p.yml, q.yml]}]", ["more.yml", ".env", "p.yml", "q.yml", ".env"]),
        (b"include: m/more.yml", ["m/more.yml", "m/.env"]),
        (b"include: [{path: m/more.yml, env_file: [m.env, /dev/null]}]", ["m/more.yml", "m.env"]),
        (b"services: {a: null}", []),
        (b"services:", []),
        (b"", []),
        (b"{ no yaml", []),
        (b"just text", []),
        (b"- a\n- b\n", []),
        (b"services: [a]", []),
        (b"services: {a: text}", []),
        (b"42", []),
    ],
    ids=[
        "env-file",
        "env-files",
        "long-form",
        "variable",
        "label-file",
        "outside",
        "extends-file",
        "extends",
        "include",
        "include-from-a-folder",
        "include-filled-in",
        "null-service",
        "null-services",
        "empty",
        "no-yaml",
        "text",
        "list",
        "list-of-services",
        "text-as-a-service",
        "number",
    ],
)
def test_what_a_compose_file_names(content, names):
    assert named(a=content) == names


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (
            {"a": b"services: {a: {extends: {file: b/c.yml}}}", "b__c": b"services: {c: {env_file: c.env}}"},
            ["b/c.yml", "b/c.env"],
        ),
        (
            {"a": b"include: [b/c.yml]", "b__c": b"services: {c: {env_file: ../c.env}}"},
            ["b/c.yml", "b/.env", "c.env"],
        ),
        (
            {"a": b"include: [{path: b/c.yml, project_directory: d}]", "b__c": b"services: {c: {env_file: c.env}}"},
            ["b/c.yml", "d/.env", "d/c.env"],
        ),
        (
            {"a": b"include: [{path: b/c.yml, project_directory: /d}]", "b__c": b"services: {c: {env_file: c.env}}"},
            ["b/c.yml"],
        ),
        (
            {
                "a": b"include: [b/c.yml]",
                "b__c": b"include: [d.yml]",
                "b__d": b"services: {c: {extends: {file: e/f.yml}}}",
                "b__e__f": b"services: {c: {env_file: '${ENV}.env'}}",
            },
            ["b/c.yml", "b/.env", "b/d.yml", "b/.env", "b/e/f.yml", "b/e/production.env"],
        ),
        (
            {"a": b"include: [a.yml, b.yml]", "b": b"include: a.yml"},
            ["a.yml", ".env", "b.yml", ".env", "a.yml", ".env"],
        ),
    ],
    ids=["extended", "included", "another-folder", "folder-outside", "at-a-distance", "circle"],
)
def test_what_these_name_in_turn_is_relative_to_them(files, names):
    assert named(**files) == names


def test_an_included_file_is_filled_in_from_its_own_environment_too():
    files = {
        "a.yml": b"include: [{path: b.yml, env_file: b.env}, c/c.yml]",
        "b.env": b"NAME=b\nENV=of-b\n",
        "b.yml": b"services: {b: {env_file: '${NAME}-${ENV}.env'}}",
        "c/.env": b"NAME=c\n",
        "c/c.yml": b"services: {c: {env_file: '${NAME}.env'}}",
    }
    found = config_files.referenced(["a.yml"], files.get, {"ENV": "production"})
    assert found == ["b.yml", "b.env", "c/c.yml", "c/.env", "b-production.env", "c/c.env"]


class TestDefinitionFiles:
    def test_present_and_absent(self, root):
        found = config_files.definition_files(samples.stack(root), Runner())
        assert found == (["docker-compose.yml", "config/production.env"], [".env", *OVERRIDES])

    def test_referenced_ones_and_what_lies_outside(self, root):
        (root / "docker-compose.yml").write_text(
            "services: {a: {env_file: ['${DIR}/a.env', /etc/b.env, ../c.env, ./d.env]}}", encoding="utf-8"
        )
        (root / "config/production.env").write_text("DIR=config\n", encoding="utf-8")
        (root / "config/a.env").write_text("", encoding="utf-8")
        present, absent = config_files.definition_files(samples.stack(root), Runner())
        assert present == ["docker-compose.yml", "config/production.env", "config/a.env"]
        assert absent == [".env", *OVERRIDES, "d.env"]


class TestMounted:
    def found(self, root, service, *mounts, env=None, **stack):
        containers = {service: samples.container(service, mounts=mounts, env=env or {})}
        return config_files.mounted(samples.stack(root, **stack), containers)[service]

    def test_a_single_file_counts_even_when_writable(self, root):
        mount = samples.bind(root / "nginx/nginx.conf", "/etc/nginx/nginx.conf", writable=True)
        expected = [MountedPath("nginx/nginx.conf", "/etc/nginx/nginx.conf", directory=False)]
        assert self.found(root, "nginx", mount) == expected

    @pytest.mark.parametrize(
        ("path", "inside", "writable", "env", "counts"),
        [
            ("kong/plugins/aws-masker", "/usr/local/share/lua/5.1/kong/plugins/aws-masker", True, {}, True),
            ("kong", "/kong", True, {"KONG_DECLARATIVE_CONFIG": "/kong/kong.yml"}, True),
            ("kong", "/kong", True, {"KONG_DECLARATIVE_CONFIG": "/kong-other/kong.yml"}, False),
            ("nginx", "/etc/nginx", False, {}, True),
            ("nginx", "/etc/nginx", True, {}, False),
            ("redis/data", "/data", True, {}, False),
            ("logs/nginx", "/var/log/nginx", False, {}, False),
            (".recovery", "/r", False, {}, False),
            ("backups", "/b", False, {}, False),
            (".", "/all", False, {}, False),
            ("..", "/up", False, {}, False),
        ],
        ids=[
            "plugins",
            "declarative",
            "same-beginning",
            "read-only",
            "writable",
            "data",
            "logs",
            "own",
            "backups",
            "whole-stack",
            "outside",
        ],
    )
    def test_a_directory(self, root, path, inside, writable, env, counts):
        found = self.found(root, "kong", samples.bind(os.path.join(root, path), inside, writable), env=env)
        assert found == ([MountedPath(path, inside, directory=True)] if counts else [])

    def test_a_directory_that_is_named(self, root):
        mount = samples.bind(root / "nginx", "/etc/nginx", writable=True)
        assert [item.path for item in self.found(root, "nginx", mount, config_paths=["nginx"])] == ["nginx"]

    def test_a_volume_is_none(self, root):
        mount = samples.Mount("volume", str(root / "nginx"), "/etc/nginx", writable=False)
        assert self.found(root, "nginx", mount) == []


class TestTree:
    def test_every_file(self, root):
        (root / "kong/a.lua").write_text("", encoding="utf-8")
        assert config_files.tree(samples.stack(root), "kong") == [
            "kong/a.lua",
            "kong/kong.yml",
            "kong/plugins/aws-masker/handler.lua",
        ]

    @pytest.mark.parametrize("to", ["/etc/passwd", "kong.yml", "/nowhere"])
    def test_a_link_to_a_file_is_refused(self, root, to):
        os.symlink(to, root / "kong/link.lua")
        with pytest.raises(RecoveryError, match=r"kong/link\.lua is a symbolic link"):
            config_files.tree(samples.stack(root), "kong")

    def test_a_link_to_a_directory_is_refused(self, root):
        os.symlink(root / "nginx", root / "kong/link")
        with pytest.raises(RecoveryError, match="kong/link is a symbolic link"):
            config_files.tree(samples.stack(root), "kong")

    def test_a_pipe_is_refused_because_reading_it_would_hang(self, root):
        os.mkfifo(root / "kong/pipe")
        with pytest.raises(RecoveryError):
            config_files.tree(samples.stack(root), "kong")


@pytest.mark.parametrize(
    ("inside", "path"),
    [("/kong/kong.yml", "kong/kong.yml"), ("/elsewhere/kong.yml", ""), ("", "")],
    ids=["mounted", "in-the-image", "not-set"],
)
def test_kong_file(root, inside, path):
    env = {"KONG_DECLARATIVE_CONFIG": inside} if inside else {}
    kong = samples.container("kong", env=env, mounts=(samples.bind(root / "kong", "/kong"),))
    assert config_files.kong_file(samples.stack(root), {"kong": kong}) == path


def test_kong_file_without_kong(root):
    assert config_files.kong_file(samples.stack(root), {}) == ""

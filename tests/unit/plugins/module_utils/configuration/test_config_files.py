"""Which files are the configuration, and how variables in Compose files are filled in and solved."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import config_files
from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.config_files import MountedPath
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import OVERRIDES
from ansible_collections.kong_masking.recovery.tests.unit import samples


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


class TestDefinitionFiles:
    def test_present_and_absent(self, root):
        found = config_files.definition_files(samples.stack(root), Runner())
        assert found == (["docker-compose.yml", "config/production.env"], [".env", *OVERRIDES])

    def test_the_environment_file_that_another_stands_in_for_is_absent(self, root):
        (root / ".env").write_text("A=1\n", encoding="utf-8")
        (root / "config/production.env").unlink()
        found = config_files.definition_files(samples.stack(root), Runner())
        assert found == (["docker-compose.yml", ".env"], ["config/production.env", *OVERRIDES])

    def test_referenced_ones_and_what_lies_outside(self, root):
        (root / "docker-compose.yml").write_text(
            "services: {a: {env_file: ['${DIR}/a.env', /etc/b.env, ../c.env, ./d.env]}}", encoding="utf-8"
        )
        (root / "config/production.env").write_text("DIR=config\n", encoding="utf-8")
        (root / "config/a.env").write_text("", encoding="utf-8")
        present, absent = config_files.definition_files(samples.stack(root), Runner())
        assert present == ["docker-compose.yml", "config/production.env", "config/a.env"]
        assert absent == [".env", *OVERRIDES, "d.env"]


def test_writable_directories_below_etc_are_named_and_left_alone(root):
    """They may be configuration, or certificates that a container renews."""
    mounts = [samples.bind(root / "nginx", "/etc/nginx", writable=True), samples.bind(root / "redis/data", "/data")]
    containers = {"nginx": samples.container("nginx", mounts=mounts)}
    assert config_files.doubtful(samples.stack(root), containers) == ["nginx"]
    assert config_files.doubtful(samples.stack(root, config_paths=["nginx"]), containers) == []


class TestMounted:
    def test_a_file_in_whose_place_the_container_sees_another_mount_is_not_shown(self, root):
        mounts = [samples.bind(root / "nginx", "/etc/nginx"), samples.bind(root / "x", "/etc/nginx/conf.d/a.conf")]
        (folder, _file) = self.found(root, "nginx", *mounts)
        assert folder.covered == ("/etc/nginx/conf.d/a.conf",)
        assert not folder.shows("nginx/conf.d/a.conf")
        assert folder.shows("nginx/conf.d/a.conf.old")
        assert folder.place("nginx/conf.d/b.conf") == "/etc/nginx/conf.d/b.conf"

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
            ("kong", "/opt/own", True, {"KONG_LUA_PACKAGE_PATH": "/opt/own/?.lua;;"}, True),
            ("kong", "/opt", True, {"KONG_LUA_PACKAGE_PATH": "./?.lua;/opt/own/?.lua;;"}, True),
            ("kong", "/opt/own/kong/lib", True, {"KONG_LUA_PACKAGE_PATH": "/opt/own/?.lua"}, True),
            ("kong", "/opt/other", True, {"KONG_LUA_PACKAGE_PATH": "/opt/own/?.lua;;"}, False),
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
            "where-kong-looks",
            "above-it",
            "below-it",
            "beside-it",
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

    @pytest.mark.parametrize(
        ("declared", "path"),
        [
            ("/kong/kong/kong.yml", "kong/kong.yml"),
            ("/kong//kong/./kong.yml", "kong/kong.yml"),
            ("/kong/current.yml", "kong/kong.yml"),
            ("/kong/nginx/nginx.conf", ""),
            ("/kong/kong", ""),
            ("/kong/missing.yml", ""),
            ("/kong/../kong.yml", ""),
            ("/elsewhere/kong.yml", ""),
        ],
        ids=["plain", "not-normal", "a-link", "covered", "a-directory", "missing", "outside", "in-the-image"],
    )
    def test_of_the_stacks_own_directory_kongs_file_counts(self, root, declared, path):
        """Under the name by which it is known as Kong's file."""
        os.symlink("kong/kong.yml", root / "current.yml")
        env = {"KONG_DECLARATIVE_CONFIG": declared}
        mounts = (samples.bind(root, "/kong"), samples.bind(root / "redis/data", "/kong/nginx", writable=True))
        found = [item for item in self.found(root, "kong", *mounts, env=env) if not item.directory]
        assert found == ([MountedPath(path, declared, directory=False)] if path else [])
        kong = samples.container("kong", mounts=mounts, env=env)
        assert not path or config_files.kong_file(samples.stack(root), {"kong": kong}) == path

    def test_the_links_on_the_way_to_kongs_file_are_known_by_its_source(self, root):
        os.symlink("kong/kong.yml", root / "current.yml")
        env = {"KONG_DECLARATIVE_CONFIG": "/kong/current.yml"}
        (found,) = self.found(root, "kong", samples.bind(root, "/kong"), env=env)
        assert found.source == f"{root}/current.yml"

    @pytest.mark.parametrize(
        ("settings", "writes", "left"),
        [
            ({}, True, ["redis/data"]),
            ({}, False, []),
            ({"config_paths": ["redis/data"]}, True, []),
        ],
        ids=["written", "read", "named"],
    )
    def test_data_below_a_mounted_directory_are_none_of_it(self, root, settings, writes, left):
        (root / "redis/redis.conf").write_text("", encoding="utf-8")
        stack = samples.stack(root, **settings)
        mounts = [samples.bind(root / "redis", "/etc/redis"), samples.bind(root / "redis/data", "/data", writes)]
        containers = {"redis": samples.container("redis", mounts=mounts)}
        assert config_files.spared(stack, containers) == ["backups", *left]
        (folder, *_named) = config_files.mounted(stack, containers)["redis"]
        found = set(config_files.tree(stack, "redis", config_files.spared(stack, containers)))
        assert found == {"redis/redis.conf", *([] if left else ["redis/data/dump.rdb"])}
        assert set(live_state.inside_paths(stack, [folder])) == found

    def test_data_stay_data_where_the_directory_above_them_is_mounted_no_more(self, root):
        """A backup may hold that directory."""
        mounts = [samples.bind(root / "redis/data", "/data", writable=True)]
        containers = {"redis": samples.container("redis", mounts=mounts)}
        assert config_files.spared(samples.stack(root), containers) == ["backups", "redis/data"]

    @pytest.mark.parametrize("named", [False, True], ids=["read-only", "named"])
    def test_backups_below_a_mounted_directory_are_none_of_it(self, root, named):
        """Where they lie in deploy/backups, and a container has deploy."""
        (root / "deploy/backups/pre-deploy/deploy-1").mkdir(parents=True)
        for name in ("deploy/site.conf", "deploy/backups/pre-deploy/deploy-1/manifest.json"):
            (root / name).write_text("", encoding="utf-8")
        stack = samples.stack(root, backup_dir=str(root / "deploy/backups"), config_paths=["deploy"] if named else [])
        containers = {"web": samples.container("web", mounts=[samples.bind(root / "deploy", "/deploy", named)])}
        (folder,) = config_files.mounted(stack, containers)["web"]
        assert config_files.spared(stack, containers) == ["deploy/backups"]
        assert config_files.tree(stack, "deploy", config_files.spared(stack, containers)) == ["deploy/site.conf"]
        assert set(live_state.inside_paths(stack, [folder])) == {"deploy/site.conf"}

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

    def test_links_that_a_backup_holds_count_and_others_do_not(self, root):
        os.symlink("kong.yml", root / "kong/held.yml")
        os.symlink("/etc/passwd", root / "kong/out.lua")
        assert [name for name in config_files.tree(samples.stack(root), "kong") if "kong.yml" not in name] == [
            "kong/held.yml",
            "kong/plugins/aws-masker/handler.lua",
        ]


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
    assert config_files.kong_file_elsewhere(samples.stack(root), {}) == ""


@pytest.mark.parametrize(
    ("source", "inside", "elsewhere"),
    [
        ("kong", "/kong/kong.yml", ""),
        ("/srv/other", "/kong/kong.yml", "/kong/kong.yml"),
        ("/srv/other", "/in/the/image.yml", ""),
    ],
    ids=["from-the-stack", "from-elsewhere", "in-the-image"],
)
def test_kong_file_elsewhere(root, source, inside, elsewhere):
    mounts = (samples.bind(root / source, "/kong"),)
    kong = samples.container("kong", env={"KONG_DECLARATIVE_CONFIG": inside}, mounts=mounts)
    assert config_files.kong_file_elsewhere(samples.stack(root), {"kong": kong}) == elsewhere

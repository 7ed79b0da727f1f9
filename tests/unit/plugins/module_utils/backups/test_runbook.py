"""The runbook: its blocks are shell that runs, its order is the plan's, and no value of the environment is in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups import runbook, runbook_shell
from ansible_collections.kong_masking.recovery.tests.unit import samples

ONLY_DATA = {"kind": "data", "id": "data-20260729-120000", "services": {}, "kong": {}}
SHELLCHECK = Path(sys.executable).parent / "shellcheck"


def service(name, **other):
    """A service as the manifest records it."""
    values = {
        "image_ref": f"gateway-{name}",
        "image_id": f"sha256:{name:0>64}",
        "depends_on": [],
        "env_names": ["PATH"],
        "ports": {},
    }
    return {**values, **other}


def kept(path, target, digest):
    """A file as the manifest records it."""
    return {"path": path, "target": target, "sha256": digest * 64, "size": 1, "mode": 0o644, "uid": 0, "gid": 0}


def manifest(**other):
    """A whole one."""
    values = {
        "id": "deploy-20260729-120000",
        "kind": "deploy",
        "created": "2026-07-29T12:00:00Z",
        "environment": "production",
        "project": "gateway",
        "host": "gw1",
        "notes": ["kong.yml on disk is ahead of what runs"],
        "absent": ["docker-compose.override.yml"],
        "directories": ["kong/plugins"],
        "links": {"nginx/nginx.conf": "nginx/v1.conf"},
        "services": {
            "redis": service("redis", env_names=["REDIS_PASSWORD"], ports={"6379/tcp": ["127.0.0.1", 6379]}),
            "kong": service("kong", depends_on=["redis"], ports={"8001/tcp": ["127.0.0.1", 8001]}),
            "nginx": service("nginx", depends_on=["kong"], ports={"80/tcp": ["127.0.0.1", 8085]}),
            "client": service("client", depends_on=["nginx"]),
            "echo": service("echo"),
        },
        "kong": {"file": "kong/kong.yml", "version": "3.9.1", "configuration_hash": "ab" * 16},
        "redis": {
            "file": "redis-backup.rdb",
            "keys": 12,
            "aof": True,
            "version": "7.0.15",
            "counters": {"aws_masker:cnt:ec2": 7},
        },
        "files": [
            kept("files/kong/kong.yml", "kong/kong.yml", "1"),
            kept("files/kong/plugins/a.lua", "kong/plugins/a.lua", "2"),
            {"path": "redis-backup.rdb", "sha256": "3" * 64, "size": 9},
        ],
    }
    return {**values, **other}


def blocks(text, *kinds):
    """The commands of the blocks of these kinds, in their order."""
    found = re.findall(r"^```(sh[^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for kind, body in found if kind in kinds]


def render(settings=None, **other):
    return runbook.render(manifest(**other), samples.stack(**(settings or {})), "/b/deploy-20260729-120000")


@pytest.mark.parametrize("about", [{}, ONLY_DATA], ids=["deploy", "data"])
@pytest.mark.parametrize("password", [True, False], ids=["in-the-container", "in-the-file"])
def test_every_block_is_good_shell(about, password):
    services = manifest()["services"]
    services["redis"]["env_names"] = ["REDIS_PASSWORD"] if password else []
    text = render(**{"services": services, **about})
    for kinds in ((runbook.SHELL,), (runbook.SHELL, runbook.DATA), (runbook.SHELL, runbook.KONG_ONLY)):
        script = "#!/bin/sh\n" + "\n".join(blocks(text, *kinds))
        done = subprocess.run(
            [SHELLCHECK, "--severity=warning", "-"], input=script, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_order_keeps_kong_off_while_redis_is_away():
    text = "\n".join(blocks(render(), runbook.SHELL))
    steps = [
        "sha256sum --check",
        "put files/kong/kong.yml",
        "docker tag",
        "docker stop",
        "--pull never redis",
        "wait_for redis_up",
        "--pull never echo",
        "--force-recreate kong",
        "wait_for kong_up",
        "--pull never nginx",
        "--pull never client",
        "nginx -s reload",
        "SERVICE: BACK",
    ]
    assert [text.index(step) for step in steps] == sorted(text.index(step) for step in steps)


@pytest.mark.parametrize(
    ("ports", "asked"),
    [({"8000/tcp": ["127.0.0.1", 8010]}, "http://127.0.0.1:8010"), ({}, "http://$(address kong):8000")],
    ids=["published", "by-its-address"],
)
def test_where_the_stack_has_no_proxy_kong_is_asked_itself(ports, asked):
    services = {name: item for name, item in manifest()["services"].items() if name != "nginx"}
    services["kong"]["ports"].update(ports)
    services["client"]["depends_on"] = ["kong"]
    text = "\n".join(blocks(render({"proxy_service": ""}, services=services, links={}), runbook.SHELL))
    assert f'proxy() {{ echo "{asked}"; }}' in text
    assert not [word for word in ("nginx", "proxy_up", "/health", "address ''", "of ''") if word in text]
    assert text.index("--force-recreate kong") < text.index("--pull never client") < text.index("SERVICE: BACK")


def test_files_come_back_with_mode_and_owner_and_what_was_added_is_taken_away(tmp_path):
    stack = samples.stack(tmp_path / "stack")
    (tmp_path / "b" / "files" / "kong" / "plugins").mkdir(parents=True)
    (tmp_path / "b" / "files" / "kong" / "kong.yml").write_text("good")
    (tmp_path / "b" / "files" / "kong" / "plugins" / "a.lua").write_text("good")
    live = tmp_path / "stack" / "kong" / "plugins"
    live.mkdir(parents=True)
    (live / "a.lua").write_text("bad")
    (live / "added.lua").write_text("stray")
    (live.parent / "kong.yml").write_text("broken")
    (tmp_path / "stack" / "docker-compose.override.yml").write_text("x")
    (tmp_path / "stack" / "nginx").mkdir()
    (tmp_path / "stack" / "nginx" / "v2.conf").write_text("of the release")
    (tmp_path / "stack" / "nginx" / "nginx.conf").symlink_to("v2.conf")
    inode = (live.parent / "kong.yml").stat().st_ino
    own = {"uid": os.getuid(), "gid": os.getgid(), "mode": 0o640}
    files = [{**item, **own} for item in manifest()["files"]]
    text = runbook.render(manifest(files=files), stack, str(tmp_path / "b"))
    names, _proof, put_back = blocks(text, runbook.SHELL)[:3]
    done = subprocess.run(["sh", "-eu", "-c", f"{names}\n{put_back}"], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (live.parent / "kong.yml").read_text() == (live / "a.lua").read_text() == "good"
    assert (live.parent / "kong.yml").stat().st_ino == inode, "a file mounted by itself would stay the old one inside"
    assert (live / "a.lua").stat().st_mode & 0o777 == 0o640
    assert not (live / "added.lua").exists()
    assert os.readlink(tmp_path / "stack" / "nginx" / "nginx.conf") == "v1.conf"
    assert (tmp_path / "stack" / "nginx" / "v2.conf").read_text() == "of the release"
    assert not (tmp_path / "stack" / "docker-compose.override.yml").exists()
    (folder,) = (tmp_path / "stack" / ".recovery").iterdir()
    saved = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert saved == {
        "kong/kong.yml": "broken",
        "kong/plugins/a.lua": "bad",
        "kong/plugins/added.lua": "stray",
        "docker-compose.override.yml": "x",
        "nginx/nginx.conf": "of the release",
    }


def test_links_inside_a_mounted_directory_come_back_and_those_that_were_added_are_named_and_left(tmp_path):
    stack = samples.stack(tmp_path / "stack")
    live, held = tmp_path / "stack" / "nginx", tmp_path / "b" / "files" / "nginx"
    for folder in (live, held):
        folder.mkdir(parents=True)
    (held / "a.conf").write_text("good")
    (live / "b.conf").write_text("of the release")
    (live / "logs" / "old").mkdir(parents=True)
    for name in ("access.log", "old/access.log.1"):
        (live / "logs" / name).write_text("data")
    for name, text in {"a.conf": "b.conf", "current": "b.conf", "added": "a.conf"}.items():
        (live / name).symlink_to(text)
    entry = {**kept("files/nginx/a.conf", "nginx/a.conf", "1"), "uid": os.getuid(), "gid": os.getgid()}
    about = {
        "files": [entry],
        "directories": ["nginx"],
        "spared": ["nginx/logs"],
        "absent": [],
        "links": {"nginx/current": "nginx/a.conf"},
    }
    names, _proof, put_back = blocks(runbook.render(manifest(**about), stack, str(tmp_path / "b")), runbook.SHELL)[:3]
    done = subprocess.run(["sh", "-eu", "-c", f"{names}\n{put_back}"], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ((live / "a.conf").is_symlink(), (live / "a.conf").read_text()) == (False, "good")
    assert [os.readlink(live / name) for name in ("current", "added")] == ["a.conf", "a.conf"]
    assert not (live / "b.conf").exists()
    assert sorted(path.name for path in (live / "logs").rglob("*.log*")) == ["access.log", "access.log.1"]
    said = [line for line in done.stdout.splitlines() if line.startswith("a link")]
    assert said == ["a link that is not in the backup: nginx/added"]


def test_what_was_added_to_configuration_inside_a_folder_of_data_goes_and_the_data_stay(tmp_path):
    stack = samples.stack(tmp_path / "stack")
    for name in ("logs/access.log", "logs/conf/added.conf", "added.conf"):
        (tmp_path / "stack" / "nginx" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stack" / "nginx" / name).write_text("x")
    about = {"files": [], "directories": ["nginx", "nginx/logs/conf"], "spared": ["nginx/logs"], "absent": []}
    names, _proof, put_back = blocks(runbook.render(manifest(**about), stack, str(tmp_path / "b")), runbook.SHELL)[:3]
    done = subprocess.run(["sh", "-eu", "-c", f"{names}\n{put_back}"], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in (tmp_path / "stack" / "nginx").rglob("*") if path.is_file()] == ["access.log"]


def test_a_damaged_backup_stops_the_second_block(tmp_path):
    (tmp_path / "redis-backup.rdb").write_bytes(b"changed")
    files = [manifest()["files"][2]]
    text = runbook.render(manifest(files=files), samples.stack(), str(tmp_path))
    names, proof = blocks(text, runbook.SHELL)[:2]
    done = subprocess.run(["sh", "-eu", "-c", f"{names}\n{proof}"], text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert "the backup is whole" not in done.stdout


@pytest.mark.parametrize("name", ["a b/$(touch pwned).yml", "it's.yml", "star*[x].yml", "-rf.yml"])
def test_names_are_data_and_never_executed(tmp_path, name):
    stack = samples.stack(tmp_path / "stack")
    source = tmp_path / "b" / "files" / name
    source.parent.mkdir(parents=True)
    source.write_text("good")
    (tmp_path / "stack").mkdir()
    entry = {**kept(f"files/{name}", name, "1"), "uid": os.getuid(), "gid": os.getgid()}
    text = runbook.render(manifest(files=[entry], directories=[], absent=[]), stack, str(tmp_path / "b"))
    names, _proof, put_back = blocks(text, runbook.SHELL)[:3]
    done = subprocess.run(
        ["sh", "-eu", "-c", f"{names}\n{put_back}"], text=True, capture_output=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "stack" / name).read_text() == "good"
    assert not list(tmp_path.rglob("pwned"))


def test_it_names_images_and_ids_and_the_data_with_append_only_files_on():
    text = render()
    for name, item in manifest()["services"].items():
        assert f"docker tag {item['image_id']} gateway-{name}" in text
    assert "append-only files **on**" in text
    assert "aws_masker:cnt:ec2 100007" in "".join(blocks(text, runbook.DATA))
    assert blocks(text, runbook.KONG_ONLY)


def test_a_backup_without_data_says_so():
    text = render(redis={"status": "absent", "reason": "Redis did not run"})
    assert "holds no dump to load (Redis did not run)" in text
    assert blocks(text, runbook.DATA) == []


def test_a_data_backup_brings_only_the_data_back():
    text = render(**ONLY_DATA)
    commands = "\n".join(blocks(text, runbook.SHELL))
    assert "put files" not in commands
    assert "docker tag" not in commands
    assert commands.index('docker stop "$(of kong)"') < commands.index('redis-backup.rdb "$target"')


def test_a_data_backup_of_a_stack_without_a_proxy_asks_for_none():
    commands = "\n".join(blocks(render({"proxy_service": ""}, **ONLY_DATA), runbook.SHELL))
    assert not [word for word in ("nginx", "proxy_up", "of ''") if word in commands]


@pytest.mark.parametrize(
    ("ports", "given", "asked"),
    [
        ({"443/tcp": ["127.0.0.1", 8443], "80/tcp": ["127.0.0.1", 8085]}, {}, "http://127.0.0.1:8085"),
        ({"8080/tcp": ["127.0.0.1", 8085], "9000/tcp": ["127.0.0.1", 9000]}, {}, "http://127.0.0.1:8085"),
        ({"443/tcp": ["127.0.0.1", 8443]}, {}, "https://127.0.0.1:8443"),
        ({"80/tcp": ["127.0.0.1", 1], "81/tcp": ["127.0.0.1", 2]}, {"proxy_port": 81}, "http://127.0.0.1:2"),
        ({}, {"proxy_port": 8443}, "https://$(address nginx):8443"),
        ({}, {}, "http://$(address nginx):80"),
    ],
    ids=["with-tls-too", "the-lowest", "tls-alone", "the-one-of-the-settings", "unpublished-tls", "unpublished"],
)
def test_the_proxy_is_asked_where_it_listens(ports, given, asked):
    lines = runbook_shell.variables(samples.stack(**given), "/backup", {"nginx": service("nginx", ports=ports)}, ())
    assert f'proxy() {{ echo "{asked}"; }}' in lines


@pytest.mark.parametrize("password", [True, False], ids=["password-in-the-container", "password-of-the-file"])
@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, 'redis-cli "$@"'),
        ({"redis_port": 6380}, 'redis-cli -p 6380 "$@"'),
        ({"redis_database": 2}, 'redis-cli -n 2 "$@"'),
        ({"redis_tls": True}, 'redis-cli --tls --insecure "$@"'),
        ({"redis_host": "redis.example", "redis_port": 6380, "redis_tls": True}, 'redis-cli "$@"'),
    ],
    ids=["usual", "another-port", "another-database", "tls", "elsewhere"],
)
def test_redis_is_asked_where_it_listens(given, asked, password):
    services = {"redis": service("redis", env_names=["REDIS_PASSWORD"] if password else [])}
    lines = runbook_shell.variables(samples.stack(**given), "/backup", services, ())
    assert sum(asked in line for line in lines if line.startswith("rc()")) == 1


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"compose.yaml", "compose.override.yaml"}, ["compose.yaml", "compose.override.yaml"]),
        ({"docker-compose.yml", "config/production.env"}, ["docker-compose.yml", "config/production.env"]),
    ],
    ids=["with-an-override", "with-an-environment-file"],
)
def test_compose_reads_the_files_that_are_put_back_and_not_those_of_now(names, words):
    lines = runbook_shell.variables(samples.stack("/nowhere", compose_files=[]), "/backup", {}, names)
    (call,) = [line for line in lines if "docker compose" in line]
    assert re.findall(r"/nowhere/(\S+)", call) == words


def test_a_name_is_asked_for_and_ipv6_is_written_as_urls_have_it():
    stack = samples.stack(probe_host="api.example.com")
    services = {"nginx": {"ports": {"80/tcp": ["::1", 8085]}}}
    lines = runbook_shell.variables(stack, "/backup", services, ())
    assert 'proxy() { echo "http://[::1]:8085"; }' in lines
    asked = [line for line in (*runbook_shell.reload_proxy(stack), *runbook_shell.verify(stack)) if "$(proxy)" in line]
    assert len(asked) == 3
    assert all("-H 'Host: api.example.com'" in line for line in asked)

"""Evidence: what a log, the engine and the file system say about a guilty container, without any secret."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import sockets
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_answers import CUT
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.diagnosis import (
    Diagnosis,
    denied_paths,
    event_line,
    kong_error,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.guilt import evidence_lines
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import STACK_FIXTURES

SECRET = "canary-s3cret-value"


def recording(name):
    """A recording of a command or a start of a real Kong 3.9.1."""
    return (STACK_FIXTURES / "3.9.1" / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "210-start-invalid-yaml",
            "Kong refuses /cfgs/invalid-yaml.yml, line 5: failed parsing",
        ),
        ("210-start-unknown-plugin", "plugin 'no-such-plugin' not enabled"),
        ("210-start-schema-violation", "in 'slots': expected an integer"),
        ("203-config-parse-invalid-yaml", "Kong refuses its file, line 5: failed parsing"),
        ("203-config-parse-unknown-plugin", "plugin 'no-such-plugin' not enabled"),
        ("202-config-parse-good", ""),
        ("210-start-minimal", ""),
    ],
)
def test_kongs_own_word_about_its_file_with_the_line(name, text):
    found = kong_error(recording(name))
    assert text in found
    assert bool(found) is bool(text)


@pytest.mark.parametrize(
    ("log", "paths"),
    [
        ('could not open error log file: open() "/usr/local/kong/logs/error.log" failed (13: Permission denied)',
         ["/usr/local/kong/logs/error.log"]),
        ("PermissionError: [Errno 13] Permission denied: '/data/appendonly.aof'", ["/data/appendonly.aof"]),
        ("Can't open the append-only file: Permission denied", []),
        ("all is well", []),
    ],
    ids=["nginx", "python", "no-path", "well"],
)  # fmt: skip
def test_paths_that_may_not_be_used(log, paths):
    assert denied_paths(log) == paths


def test_events_are_counted():
    rows = [
        {"Action": "die", "Actor": {"Attributes": {"exitCode": "1"}}},
        {"Action": "start"},
        {"Action": "die", "Actor": {"Attributes": {"exitCode": "1"}}},
        {"Action": "oom"},
        {"Action": "exec_create: kong health"},
    ]
    assert event_line(rows) == "die (exit status 1) ×2, start, oom"


class Engine:
    """Answers about one container."""

    def __init__(self, container, log="", error="", owner="", answer=(0, b"", b"")):
        self.found, self.log, self.error, self.owner, self.answer = container, log, error, owner, answer

    def containers(self):
        return {self.found.service: self.found} if self.found else {}

    def container(self, _service):
        return self.found

    def logs(self, _container, _lines):
        return self.log

    def start_error(self, _container):
        return self.error

    def port_owner(self, _port):
        return self.owner

    def events(self, _container, since, until):
        assert until - since == 300
        return [{"Action": "oom"}]

    def execute(self, _container, _command, _env=None):
        return self.answer


def lines(tmp_path, engine, service="kong"):
    made = Diagnosis(samples.stack(tmp_path), engine, samples.RememberingRunner(), now=lambda: 1000.0)
    return made.lines(service)


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"state": "restarting"}, True),
        ({"state": "exited", "exit_code": 1}, True),
        ({"restarts": 4}, True),
        ({}, False),
    ],
    ids=["looping", "exited", "between-two-starts", "of-long-ago"],
)
def test_a_kong_that_cannot_start_over_its_sockets_of_before(tmp_path, about, told):
    log = "nginx: [emerg] bind() to unix:/usr/local/kong/sockets/we failed (98: Address already in use)\n"
    found = lines(tmp_path, Engine(samples.container("kong", **about), log))
    line = (
        "cannot start over its sockets of before (unix:/usr/local/kong/sockets/we): "
        "the same command again makes its container anew"
    )
    assert (line in found) is told


def test_a_container_that_was_killed_for_memory(tmp_path):
    dead = samples.container("kong", state="exited", exit_code=137, oom_killed=True, restarts=3,
                             settings=samples.settings(memory=512 << 20))  # fmt: skip
    found = lines(tmp_path, Engine(dead, log=f"one\nkey {SECRET}\n"))
    assert found[0] == (
        "gateway-kong-1: exited, exit status 137, killed for lack of memory (limit 512 MiB), 3 restarts"
    )
    assert "engine events of the last 5 minutes: oom" in found


def test_a_port_in_the_way_is_named_with_its_owner(tmp_path):
    dead = samples.container("kong", state="created", ports={"8000/tcp": ("127.0.0.1", 8000)})
    found = lines(tmp_path, Engine(dead, error="driver failed: port is already allocated", owner="stranger-1"))
    assert "the engine: driver failed: port is already allocated" in found
    assert "port 8000 (for 8000/tcp) is held by container stranger-1" in found


def test_a_container_that_is_up_again_is_not_in_its_own_way(tmp_path):
    looping = samples.container("kong", state="restarting", ports={"8000/tcp": ("127.0.0.1", 8000)})
    assert not [line for line in lines(tmp_path, Engine(looping, owner=looping.name)) if "is held by" in line]


def test_a_port_that_the_engine_holds_for_nobody_is_named_with_the_way_out(tmp_path, monkeypatch):
    args = ("docker-proxy", "-container-ip", "172.22.0.5", "-container-port", "8000")
    left = sockets.Listener("127.0.0.1", 8000, 7, "docker-proxy", args)
    monkeypatch.setattr(sockets, "owners", lambda _ports: [left])
    dead = samples.container("kong", state="created", ports={"8000/tcp": ("127.0.0.1", 8000)}, addresses={})
    assert (
        "port 8000 (for 8000/tcp) is held by the engine for a container that is gone (at 172.22.0.5:8000): restart the "
        "engine, which starts every container of this host anew: systemctl restart docker"
    ) in lines(tmp_path, Engine(dead, error="driver failed: port is already allocated"))


def test_a_directory_that_may_not_be_written_to_is_named_with_its_owner(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o755)
    dead = samples.container("kong", state="exited", exit_code=1, mounts=(samples.bind(logs, "/kong/logs", True),),
                             settings=samples.settings(user="kong"))  # fmt: skip
    found = lines(tmp_path, Engine(dead, log="Permission denied: '/kong/logs/error.log'"))
    about = f"{logs} on the host belongs to {os.getuid()}:{os.getgid()}, mode 0755, and the container runs as kong"
    assert any(about in line for line in found)


def test_kong_that_runs_is_asked_about_its_file(tmp_path):
    running = samples.container("kong", env={"KONG_DECLARATIVE_CONFIG": "/etc/kong.yml"})
    said = b"Error: Failed parsing:\nfailed parsing declarative configuration: 5:4: did not find\n\n  Run with --v\n"
    found = lines(tmp_path, Engine(running, answer=(1, b"", said)))
    assert "Kong refuses /etc/kong.yml, line 5: failed parsing declarative configuration: 5:4: did not find" in found


def test_no_secret_of_an_environment_or_of_kongs_file_is_shown(tmp_path):
    (tmp_path / "kong.yml").write_text(f"anthropic_api_key: {SECRET}-in-the-file\n")
    env = {"REDIS_PASSWORD": SECRET, "KONG_DECLARATIVE_CONFIG": "/k.yml"}
    kong = samples.container("kong", state="exited", env=env,
                             mounts=(samples.bind(tmp_path / "kong.yml", "/k.yml"),))  # fmt: skip
    found = lines(tmp_path, Engine(kong, log=f"AUTH {SECRET}\nkey {SECRET}-in-the-file\n", error=f"bad {SECRET}"))
    assert SECRET not in "\n".join(found)


def test_evidence_never_replaces_the_failure(tmp_path):
    class Broken(Engine):
        def logs(self, _container, _lines):
            raise OSError

        def start_error(self, _container):
            raise RecoveryError("engine gone")

    made = Diagnosis(samples.stack(tmp_path), Broken(samples.container("kong")), samples.RememberingRunner())
    assert made.text("kong") == "no evidence: OSError"


def test_a_redis_elsewhere_has_no_container_to_look_at(tmp_path):
    stack = samples.stack(tmp_path, redis_host="cache.example")
    made = Diagnosis(stack, Engine(None), samples.RememberingRunner())
    (found,) = made.of_checks([{"name": "redis", "status": "failed", "level": "critical", "found": "PING gives x"}])
    assert found["lines"] == ["Redis at cache.example:6379 is outside the project: its own log tells more"]
    assert found["hint"] == "redis-cli -h cache.example -p 6379 ping"


def test_a_reply_that_the_proxy_cut_is_the_proxys(tmp_path):
    made = Diagnosis(samples.stack(tmp_path), Engine(samples.container("nginx")), samples.RememberingRunner())
    (only,) = made.of_checks([{"name": "masking", "status": "failed", "level": "critical", "found": f"ec2: {CUT}"}])
    assert only["service"] == "nginx"
    assert only["hint"].endswith("docker exec gateway-nginx-1 nginx -s reload")


def test_one_cause_is_told_once(tmp_path):
    made = Diagnosis(samples.stack(tmp_path), Engine(samples.container("kong")), samples.RememberingRunner())
    rows = [
        {"name": name, "status": "failed", "level": level}
        for name, level in (("kong_admin", "critical"), ("masking", "critical"), ("performance", "advisory"))
    ]
    (only,) = made.of_checks(rows)
    assert (only["service"], only["checks"]) == ("kong", ["kong_admin", "masking"])
    assert evidence_lines([only])[-1] == "NEXT for kong_admin, masking: docker logs --tail 50 gateway-kong-1"

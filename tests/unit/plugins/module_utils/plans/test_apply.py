"""The execution of a plan: exactly its actions, in their order, and what is told when one fails."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
import time

import docker
import pytest
import requests

from ansible_collections.kong_masking.recovery.plugins.module_utils.data import kept_data
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import CommandError, RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import kong_mark
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.apply import PlanExecutor
from ansible_collections.kong_masking.recovery.plugins.module_utils.redact import MASK
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

SECRET = "canary-s3cret-value"


class Engine:
    """Remembers what it was asked to do; stop takes as long as ``gate`` is shut for the clients."""

    def __init__(self, **containers):
        self.found, self.done, self.log = containers, [], ""
        self.gate = threading.Event()
        self.gate.set()
        self.answer = (0, b"", b"")
        self.network = True

    def containers(self):
        return self.found

    def has_network(self):
        return self.network

    def remove_half_made(self, service):
        self.done.append(f"sweep {service}")

    def own_networks(self):
        return [{}]

    def container(self, service):
        return self.found.get(service)

    def replicas(self, service):
        return [item for item in self.found.values() if item.service == service]

    def logs(self, _container, _lines):
        return self.log

    def start_error(self, _container):
        return ""

    def events(self, _container, _since, _until):
        return [{"Action": "oom"}]

    def execute(self, container, cmd, env=None):
        self.done.append((*cmd, container.service))
        return self.answer

    def tag(self, image_id, reference):
        self.done.append(("tag", image_id, reference))

    def stop(self, container, longest=30):
        self.longest = longest
        if container.service == "client":
            self.gate.wait(5)
        self.done.append(("stop", container.service))

    def stay_off(self, container):
        self.kept_off = container.service

    def come_back(self, container, policy):
        self.brought_back = (container.service, policy)

    def connect(self, patience):
        self.waited = patience

    def start(self, container):
        self.done.append(("start", container.service))

    def remove(self, container):
        self.done.append(("remove", container.service))


@pytest.fixture
def engine():
    return Engine(
        **{name: samples.container(name, env={"REDIS_PASSWORD": SECRET}) for name in ("kong", "nginx", "client")}
    )


@pytest.fixture
def executor(tmp_path, engine):
    (tmp_path / "stack").mkdir()
    (tmp_path / "backup").mkdir()
    runner = samples.RememberingRunner()
    stack = samples.stack(tmp_path / "stack")
    return PlanExecutor(stack, engine, runner, ("docker", "compose"), str(tmp_path / "backup"), 1.0)


def actions(*given):
    """Number actions, each given as a dict or as ``(action, service)``."""
    listed = [dict(zip(("action", "service"), item)) if isinstance(item, tuple) else item for item in given]  # noqa: B905
    return [{"step": number, "why": "x", **item} for number, item in enumerate(listed, 1)]


def source(executor, name, content, **other):
    """Put a file into the backup and return the action that writes it."""
    with open(os.path.join(executor.backup_path, name), "wb") as handle:
        handle.write(content)
    about = {"mode": 0o644, "uid": os.getuid(), "gid": os.getgid(), "in_place": False}
    digest = hashlib.sha256(content).hexdigest()
    return {"action": "write_file", "path": f"config/{name}", "source": name, "sha256": digest, **about, **other}


def test_order_and_durations(executor, engine):
    plan = actions(("stop", "kong"), ("start", "kong"), ("restart", "nginx"), ("remove", "client"), ("reload", "nginx"))
    found = executor.execute(plan)
    assert engine.done == [
        ("stop", "kong"),
        ("start", "kong"),
        ("stop", "nginx"),
        ("start", "nginx"),
        ("stop", "client"),
        ("remove", "client"),
        ("nginx", "-s", "reload", "nginx"),
    ]
    assert [{key: value for key, value in item.items() if key != "ms"} for item in found] == plan
    assert all(isinstance(item["ms"], int) for item in found)


@pytest.mark.parametrize("status", [126, 127])
def test_a_proxy_that_is_no_nginx_is_started_anew(executor, engine, status):
    engine.answer = (status, b"", b'exec: "nginx": executable file not found in $PATH')
    executor.execute(actions(("reload", "nginx")))
    assert engine.done == [("nginx", "-s", "reload", "nginx"), ("stop", "nginx"), ("start", "nginx")]


@pytest.mark.parametrize(
    ("action", "done"),
    [
        ("stop", ["stop kong", "stop kong"]),
        ("start", ["start kong", "start kong"]),
        ("restart", ["stop kong", "stop kong", "start kong", "start kong"]),
        ("remove", ["stop kong", "remove kong", "stop kong", "remove kong"]),
    ],
)
def test_every_replica_is_meant(executor, engine, action, done):
    engine.found["kong-2"] = samples.container("kong", id="kong-2")
    executor.execute(actions((action, "kong")))
    assert [" ".join(item) for item in engine.done] == done


def test_recreate_is_one_compose_call(executor):
    executor.execute(actions(("recreate", "kong")))
    ((*_head, last),) = executor.runner.commands
    assert last == "kong"
    assert "--no-deps" in executor.runner.commands[0]


@pytest.mark.parametrize("changed", [False, True], ids=["as-planned", "changed-since"])
def test_kept_values_are_those_of_the_live_file(executor, changed):
    merged = b"LEVEL=notice\nPW=live\n"
    step = source(
        executor, "production.env", b"LEVEL=notice\nPW=old\n", keep=["PW"], kept_in=".env", path="config/e.env"
    )
    step.update(source_sha256=step["sha256"], sha256=hashlib.sha256(merged).hexdigest())
    executor.runner.write(executor.stack.path(".env"), b"PW=newer\n" if changed else b"LEVEL=debug\nPW=live\n")
    if changed:
        with pytest.raises(RecoveryError, match=r"\.env changed since the plan was made"):
            executor.execute(actions(step))
    else:
        executor.execute(actions(step))
        assert executor.runner.read(executor.stack.path("config/e.env")) == merged


@pytest.mark.parametrize("changed", [False, True], ids=["as-planned", "changed-since"])
def test_a_file_gets_values_and_keeps_what_it_alone_has(executor, changed):
    merged = b"OWN=1\nLEVEL=notice\n"
    step = source(executor, "config.env", b"LEVEL=notice\nPW=old\n", into=".env", path=".env")
    step.update(source_sha256=step["sha256"], sha256=hashlib.sha256(merged).hexdigest())
    executor.runner.write(executor.stack.path(".env"), b"OWN=2\nLEVEL=debug\n" if changed else b"OWN=1\nLEVEL=debug\n")
    if changed:
        with pytest.raises(RecoveryError, match=r"\.env changed since the plan was made"):
            executor.execute(actions(step))
    else:
        executor.execute(actions(step))
        assert executor.runner.read(executor.stack.path(".env")) == merged


def test_tag(executor, engine):
    executor.execute(actions({"action": "tag_image", "reference": "gateway-kong", "image_id": "sha256:a"}))
    assert engine.done == [("tag", "sha256:a", "gateway-kong")]


def test_what_runs_beside_is_not_waited_for_until_the_end(executor, engine):
    engine.gate.clear()
    threading.Timer(0.2, engine.gate.set).start()
    executor.execute(actions({"action": "restart", "service": "client", "beside": True}, ("stop", "kong")))
    assert engine.done == [("stop", "kong"), ("stop", "client"), ("start", "client")]


class TestFiles:
    def test_written_with_its_mode(self, executor):
        executor.execute(actions(source(executor, "a.env", b"A=1\n", mode=0o640)))
        path = executor.stack.path("config/a.env")
        with open(path, "rb") as handle:
            assert handle.read() == b"A=1\n"
        assert os.stat(path).st_mode & 0o7777 == 0o640

    @pytest.mark.parametrize("in_place", [True, False])
    def test_the_inode_stays_where_a_file_is_mounted_by_itself(self, executor, in_place):
        path = executor.stack.path("config/a.env")
        os.mkdir(os.path.dirname(path))
        with open(path, "wb") as handle:
            handle.write(b"old")
        before = os.stat(path).st_ino
        executor.execute(actions(source(executor, "a.env", b"new", in_place=in_place)))
        assert (os.stat(path).st_ino == before) is in_place

    def test_the_directory_that_docker_made_in_place_of_a_file(self, executor):
        os.makedirs(executor.stack.path("config/a.env"))
        executor.execute(actions(source(executor, "a.env", b"new", in_place=True)))
        assert os.path.isfile(executor.stack.path("config/a.env"))

    def test_a_source_that_changed_after_the_check(self, executor):
        action = source(executor, "a.env", b"A=1\n")
        with open(os.path.join(executor.backup_path, "a.env"), "ab") as handle:
            handle.write(b"B=2\n")
        with pytest.raises(RecoveryError, match="changed since it was checked"):
            executor.execute(actions(action))
        assert not os.path.exists(executor.stack.path("config/a.env"))

    def test_removed(self, executor):
        path = executor.stack.path("extra")
        with open(path, "wb"):
            pass
        executor.execute(actions({"action": "remove_file", "path": "extra"}))
        assert not os.path.exists(path)


@pytest.mark.parametrize("network", [True, False], ids=["network-there", "no-network"])
def test_only_one_compose_call_makes_the_network(executor, engine, network):
    """Two calls at once would make it twice, and the engine then finds its name ambiguous."""
    executor.network_made = network
    together, most = set(), []

    def compose(command, timeout=120.0, check=True):
        together.add(command[-1])
        most.append(len(together))
        time.sleep(0.05)
        together.discard(command[-1])

    executor.runner.run = compose
    executor.execute(actions({"action": "recreate", "service": "client", "beside": True}, ("recreate", "kong")))
    assert most[0] == 1
    assert (max(most) == 1) is not network
    assert executor.network_made


class TestFailure:
    def test_ends_at_the_step_and_tells_what_was_done(self, executor, engine):
        with pytest.raises(RecoveryError) as caught:
            executor.execute(actions(("stop", "kong"), ("start", "nothing"), ("start", "kong")))
        assert engine.done == [("stop", "kong")]
        assert caught.value.msg.startswith("Step 2 (start nothing) failed: nothing has no container any more.")
        assert caught.value.details["step"] == 2
        assert [item["step"] for item in caught.value.details["executed"]] == [1]

    def test_the_containers_last_words_without_secrets(self, executor, engine):
        engine.answer, engine.log = (1, b"", b"bad"), f"AUTH {SECRET}\n"
        with pytest.raises(RecoveryError) as caught:
            executor.execute(actions(("reload", "nginx")))
        assert caught.value.msg == (
            "Step 1 (reload nginx) failed: nginx refused to reload: bad Evidence: gateway-nginx-1: running; "
            f"engine events of the last 5 minutes: oom; last lines of its log: AUTH {MASK}"
        )

    def test_a_process_that_fails_gives_no_secret_away(self, executor):
        executor.runner.answers["docker"] = CommandError(["docker"], 1, f"out {SECRET}", f"invalid {SECRET}")
        with pytest.raises(RecoveryError) as caught:
            executor.execute(actions(("recreate", "kong")))
        assert SECRET not in json.dumps(caught.value.as_result())

    def test_an_engine_that_cannot_end_a_container_is_named_with_what_helps(self, executor, engine):
        def stuck(*_args):
            raise docker.errors.APIError(
                "cannot stop container: tried to kill container, but did not receive an exit event"
            )

        engine.stop = stuck
        with pytest.raises(RecoveryError) as caught:
            executor.execute(actions(("stop", "kong")))
        assert "did not receive an exit event" in caught.value.msg
        assert "systemctl restart docker" in caught.value.hint

    def test_of_something_beside(self, executor):
        with pytest.raises(RecoveryError) as caught:
            executor.execute(actions({"action": "start", "service": "ghost", "beside": True}, ("stop", "kong")))
        assert caught.value.msg == (
            "Step 1 (start ghost) failed: ghost has no container any more. Evidence: ghost has no container"
        )
        assert [item["step"] for item in caught.value.details["executed"]] == [2]


class TestEngineLost:
    """The engine was restarted under an action: it is waited for, and the action is done again."""

    @pytest.mark.parametrize(
        "lost",
        [
            requests.exceptions.ConnectionError("aborted"),
            CommandError(["docker"], 1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock"),
        ],
        ids=["client", "compose"],
    )
    def test_done_again(self, executor, engine, lost):
        failures = [lost]
        recreate = executor._recreate

        def once(action):
            if failures:
                raise failures.pop()
            recreate(action)

        executor._recreate = once
        (done,) = executor.execute(actions(("recreate", "kong")))
        assert done["action"] == "recreate"
        assert engine.waited == 60

    def test_not_without_end(self, executor):
        def never(_action):
            raise requests.exceptions.ConnectionError("aborted")

        executor._recreate = never
        with pytest.raises(RecoveryError) as caught:
            executor.execute(actions(("recreate", "kong")))
        assert caught.value.msg.startswith("Step 1 (recreate kong) failed: ConnectionError: aborted")

    def test_another_failure_is_not_repeated(self, executor, engine):
        executor.runner.answers["docker"] = CommandError(["docker"], 1, "", "no such image")
        with pytest.raises(RecoveryError):
            executor.execute(actions(("recreate", "kong")))
        assert len(executor.runner.commands) == 1


def test_kong_does_not_come_back_by_itself_while_it_is_off(executor, engine):
    engine.found["kong"] = samples.container("kong", restart_policy="always")
    executor.execute(actions(("stop", "kong"), {"action": "start", "service": "kong", "restart_policy": "always"}))
    assert engine.kept_off == "kong"
    assert engine.brought_back == ("kong", "always")


@pytest.mark.parametrize(
    ("about", "good"),
    [
        ({}, True),
        ({"state": "exited", "restart_policy": "no"}, True),
        ({"state": "exited", "restart_policy": "no", "exit_code": 1}, False),
        ({"state": "exited"}, False),
    ],
    ids=["running", "a-job-that-is-done", "a-job-that-failed", "stopped"],
)
def test_a_service_on_nobodys_path_is_ready(executor, engine, about, good):
    engine.found["init"] = samples.container("init", **about)
    if good:
        assert executor.execute(actions(("ready", "init")))
    else:
        with pytest.raises(RecoveryError, match="does not stay up: exited"):
            executor.execute(actions(("ready", "init")))


KEPT = {"action": "keep_data", "service": "redis", "everything": False, "optional": False}


class TestKeptData:
    """Data that cannot be brought back end a rollback; by force they are told."""

    @pytest.fixture(autouse=True)
    def broken(self, monkeypatch):
        def fail(*_about):
            raise RecoveryError("Redis may use 100 MiB and uses 99; 5 MiB more do not fit.")

        monkeypatch.setattr(kept_data, "bring_back", fail)

    def test_the_rollback_fails(self, executor):
        with pytest.raises(RecoveryError) as failed:
            executor.execute(actions(KEPT))
        assert failed.value.msg.startswith("Step 1 (keep_data redis) failed: Redis may use 100 MiB")

    def test_by_force_it_goes_on_and_says_so(self, executor):
        (done,) = executor.execute(actions({**KEPT, "optional": True}))
        assert done["problem"].endswith("do not fit.")
        assert "result" not in done


def test_a_kong_that_a_killed_change_left_off_gets_its_restart_policy_back(tmp_path):
    off = dataclasses.replace(samples.container("kong"), restart_policy="always", started_at="2026-11-24T02:30:24Z")
    stack = samples.stack(tmp_path)
    kong_mark.write(stack, Runner(), [off])
    engine = samples.SmallEngine(dataclasses.replace(off, state="exited", restart_policy="unless-stopped"))
    PlanExecutor(stack, engine, samples.RememberingRunner(), (), str(tmp_path), 1.0).execute(actions(("start", "kong")))
    kong = engine.container("kong")
    assert (kong.state, kong.restart_policy) == ("running", "always")
    assert not (tmp_path / kong_mark.PATH).exists()


@pytest.mark.parametrize(("seconds", "good"), [(100, True), (400, False)])
def test_a_job_may_work_for_longer_than_a_service_takes_to_come_up(executor, engine, seconds, good):
    clock = samples.FakeClock()
    end = clock() + seconds

    def sleep(pause):
        clock.sleep(pause)
        if clock() > end:
            engine.found["init"] = samples.container("init", state="exited", exit_code=0)

    executor.runner.clock, executor.runner.sleep = clock, sleep
    engine.found["init"] = samples.container("init")
    step = {"action": "ready", "service": "init", "until": "service_completed_successfully"}
    if good:
        assert executor.execute(actions(step))
    else:
        with pytest.raises(RecoveryError, match="init has not done its work"):
            executor.execute(actions(step))


@pytest.mark.parametrize(("own", "given", "seconds"), [(None, {}, 120), (300, {}, 420), (300, {"grace": 2}, 122)])
def test_compose_has_as_long_as_the_old_container_may_take_to_stop(executor, engine, monkeypatch, own, given, seconds):
    """Killed over it, it would leave a new container that was never started, and none that runs."""
    engine.found["kong"] = samples.container("kong", settings=samples.settings(stop_grace_seconds=own))
    patience = []
    monkeypatch.setattr(executor.runner, "run", lambda _command, timeout: patience.append(timeout))
    executor.execute(actions({"action": "recreate", "service": "kong", **given}))
    assert patience == [seconds]


def test_what_is_gone_already_counts_as_removed(executor, engine):
    assert [item["action"] for item in executor.execute(actions(("remove", "ghost")))] == ["remove"]
    assert engine.done == []


def test_an_engine_that_stays_away_is_told_as_that_with_what_was_done(executor, engine, monkeypatch):
    def gone(*_about):
        raise requests.exceptions.ConnectionError("Connection aborted")

    def away(_patience):
        raise RecoveryError("The Docker Engine does not answer on this host.", "systemctl start docker")

    def lost(_container, _longest=30):
        for name in ("containers", "container", "replicas", "logs"):
            monkeypatch.setattr(engine, name, gone)
        raise requests.exceptions.ConnectionError("aborted")

    monkeypatch.setattr(engine, "connect", away)
    monkeypatch.setattr(engine, "stop", lost)
    with pytest.raises(RecoveryError) as caught:
        executor.execute(actions(("start", "client"), ("stop", "kong")))
    assert caught.value.msg.startswith("Step 2 (stop kong) failed: The Docker Engine does not answer")
    assert caught.value.hint == "systemctl start docker"
    assert [item["step"] for item in caught.value.details["executed"]] == [1]


KEPT_SOCKETS = "nginx: [emerg] bind() to unix:/usr/local/kong/sockets/we failed (98: Address already in use)\n"


@pytest.mark.parametrize(("log", "mended"), [(KEPT_SOCKETS, True), ("", False)], ids=["old-sockets", "else"])
def test_a_kong_that_cannot_start_over_its_old_sockets_gets_a_new_container(executor, engine, log, mended):
    engine.log = log
    engine.found["kong"] = samples.container("kong", state="exited", exit_code=1, env={"KONG_ADMIN_LISTEN": "off"})
    with pytest.raises(RecoveryError, match="does not stay up"):
        executor.execute(actions(("ready", "kong")))
    assert [command[-1] for command in executor.runner.commands if "--force-recreate" in command] == ["kong"] * mended

"""A broken stack is the normal case: whatever is wrong with the containers, one run brings all back."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator

import pytest
import releases
import stack_state
from lab import Lab, actions
from outside import run, wait_for


def pause_kong(lab: Lab) -> None:
    lab.stack.compose("pause", "kong")


def stop_redis(lab: Lab) -> None:
    lab.stack.compose("stop", "-t", "5", "redis")


def remove_nginx(lab: Lab) -> None:
    lab.stack.compose("rm", "-sf", "nginx")


def lose_kongs_alias(lab: Lab) -> None:
    """Kong on its network, but not under its name: the proxy asks for `kong` and finds nobody."""
    kong = lab.stack.containers()["kong"]["Id"]
    run(["docker", "network", "disconnect", f"{lab.project}_masking", kong])
    run(["docker", "network", "connect", f"{lab.project}_masking", kong])
    lab.stack.compose("restart", "-t", "1", "nginx")


def lose_the_whole_project(lab: Lab) -> None:
    """No container, no network, only files are left, Redis' own among them."""
    lab.stack.compose("down", "--timeout", "1")


def everything(lab: Lab) -> None:
    for trouble in (pause_kong, stop_redis, remove_nginx):
        trouble(lab)


@pytest.mark.slow
@pytest.mark.parametrize(
    "trouble", [everything, lose_kongs_alias, lose_the_whole_project, pause_kong, stop_redis, remove_nginx]
)
def test_a_rollback_to_the_same_release_brings_everything_back(lab: Lab, trouble: Callable[[Lab], None]) -> None:
    golden = lab.golden()
    before = lab.state()
    trouble(lab)

    done = lab.play("rollback", "-e", f"deployment={golden}")

    after = lab.state()
    assert done.rc == 0, done.output
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []
    assert lab.stack.probe()
    assert done.verdict == "SERVICE: BACK"


def starts(lab: Lab, service: str) -> tuple[str, str]:
    """Which container of a service runs, and since when."""
    found = lab.stack.containers()[service]
    return found["Id"], found["State"]["StartedAt"]


@pytest.mark.slow
def test_a_redis_that_has_just_fallen_and_come_up_is_waited_for(lab: Lab) -> None:
    """Ten seconds long nobody can say that it stays up. That the one backup is what runs is no reason to refuse."""
    golden = lab.golden()
    before = lab.state()
    os.kill(lab.stack.containers()["redis"]["State"]["Pid"], signal.SIGKILL)
    wait_for("Redis", lab.stack.redis_answers, 20)

    done = lab.play("rollback")

    assert (done.rc, done.verdict) == (0, "SERVICE: BACK"), done.output
    assert lab.record()["backup"]["id"] == golden
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []


@pytest.fixture
def provider_that_hangs(lab: Lab) -> Iterator[str]:
    """A URL, as Kong sees it, of somebody who takes connections and never says a word."""
    about = json.loads(run(["docker", "network", "inspect", f"{lab.project}_masking"]).stdout)
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield f"http://{about[0]['IPAM']['Config'][0]['Gateway']}:{server.getsockname()[1]}"


@pytest.mark.slow
def test_a_provider_that_hangs_is_no_reason_to_start_kong_anew(lab: Lab, provider_that_hangs: str) -> None:
    releases.change_kong_file(lab, "http://upstream:8080", provider_that_hangs)
    releases.load_kong_file(lab)
    hanging = lab.backup()
    before = starts(lab, "kong")

    planned = lab.play("rollback", "-e", f"deployment={hanging}", "--check")

    assert "NOTHING TO DO" in planned.flat, planned.output
    assert starts(lab, "kong") == before

    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(lab.stack, "kong")
    releases.reload_proxy(lab)

    done = lab.play("rollback", "-e", f"deployment={hanging}")

    assert done.verdict.startswith("SERVICE: BACK, "), done.output
    record = lab.record()
    assert actions(record["executed"]) == actions(record["plan"]["actions"]), done.output
    assert ("ready", "kong") in [(item["action"], item.get("service")) for item in record["executed"]]


@pytest.mark.slow
def test_a_redis_that_is_asked_at_another_port_than_its_own_goes_on_serving(lab: Lab) -> None:
    """The setting is wrong, not Redis: it is not started anew, and Kong is not stopped for it."""
    golden = lab.golden()
    redis, kong = starts(lab, "redis"), starts(lab, "kong")
    wrong = ("-e", f"deployment={golden}", "-e", "stack_redis_port=6999")

    planned = lab.play("rollback", *wrong, "--check")

    assert "stack_redis_port" in planned.flat, planned.output
    assert (starts(lab, "redis"), starts(lab, "kong")) == (redis, kong)

    releases.good_but_different(lab)
    done = lab.play("rollback", *wrong)

    record = lab.record()
    assert actions(record["executed"]) == actions(record["plan"]["actions"]), done.output
    assert starts(lab, "redis") == redis
    assert lab.stack.probe()


@pytest.fixture
def cannot_save(lab: Lab) -> Iterator[None]:
    """Its directory belongs to somebody else for a while: a save fails, and Redis takes no writes."""
    data = lab.stack.directory / "redis" / "data"
    about = data.stat()
    os.chown(data, 0, 0)
    os.chmod(data, 0o755)
    with lab.redis() as client:
        client.bgsave()
        wait_for("a failed save", lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 10)
        yield
        os.chown(data, about.st_uid, about.st_gid)
        os.chmod(data, about.st_mode & 0o7777)
        client.bgsave()
        wait_for("a save", lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", 10)


@pytest.mark.slow
def test_a_redis_that_could_not_save_is_not_started_anew(lab: Lab, cannot_save: None) -> None:
    """What it holds is in no file; a new start would lose it."""
    golden, redis = lab.golden(), starts(lab, "redis")
    with lab.redis() as client:
        before = set(client.scan_iter())
    assert before

    done = lab.play("rollback", "-e", f"deployment={golden}")

    assert done.rc != 0, "a Redis that takes no writes is not well"
    assert "MISCONF" in done.flat, done.output
    assert "Make room where its data lie" in done.flat
    assert starts(lab, "redis") == redis
    with lab.redis() as client:
        assert set(client.scan_iter()) == before


@pytest.mark.slow
def test_a_kong_that_was_made_without_its_file_is_made_anew(lab: Lab) -> None:
    """Docker made a directory of that name, on the host and in the container, which never starts over a file."""
    lab.golden()
    before = lab.state()
    releases.kong_file(lab).unlink()
    lab.stack.compose("down", "--timeout", "1")
    lab.stack.compose("up", "-d", "--no-build", "--pull", "never", check=False)
    assert releases.kong_file(lab).is_dir()

    done = lab.play("rollback")

    assert done.rc == 0, done.output
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []

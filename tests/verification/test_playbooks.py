"""The playbooks verify and validate_config, and the plan's guard, as a user drives them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import breaks_kong
import pytest
import stack_state
from lab import GOLDEN, Lab
from load import ArgumentWatch

import tools

LINE = re.compile(r"(passed|FAILED|not measured) +(\w+) +(?:\(advisory\))? +(\d+) ms ")


def hits(text: str | bytes, lab: Lab) -> list[str]:
    """Which secrets stand in a text."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return [secret for secret in lab.canaries if secret.encode() in data]


def test_verify_says_a_line_a_check_with_its_time_and_writes_the_same_as_json(lab: Lab) -> None:
    before = lab.state()

    done = lab.play("verify")

    assert done.rc == 0, done.output
    shown = {name: int(ms) for _status, name, ms in LINE.findall(done.stdout)}
    record = json.loads((lab.stack.directory / ".recovery" / "verification.json").read_text(encoding="utf-8"))
    assert record["passed"] is True
    assert set(shown) == {item["name"] for item in record["checks"]}
    assert {"masking", "kong_configuration_hash", "redis_counters", "link_kong_redis"} <= set(shown)
    assert {frozenset(item) for item in record["checks"]} == {
        frozenset(("name", "status", "level", "expected", "found", "ms"))
    }
    assert done.changed == 0
    assert stack_state.untouched(before, lab.state()) == []
    slowest = sorted(shown.items(), key=lambda item: -item[1])[:5]
    print(f"\nverify.yml on a healthy stack: {done.seconds:.1f} s; slowest checks (ms): {slowest}")


def test_verify_in_check_mode_sends_no_probe_and_leaves_no_trace(lab: Lab) -> None:
    path = lab.stack.directory / ".recovery" / "verification.json"
    path.unlink(missing_ok=True)
    with lab.redis() as client:
        commands = client.info("commandstats").get("cmdstat_incr", {}).get("calls", 0)
    done = lab.play("verify", "--check")
    with lab.redis() as client:
        assert client.info("commandstats").get("cmdstat_incr", {}).get("calls", 0) == commands
    assert done.rc == 0, done.output
    assert not path.exists()
    assert re.search(r"not measured +masking ", done.stdout)


def test_verify_fails_truthfully_with_evidence_and_the_next_command(lab: Lab) -> None:
    with breaks_kong.failed_reload(lab):
        done = lab.play("verify", "-e", "verification_timeout=0")
    tools.healthy(lab)
    assert done.rc == 2, done.output
    message = done.flat.split("fatal:", 1)[-1]
    assert "FAILED kong_file" in message
    assert "is no valid YAML (line 2)" in message
    assert "EVIDENCE kong: Kong refuses" in message
    assert "NEXT for kong_file: ansible-playbook playbooks/rollback.yml" in message
    assert "masking_kinds" not in message


@pytest.mark.parametrize("broken", [False, True], ids=["healthy", "broken"])
def test_no_secret_in_the_output_of_verify_and_validate_config(lab: Lab, tmp_path: Path, broken: bool) -> None:
    log = tmp_path / "ansible.log"
    tools.execute(lab, "kong", "sh", "-c", 'echo "key $ANTHROPIC_API_KEY and $REDIS_PASSWORD" > /proc/1/fd/2')
    further = ("-vvv", "-e", "verification_timeout=0")
    with breaks_kong.failed_reload(lab) if broken else tools.nothing(), ArgumentWatch() as watch:
        environ = {"ANSIBLE_LOG_PATH": str(log)}
        runs = [lab.play(name, *further, environ=environ) for name in ("verify", "validate_config")]
    tools.healthy(lab)
    assert [done.rc for done in runs] == ([2, 2] if broken else [0, 0]), [done.output for done in runs]
    for done in runs:
        assert hits(done.output, lab) == []
    assert hits(log.read_bytes(), lab) == []
    assert len(watch.seen) > 10
    assert [line for line in watch.seen if hits(line, lab)] == []


def test_validate_config_fails_on_errors_and_only_warns_otherwise(lab: Lab) -> None:
    good = lab.play("validate_config")
    env = lab.stack.env_file
    bad = env.read_bytes().replace(b"KONG_MEMORY_LIMIT=1g", b"KONG_MEMORY_LIMIT=plenty") + b"STACK_SUBNET=1.2.3.4/99\n"
    with tools.written(env, bad + b"SHORT_PASSWORD=short\n$(touch /tmp/never)\n"):
        done = lab.play("validate_config", "-e", '{"stack_required_variables": ["REDIS_PASSWORD", "MISSING"]}')
    assert good.rc == 0, good.output
    assert done.rc == 2, done.output
    for text in ("KONG_MEMORY_LIMIT is plenty", "STACK_SUBNET is 1.2.3.4/99", "MISSING is required and missing"):
        assert text in done.flat
    assert "WARNING SHORT_PASSWORD has fewer than 12 characters" in done.flat
    assert not Path("/tmp/never").exists()


def alter(lab: Lab, target: str, change: Callable[[bytes], bytes], proven: bool = True) -> None:
    """Make the backup hold another content of one file, as if it had been taken so."""
    golden = lab.backup_path(GOLDEN)
    manifest = json.loads((golden / "manifest.json").read_text(encoding="utf-8"))
    for item in manifest["files"]:
        if item.get("target") == target or (target.endswith(".env") and item["path"] == "config.env"):
            path = golden / item["path"]
            data = change(path.read_bytes())
            path.write_bytes(data)
            item.update(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
            if target.endswith("kong.yml"):
                md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
                manifest["kong"].update(configuration_hash=md5, proven=proven)
    (golden / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.slow
def test_a_backup_whose_environment_file_is_invalid_is_refused_and_a_live_one_only_warns(fresh: Lab) -> None:
    fresh.golden()
    env = f"config/{fresh.environment}.env"
    with tools.written(fresh.stack.env_file, fresh.stack.env_file.read_bytes() + b"OTHER_SUBNET=nonsense\n"):
        live = fresh.play("rollback", "--check", "-e", f"deployment={GOLDEN}")
    alter(fresh, env, lambda data: data + b"OTHER_SUBNET=nonsense\n")

    done = fresh.play("rollback", "--check", "-e", f"deployment={GOLDEN}")
    forced = fresh.play("force_rollback", "--check", "-e", f"deployment={GOLDEN}")

    assert live.rc == 0, live.output
    assert f"WARNING: the live {env}: OTHER_SUBNET is nonsense" in live.flat
    assert done.rc != 0, done.output
    assert f"REFUSED: config_invalid - {env} of the backup: OTHER_SUBNET is nonsense" in done.flat
    assert "(waivable by force_rollback: yes)" in done.flat
    assert forced.rc == 0, forced.output
    assert "WAIVED by force: config_invalid" in forced.flat


@pytest.mark.parametrize(
    "proven", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["nobody-says-so", "the-backup-says-so"]
)
def test_an_empty_configuration_is_refused_beforehand_unless_the_backup_itself_says_so(
    fresh: Lab, proven: bool
) -> None:
    fresh.golden()
    alter(fresh, "kong/kong.yml", lambda _data: breaks_kong.EMPTY, proven)

    done = fresh.play("rollback", "--check", "-e", f"deployment={GOLDEN}")

    assert (done.rc == 0) is proven, done.output
    assert ("REFUSED: config_invalid - kong/kong.yml of the backup: holds no service" in done.flat) is not proven


@pytest.fixture
def fresh(lab: Lab) -> Lab:
    """The stack without backups, for a test that makes and alters one."""
    shutil.rmtree(lab.stack.directory / "backups", ignore_errors=True)
    return lab

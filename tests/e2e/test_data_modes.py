"""What the playbooks do with the mappings: exactly what is asked for, taken back by the printed command."""

from __future__ import annotations

import re
import time

import pytest
import stack_state
from lab import Lab
from load import Load

from ansible_collections.kong_masking.recovery.plugins.module_utils.data.redis_job import RedisJob
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs

COUNTER = "aws_masker:cnt:ec2"


def counter(lab: Lab) -> int:
    """The number that the plugin gave out last."""
    with lab.redis() as client:
        return int(client.get(COUNTER))


def map_anew(lab: Lab, count: int) -> None:
    """Mappings that clients made after the backup."""
    for _time in range(count):
        assert lab.stack.probe()


def printed_return(output: str) -> list[str]:
    """The extra variables of the command that takes the run back, as printed."""
    found = re.search(
        r"TO TAKE IT BACK: ansible-playbook playbooks/rollback.yml -e env=\S+ -e (\S+) -e (\S+?)'?(?:\s|$)", output
    )
    assert found, output
    return ["-e", found.group(1), "-e", found.group(2)]


def test_restore_leaves_exactly_the_backups_mappings_and_restarts_nothing(lab: Lab) -> None:
    golden = lab.golden()
    wanted, identities = stack_state.mappings(lab.stack), lab.state().identities()
    map_anew(lab, 5)
    raised = counter(lab)

    done = lab.play("rollback", "-e", f"deployment={golden}", "-e", "redis_data=restore")

    assert done.rc == 0, done.output
    assert stack_state.mappings(lab.stack) == wanted
    assert counter(lab) >= raised
    assert lab.state().identities() == identities
    assert lab.play("rollback", "-e", f"deployment={golden}", "-e", "redis_data=restore").changed == 0


@pytest.mark.slow
def test_empty_and_then_the_printed_return_command(lab: Lab) -> None:
    golden = lab.golden()
    map_anew(lab, 3)
    before, raised = stack_state.mappings(lab.stack), counter(lab)

    done = lab.play("rollback", "-e", f"deployment={golden}", "-e", "preserve_data=false")

    assert done.rc == 0, done.output
    assert "DATA: EMPTY" in done.flat
    assert stack_state.mappings(lab.stack) == {}
    assert counter(lab) >= raised
    back = lab.play("rollback", *printed_return(done.flat))
    assert back.rc == 0, back.output
    assert stack_state.mappings(lab.stack) == before
    with lab.redis() as client:
        assert client.hgetall("another:family") == {b"kept": b"too"}


@pytest.mark.slow
def test_recover_data_adds_the_backups_mappings_to_the_live_ones(lab: Lab) -> None:
    lab.golden()
    saved = lab.backup("-e", "kind=data")
    wanted = stack_state.mappings(lab.stack)
    with lab.redis() as client:
        client.delete(*wanted)
    map_anew(lab, 3)
    live = stack_state.mappings(lab.stack)

    done = lab.play("recover_data", "-e", f"deployment={saved}", "-e", "backup_owner=nobody")

    assert done.rc == 0, done.output
    assert stack_state.mappings(lab.stack) == {**wanted, **live}
    snapshot = lab.backup_path(lab.snapshots()[-1])
    assert {path.owner() for path in [snapshot, *snapshot.rglob("*")]} == {"nobody"}
    unnamed = lab.play("recover_data")
    assert unnamed.rc != 0
    assert "Name the backup" in unnamed.flat


@pytest.mark.slow
def test_a_restore_that_loses_over_half_is_refused_and_force_waives_it(lab: Lab) -> None:
    with lab.redis() as client:
        client.delete(*stack_state.mappings(lab.stack))
    old = lab.backup()
    map_anew(lab, 4)
    before = lab.state()

    done = lab.play("rollback", "-e", f"deployment={old}", "-e", "redis_data=restore")

    assert done.rc != 0
    assert "mappings_loss" in done.flat
    assert stack_state.untouched(before, lab.state()) == []
    forced = lab.play("force_rollback", "-e", f"deployment={old}", "-e", "redis_data=restore")
    assert forced.rc == 0, forced.output
    assert "WAIVED: mappings_loss" in forced.flat
    assert stack_state.mappings(lab.stack) == {}


@pytest.mark.slow
def test_contradictions_and_settings_of_the_old_script_are_refused(lab: Lab) -> None:
    golden = lab.golden()
    before = lab.state()
    contradiction = lab.play("rollback", "-e", f"deployment={golden}", "-e", "services=kong", "-e", "redis_data=empty")
    both = lab.play("rollback", "-e", f"deployment={golden}", "-e", "preserve_data=true", "-e", "redis_data=empty")
    old = lab.play("rollback", "-e", f"deployment={golden}", environ={"PRESERVE_DATA": "true"})
    assert [done.rc != 0 for done in (contradiction, both, old)] == [True, True, True]
    assert "contradicts services" in contradiction.flat
    assert "preserve_data=true contradicts redis_data=empty" in both.flat
    assert "instead of PRESERVE_DATA use preserve_data" in old.flat
    assert stack_state.untouched(before, lab.state()) == []


@pytest.mark.slow
def test_no_request_is_served_while_files_are_replaced(lab: Lab) -> None:
    """Kong is off from before Redis goes until after it is back: a masking plugin without Redis mixes clients up."""
    saved = lab.backup("-e", "kind=data")
    dump = lab.stack.directory / "backups" / "data" / saved / "redis-backup.rdb"
    defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
    given = {"project": lab.project, "environment": lab.environment, "dir": str(lab.stack.directory)}
    stack = StackArgs.from_params({**defaults, **given})
    with Load(lab.stack) as load:
        time.sleep(1)
        job = RedisJob(stack, DockerStack(lab.project), Runner(), "restore", str(dump), {"method": "file"})
        result = job.run()
        time.sleep(1)
    pause = result["write_pause_ms"] / 1000
    print(f"\n{load.line('file')}; Redis away for {pause:.2f} s")
    assert (result["method"], result["kong_off"]) == ("file", True)
    assert load.wrong() == []
    assert load.gap >= pause
    assert lab.stack.probe()

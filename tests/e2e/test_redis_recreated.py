"""Redis is replaced: Kong is off meanwhile, because without Redis it hands clients each other's identifiers."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import Lab
from load import Load


@pytest.mark.slow
def test_no_request_is_masked_wrongly_while_redis_is_replaced(lab: Lab) -> None:
    lab.golden()
    good = lab.state()
    lab.stack.set_env(REDIS_MEMORY_LIMIT="200m")
    releases.up(lab.stack, "redis")
    releases.load_kong_file(lab)
    lab.wait_masked()
    before = lab.state()

    with Load(lab.stack) as load:
        done = lab.play("rollback")

    after = lab.state()
    print(f"\n{load.line('Redis is recreated')}")
    assert done.rc == 0, done.output
    assert load.wrong() == []
    assert stack_state.lost(before, after) == []
    assert after.services["redis"]["memory"] == good.services["redis"]["memory"]
    assert stack_state.differences(good, after, identity=False, data=False) == []
    steps = [(item["action"], item.get("service")) for item in lab.record()["executed"]]
    assert steps.index(("stop", "kong")) < steps.index(("recreate", "redis")) < steps.index(("ready", "redis"))
    assert steps.index(("ready", "redis")) < steps.index(("start", "kong")) < steps.index(("reload", "nginx"))


@pytest.mark.slow
def test_mappings_stay_where_what_comes_back_makes_redis_load_older_files(lab: Lab) -> None:
    """The release switched the append-only files off: they end with it, and Redis reads no dump where they are on."""
    lab.golden()
    good = lab.state()
    lab.stack.set_env(REDIS_APPENDONLY="no")
    releases.up(lab.stack, "redis")
    releases.load_kong_file(lab)
    lab.wait_masked()
    for _time in range(5):
        assert lab.stack.probe()
    before = lab.state()
    assert len(before.keys) > len(good.keys)

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert stack_state.lost(before, after) == []
    assert stack_state.environment_of(after, "redis") == stack_state.environment_of(good, "redis")
    assert "Redis came back with less: 1 of 1 alias counters fell" in done.flat
    kept = next(item for item in lab.record()["executed"] if item["action"] == "keep_data")
    assert kept["result"]["keys_restored"] == len(set(before.keys) - set(good.keys))
    again = lab.play("rollback")
    assert (again.rc, again.changed) == (0, 0), again.output

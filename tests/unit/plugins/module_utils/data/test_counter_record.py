"""The highest counters that are known, for the day when Redis cannot be asked."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.data import counter_record as record
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs

EC2, S3 = "aws_masker:cnt:ec2", "aws_masker:cnt:s3"


@pytest.fixture
def stack(tmp_path):
    defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
    given = {"project": "gateway", "environment": "test", "dir": str(tmp_path)}
    return StackArgs.from_params({**defaults, **given})


def manifest(environment="test", project="gateway", **counters):
    return {"environment": environment, "project": project, "redis": {"counters": counters}}


def test_the_floor_is_the_highest_of_all_and_a_margin(stack):
    manifests = [manifest(**{EC2: 5, S3: 1}), manifest(**{EC2: 70}), manifest(project="other", **{EC2: 900}), {}]
    found = record.floor(manifests, {S3: 8}, stack)
    assert found == {EC2: 70 + record.MARGIN, S3: 8 + record.MARGIN}


def test_what_was_written_down_only_grows_and_is_private(stack):
    runner = Runner()
    assert record.recorded(stack, runner) == {}
    record.record(stack, runner, {EC2: 5, S3: 3})
    record.record(stack, runner, {EC2: 4, S3: 9})
    assert record.recorded(stack, runner) == {EC2: 5, S3: 9}
    assert runner.stamp(stack.path(record.PATH)).mode == 0o600


def test_a_floor_of_a_later_run_counts_what_a_killed_one_wrote_down(stack):
    record.record(stack, Runner(), {EC2: 5, "other:cnt:x": 7})
    floor = record.CounterFloor(stack, Runner(), [b"aws_masker:"])
    assert floor.of(0, None) == {EC2.encode(): 5}
    assert floor.of(3, None) == {}


def test_the_floor_is_that_of_the_database_that_the_plugin_uses(stack):
    elsewhere = dataclasses.replace(stack, redis_database=3)
    record.record(elsewhere, Runner(), {EC2: 5})
    floor = record.CounterFloor(elsewhere, Runner(), [b"aws_masker:"])
    assert floor.of(3, None) == {EC2.encode(): 5}
    assert floor.of(0, None) == {}
    floor.doubt(None, None)
    assert floor.of(3, None) == {EC2.encode(): 5 + record.MARGIN}


def test_forgotten_where_the_numbering_begins_anew(stack):
    record.record(stack, Runner(), {EC2: 5})
    floor = record.CounterFloor(stack, Runner(), [b"aws_masker:"])
    floor.forget()
    floor.forget()
    assert floor.of(0, None) == {}
    assert record.recorded(stack, Runner()) == {}


def test_a_server_that_came_back_may_have_lost_its_last_numbers(stack):
    """It has the state of its last save: what backups and earlier runs know counts more, and a margin is added."""
    record.record(stack, Runner(), {EC2: 70})
    floor = record.CounterFloor(stack, Runner(), [b"aws_masker:"])
    floor.doubt(None, None)
    assert floor.of(0, None) == {EC2.encode(): 70 + record.MARGIN}
    assert record.recorded(stack, Runner()) == {EC2: 70 + record.MARGIN}

"""The mutation table: broken stacks, the checks that must fail for each, and no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import breaks_kong as kong
import breaks_redis as redis
import breaks_stack as stack
import pytest
from asking import verify
from lab import Lab

import tools

Break = Callable[[Lab], contextlib.AbstractContextManager[None]]
KNOWN_LEAK = "masking_kinds"

# What is broken → the critical checks that fail, and words that one of them must say.
CRITICAL: list[tuple[Break, set[str], str]] = [
    (kong.plugin_missing, {"masking_plugin"}, "not enabled anywhere"),
    (kong.plugin_disabled, {"masking_plugin"}, "not enabled anywhere"),
    (kong.plugin_on_another_route, {"masking"}, "saw the identifier in clear"),
    (kong.plugin_lost_in_memory_only, {"kong_configuration_hash", "masking_plugin"}, "not enabled anywhere"),
    (kong.hash_differs, {"kong_configuration_hash"}, "kong/kong.yml has"),
    (kong.file_edited_and_not_deployed, {"kong_configuration_hash"}, "kong/kong.yml has"),
    (kong.a_service_is_gone, {"kong_configuration_hash"}, "kong/kong.yml has"),
    (kong.empty_configuration, {"kong_configuration_hash"}, "kong/kong.yml has"),
    (kong.empty_configuration_deployed, {"kong_file"}, "no service and no route"),
    (kong.failed_reload, {"kong_file"}, "no valid YAML (line 2)"),
    (kong.reload_of_a_refused_file, {"kong_configuration_hash"}, "kong/kong.yml has"),
    (kong.frozen_workers, {"kong_workers"}, "is stopped"),
    (kong.paused, {"container_kong"}, "is paused"),
    (kong.kong_down, {"container_kong"}, "is exited"),
    (kong.restart_loop, {"container_kong"}, "restarts"),
    (kong.unhealthy, {"container_kong"}, "is unhealthy"),
    (kong.killed_for_memory, {"container_kong"}, "killed for lack of memory"),
    (kong.older_plugin_code_lies_there, {"plugin_code"}, "0.9.0"),
    (kong.plugin_code_changed_under_kong, {"plugin_code"}, "still runs the older code"),
    (redis.down, {"container_redis"}, "is exited"),
    (redis.paused, {"container_redis"}, "is paused"),
    (redis.hung, {"redis"}, "is stopped by a signal and answers nobody"),
    (redis.read_only, {"redis_role"}, "replica"),
    (redis.refuses_writes, {"redis_write"}, "NOREPLICAS"),
    (redis.cannot_save, {"redis"}, "answers PING with MISCONF"),
    (redis.wrong_password, {"redis"}, "does not accept the password"),
    # Without a password its protected mode closes each connection that comes over a network.
    (redis.no_password, {"redis"}, "does not answer PING"),
    (redis.kong_has_another_password, {"kong_gateway"}, "of Kong's own making"),
    (redis.other_instance, {"masking"}, "not in this Redis"),
    (redis.lost_its_name, {"container_redis"}, "not found by its name"),
    (redis.counters_rewound, {"redis_counters"}, "cnt:ec2 is 5"),
    (redis.counters_missing, {"redis_counters"}, "cnt:ec2 is missing"),
    (redis.pairs_disagree, {"redis_mappings"}, "AWS_EC2_100"),
    (stack.proxy_at_the_old_address, {"proxy_chain"}, "not from Kong"),
    (stack.proxy_passes_kong_by, {"proxy_chain"}, "not from Kong"),
    (stack.proxy_is_not_well, {"proxy_health"}, "degraded"),
    (stack.proxy_file_broken, {"proxy_configuration"}, "proxy_http_version"),
    (stack.replies_cut_short, {"masking"}, "its body grew after its length was announced"),
    (stack.proxy_down, {"container_nginx"}, "is exited"),
    (stack.port_answered_by_a_program, {"container_nginx", "ports_nginx"}, "is answered by process"),
    (stack.port_answered_by_another_container, {"container_nginx", "ports_nginx"}, "-squatter"),
    (stack.client_gone, {"container_client"}, "no container"),
    (stack.kong_on_the_wrong_network, {"link_kong_redis", "link_nginx_kong"}, "no network of the project"),
]
# What deserves a look and is no reason to undo anything.
ADVISORY: list[tuple[Break, set[str], str]] = [
    (redis.nearly_full, {"redis_memory"}, "MiB"),
    (stack.log_directory_not_writable, {"writable_mounts"}, "/usr/local/kong/logs"),
    (stack.nearly_out_of_memory, {"resources"}, "of 128 MiB"),
    (kong.upstream_unresolvable, {"upstream_reachable"}, "is an unknown name"),
    (kong.upstream_refuses, {"upstream_reachable"}, "accepts no connection"),
]


@pytest.fixture
def healed(lab: Lab) -> Iterator[Lab]:
    """The stack, which must serve again afterwards: else the next test would fail for this one's reason."""
    yield lab
    tools.healthy(lab)


def says(found, words: str) -> bool:
    """Whether a check that failed says these words."""
    return any(words in item["found"] for item in found.checks if item["status"] == "failed")


@pytest.mark.parametrize(("broken", "names", "words"), CRITICAL, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_stack_fails_with_the_named_check_and_no_other(
    healed: Lab, broken: Break, names: set[str], words: str
) -> None:
    with broken(healed):
        found = verify(healed)
    assert not found.passed, str(found)
    assert found.failed - {KNOWN_LEAK} == names, str(found)
    assert says(found, words), str(found)


@pytest.mark.parametrize(("broken", "names", "words"), ADVISORY, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_advisory_is_named_and_the_verdict_stays(
    healed: Lab, broken: Break, names: set[str], words: str
) -> None:
    with broken(healed):
        # What was loaded a moment ago may cost the next request; it is asked again, as every real verification does.
        found = verify(healed, patience=10)
    assert found.passed, str(found)
    assert found.failed - {KNOWN_LEAK} == names, str(found)
    assert says(found, words), str(found)


def test_the_table_is_long_enough() -> None:
    assert len(CRITICAL) + len(ADVISORY) >= 40

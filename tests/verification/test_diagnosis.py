"""A failure says what, where, expected, found, and the next command; the evidence is real and holds no secret."""

from __future__ import annotations

import breaks_kong
import breaks_stack
from asking import stack_args, verify
from lab import Lab
from outside import run

import tools
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.diagnosis import Diagnosis
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner


def lines(lab: Lab, service: str) -> str:
    """The evidence about a service."""
    return "\n".join(Diagnosis(stack_args(lab), DockerStack(lab.project), Runner()).lines(service))


def test_a_file_that_kong_refuses_is_told_with_kongs_own_words_and_the_line(lab: Lab) -> None:
    with breaks_kong.failed_reload(lab):
        found = verify(lab)
        (about,) = found.diagnosis
    tools.healthy(lab)
    assert about["service"] == "kong"
    assert any("Kong refuses" in line and "line " in line for line in about["lines"]), about
    assert about["hint"].startswith("ansible-playbook playbooks/rollback.yml")


def test_a_container_that_dies_again_and_again_is_told_with_its_events_and_its_log(lab: Lab) -> None:
    with breaks_kong.restart_loop(lab):
        found = lines(lab, "kong")
    tools.healthy(lab)
    assert "restarts" in found
    assert "engine events of the last 5 minutes:" in found
    assert "die" in found.partition("engine events of the last 5 minutes:")[2]
    assert "Kong refuses /usr/local/kong/declarative/kong.yml, line 2" in found
    assert "last lines of its log:" in found


def test_a_port_that_a_program_holds_is_told_with_its_owner(lab: Lab) -> None:
    with breaks_stack.port_answered_by_a_program(lab):
        name = tools.name_of(lab, "nginx")
        failed = run(["docker", "start", name], check=False)
        found = lines(lab, "nginx")
    tools.healthy(lab)
    assert failed.returncode != 0
    assert f"port {lab.stack.ports.proxy} (for 80/tcp) is held by process" in found
    assert "the engine: " in found


def test_memory_that_was_too_small_is_told_with_its_limit(lab: Lab) -> None:
    with breaks_kong.killed_for_memory(lab):
        found = lines(lab, "kong")
    tools.healthy(lab)
    assert "killed for lack of memory (limit 12 MiB)" in found


def test_a_secret_in_a_log_is_not_told(lab: Lab) -> None:
    tools.execute(lab, "kong", "sh", "-c", 'echo "key $ANTHROPIC_API_KEY and $REDIS_PASSWORD" > /proc/1/fd/2')
    found = lines(lab, "kong")
    assert "key ******** and ********" in found
    assert [secret for secret in lab.canaries if secret in found] == []

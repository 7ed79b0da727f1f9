# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which container a failed check points at, and the next command. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import CRITICAL, FAILED
from ..stack_args import StackArgs

PER_SERVICE = ("container_", "ports_")
MAPPINGS = ("redis_mappings", "redis_counters")


def guilty(check: str, stack: StackArgs) -> str:
    """Return the service that a failed check implicates."""
    for prefix in PER_SERVICE:
        if check.startswith(prefix):
            return check[len(prefix) :]
    if check == f"link_{stack.proxy_service}_{stack.kong_service}" or check.startswith("proxy_"):
        return stack.proxy_service
    if check.startswith("redis"):
        return stack.redis_service
    return stack.kong_service


def next_step(check: str, stack: StackArgs, container: str) -> str:
    """Return the next command for a failed check; container: the guilty container's name, where there is one."""
    playbook = f"-e env={stack.environment}"
    if check in MAPPINGS:
        return f"ansible-playbook playbooks/recover_data.yml {playbook} -e deployment=ID"
    if check in ("kong_configuration_hash", "kong_file", "kong_services", "kong_routes", "masking_plugin"):
        return f"ansible-playbook playbooks/rollback.yml {playbook} -e services={stack.kong_service} --check --diff"
    if check in ("proxy_chain", f"link_{stack.proxy_service}_{stack.kong_service}") and container:
        return f"docker exec {container} nginx -s reload"
    if check == "proxy_configuration" and container:
        return f"docker exec {container} nginx -t"
    return (
        f"docker logs --tail 50 {container}"
        if container
        else f"docker ps -a --filter label=com.docker.compose.project={stack.project}"
    )


def failed(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the critical checks that failed."""
    return [item["name"] for item in checks if item["status"] == FAILED and item["level"] == CRITICAL]


def evidence_lines(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a diagnosis as lines for a person."""
    lines = []
    for item in found:
        lines += [f"EVIDENCE {item['service']}: {line}" for line in item["lines"]]
        lines.append(f"NEXT for {', '.join(item['checks'])}: {item['hint']}")
    return lines

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which container a failed check points at, and the next command. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import CRITICAL, FAILED
from ..gateway.kong_answers import CUT, OWN_ERROR
from ..stack_args import StackArgs

PER_SERVICE = ("container_", "ports_")
MAPPINGS = ("redis_mappings", "redis_counters")


def guilty(check: str, stack: StackArgs, found: str = "") -> str:
    """Return the service that a failed check implicates, or the host of a Redis elsewhere; found: what it found."""
    for prefix in PER_SERVICE:
        if check.startswith(prefix):
            return check[len(prefix) :]
    if _proxys(check, stack, found) or CUT in found:
        return stack.proxy_service or stack.kong_service
    if check.startswith("redis"):
        return stack.redis_host or stack.redis_service
    return stack.kong_service


def _proxys(check: str, stack: StackArgs, found: str) -> bool:
    """Say whether a check is the proxy's; what Kong itself answered through it is not."""
    link = f"link_{stack.proxy_service}_{stack.kong_service}"
    return bool(stack.proxy_service) and (check == link or check.startswith("proxy_")) and OWN_ERROR not in found


def next_step(check: str, stack: StackArgs, container: str, found: str = "") -> str:
    """Return the next command for a failed check.

    container: the guilty container's name, where there is one; found: what the check found.
    """
    playbook = f"-e env={stack.environment}"
    if check in MAPPINGS:
        return f"ansible-playbook playbooks/recover_data.yml {playbook} -e deployment=ID"
    if check in ("kong_configuration_hash", "kong_file", "kong_services", "kong_routes", "masking_plugin"):
        return f"ansible-playbook playbooks/rollback.yml {playbook} -e services={stack.kong_service} --check --diff"
    if CUT in found and stack.proxy_service and container:
        told = "set proxy_http_version 1.1 where nginx passes requests to Kong"
        return f"{told}, then: docker exec {container} nginx -s reload"
    if check.startswith("redis") and stack.redis_host:
        words = ["redis-cli", "-h", stack.redis_host, "-p", str(stack.redis_port)]
        words += ["--user", stack.redis_user, "--askpass"] if stack.redis_user else []
        return " ".join([*words, *(["--tls"] if stack.redis_tls else []), "ping"])
    reached = ("proxy_chain", f"link_{stack.proxy_service}_{stack.kong_service}")
    if check in reached and _proxys(check, stack, found) and container:
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

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is a service ready? Asked of the service itself every 50 ms, never of a health check's interval."""

from __future__ import annotations

from collections.abc import Callable

from ..engine import endpoints
from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..errors import NotReadyError, RecoveryError
from ..gateway import kong_inside
from ..gateway.kong_admin import KongAdmin
from ..libraries import requests
from ..redis.redis_data import Access, RedisData
from ..stack_args import StackArgs

PAUSE = 0.05
STREAK = 2
CRASHES = 3
ANSWER_SECONDS = 3.0
GATEWAY_GONE = (502, 503, 504)


def wait_ready(
    ask: Callable[[], str],
    look: Callable[[], Container | None],
    budget: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Ask until the service is ready several times in a row.

    ask returns "" or why it is not ready. A container that keeps crashing is given up at once: waiting would not help.
    """
    end = clock() + budget
    good = 0
    first = look()
    before = first.restarts if first is not None else 0
    while True:
        problem = ask()
        good = 0 if problem else good + 1
        if good >= STREAK:
            return
        if problem:
            container = look()
            if container is not None and (
                container.restarts - before >= CRASHES or container.state in ("exited", "dead")
            ):
                raise NotReadyError(
                    f"{container.name} does not stay up: {container.state}, exit status {container.exit_code}, "
                    f"{container.restarts} restarts; {problem}.",
                    f"Look: docker logs --tail 50 {container.name}",
                )
            if clock() >= end:
                raise NotReadyError(
                    f"Not ready within {budget:.0f} s: {problem}.",
                    "Run ansible-playbook playbooks/verify.yml for every check.",
                )
        sleep(PAUSE)


def redis_problem(container: Container | None, passwords: list[str], access: Access | None = None) -> str:
    """Return why Redis cannot serve yet; empty when it answers PING with its password and takes writes."""
    if container is None or not container.running:
        return "Redis does not run"
    access = access or Access()
    place = endpoints.reachable(endpoints.redis(container, access.port, access.tls))
    if place is None:
        return "Redis accepts no connection"
    try:
        client = RedisData(place, passwords, timeout=2.0, access=access)
    except RecoveryError as exc:
        return exc.msg
    try:
        return "" if client.writable() else "Redis does not take writes yet"
    finally:
        client.close()


def kong_problem(
    container: Container | None, expected_hash: str, probe_path: str, engine: DockerStack | None = None
) -> str:
    """Return why Kong cannot serve yet; empty when it shows its configuration and answers on its proxy port.

    engine: asks an Admin API that listens inside its container only; a Kong without one is asked on its proxy port.
    """
    if container is None or not container.running:
        return "Kong does not run"
    gateway = endpoints.reachable(endpoints.gateway(container))
    if gateway is None:
        return "Kong accepts no connection"
    if endpoints.admin_off(container):
        return answer_problem(f"http://{gateway[0]}:{gateway[1]}{probe_path}")
    try:
        client = _admin(container, engine)
        if client is None:
            return "Kong accepts no connection"
        loaded = client.loaded_hash()
        if not loaded and client.facts().hash_at_start:
            return "Kong has loaded no configuration"
        if loaded and expected_hash and loaded != expected_hash:
            return f"Kong serves configuration {loaded}, expected {expected_hash}"
    except RecoveryError as exc:
        return exc.msg
    return answer_problem(f"http://{gateway[0]}:{gateway[1]}{probe_path}")


def _admin(container: Container, engine: DockerStack | None) -> KongAdmin | None:
    if engine is not None:
        return kong_inside.client(engine, container, 2.0)
    place = endpoints.reachable(endpoints.admin(container))
    return KongAdmin(f"http://{place[0]}:{place[1]}", timeout=2.0) if place else None


def proxy_problem(container: Container | None, stack: StackArgs) -> str:
    """Return why the proxy cannot serve yet; its health page stays healthy in front of a dead Kong."""
    if container is None or not container.running:
        return "the proxy does not run"
    place = endpoints.reachable(endpoints.front(container, stack.proxy_port))
    if place is None:
        return "the proxy accepts no connection"
    return answer_problem(f"http://{place[0]}:{place[1]}{stack.probe_path}")


def answers(url: str) -> bool:
    """Say whether a GET brings any HTTP answer at all."""
    return _get(url) is not None


def answer_problem(url: str) -> str:
    """Return why a GET does not get through to Kong; any answer that Kong itself gave will do."""
    answer = _get(url)
    if answer is None:
        return f"{url} gives no answer"
    by_kong = any(name.lower().startswith("x-kong-") for name in answer.headers)
    by_kong = by_kong or "kong" in answer.headers.get("Via", "")
    return f"{url} answers {answer.status_code}" if answer.status_code in GATEWAY_GONE and not by_kong else ""


def _get(url: str) -> requests.Response | None:
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(url, timeout=ANSWER_SECONDS)
    except requests.RequestException:
        return None

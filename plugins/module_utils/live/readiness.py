# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is a service ready? Asked of the service itself every 50 ms, never of a health check's interval."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection

from ..engine import endpoints
from ..engine.container import COMPLETED, Container, is_job
from ..engine.docker_stack import DockerStack
from ..errors import NotReadyError, RecoveryError
from ..gateway import kong_inside, web
from ..gateway.kong_answers import shows_kong
from ..libraries import requests
from ..redis.redis_data import Access, RedisData
from ..stack_args import StackArgs
from . import live_state

PAUSE = 0.05
STREAK = 2
CRASHES = 3
ANSWER_SECONDS = 3.0
# A proxy that still asks a Kong that is gone answers 502 as soon as the kernel gives that address up: after 3 s.
PROXY_SECONDS = 5.0
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
                if not ask():
                    continue  # a job that came to its end between the two questions
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


def kong_problem(container: Container | None, expected_hash: str, stack: StackArgs, engine: DockerStack) -> str:
    """Return why Kong cannot serve yet; empty when it shows its configuration and answers on its proxy port.

    One that only waits for its provider is ready: a provider that drops packets keeps a request open for minutes.
    engine: asks an Admin API that listens inside its container only; what a Kong was set up without is not asked.
    """
    if container is None or not container.running:
        return "Kong does not run"
    if endpoints.gateway_listen(container) is None:
        return _admin_said(container, expected_hash, engine) or _process_problem(container, engine)
    url = web.kong_url(container)
    if not url:
        return "Kong accepts no connection"
    said = _admin_said(container, expected_hash, engine)
    if said:
        return said
    answer, waits = _get(url + stack.probe_path, ANSWER_SECONDS, stack.probe_host)
    if waits and _serves_beside(url, said):
        return ""
    return _way_problem(url + stack.probe_path, answer)


def kong_silent(container: Container, stack: StackArgs, engine: DockerStack | None) -> bool:
    """Say whether a running Kong answers nobody; a request that waits for its provider alone is no such sign.

    engine: as for kong_problem; without it, an Admin API that listens inside its container only is not asked.
    """
    url = web.kong_url(container)
    if not url:
        return True
    answer, waits = _get(url + stack.probe_path, ANSWER_SECONDS, stack.probe_host)
    return answer is None and not (waits and _serves_beside(url, _admin_said(container, "", engine)))


def _serves_beside(url: str, said: str | None) -> bool:
    """Say whether a Kong that keeps the probe waiting serves what needs no provider; said: its Admin API's word.

    The same workers answer both. Where nobody can ask the Admin API, Kong's own 404 of a path without a route tells.
    """
    if said is None:
        return answers(f"{url}/recovery-probe-{secrets.token_hex(8)}")
    return not said


def _admin_said(container: Container, expected_hash: str, engine: DockerStack | None) -> str | None:
    """Return what Kong's Admin API says against it, empty for nothing; None where nobody here can ask it."""
    if endpoints.admin_hidden(container):
        return None
    listen = endpoints.admin_listen(container)
    if engine is None and endpoints.admin_inside(container):
        return None
    try:
        client = kong_inside.client(engine, container, 2.0) if engine else kong_inside.over_network(container, 2.0)
        if client is None:
            return "Kong accepts no connection"
        loaded = client.loaded_hash()
        if not loaded and client.facts().hash_at_start:
            return "Kong has loaded no configuration"
        if loaded and expected_hash and loaded != expected_hash:
            return f"Kong serves configuration {loaded}, expected {expected_hash}"
    except RecoveryError as exc:
        # One with TLS may want a certificate that nobody here has.
        return None if listen and listen.tls else exc.msg
    return ""


def _process_problem(container: Container, engine: DockerStack) -> str:
    """Return why Kong's processes do not run; it is all that can be asked where no port takes requests."""
    status, _out, _err = engine.execute(container, ["kong", "health"])
    return "" if status in (0, *live_state.NO_SUCH_COMMAND) else "Kong's processes do not run"


def proxy_problem(container: Container | None, stack: StackArgs) -> str:
    """Return why the proxy cannot serve yet; its health page stays healthy in front of a dead Kong.

    Where Kong waits for its provider, so does the proxy: it then shows with its health page that it is alive itself.
    """
    if container is None or not container.running:
        return "the proxy does not run"
    url = web.front_url(container, stack.proxy_port)
    if not url:
        return "the proxy accepts no connection"
    answer, waits = _get(url + stack.probe_path, PROXY_SECONDS, stack.probe_host)
    if waits and answers(url + stack.health_path, stack.probe_host):
        return ""
    return _way_problem(url + stack.probe_path, answer)


def other_problem(service: str, container: Container | None, core: Collection[str], until: str) -> str:
    """Return why a service that is none of the core ones is not ready yet; until: what others wait for, or empty."""
    if container is None:
        return f"{service} has no container"
    if until == COMPLETED:
        done = container.state == "exited" and container.exit_code == 0
        return "" if done else f"{service} has not done its work"
    # A job that was made anew may be over by now.
    return "" if container.running or is_job(container, core) else f"{service} does not run"


def answers(url: str, host: str = "") -> bool:
    """Say whether a GET brings any HTTP answer at all; host: as for web.get."""
    return _get(url, ANSWER_SECONDS, host)[0] is not None


def _way_problem(url: str, answer: requests.Response | None) -> str:
    """Return why a GET did not get through to Kong; any answer that Kong itself gave will do.

    So will a redirect: it shows that the proxy answers, and where it leads to is not asked.
    """
    if answer is None:
        return f"{url} gives no answer"
    gone = answer.status_code in GATEWAY_GONE and not shows_kong(answer.headers, answer.text)
    return f"{url} answers {answer.status_code}" if gone else ""


def _get(url: str, seconds: float, host: str) -> tuple[requests.Response | None, bool]:
    """Return (answer or None, whether somebody took the request and keeps it waiting)."""
    try:
        return web.get(url, seconds, host), False
    except requests.exceptions.Timeout as exc:
        return None, isinstance(exc, requests.exceptions.ReadTimeout)
    except requests.RequestException:
        return _get(f"https{url[4:]}", seconds, host) if url.startswith("http:") else (None, False)

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One masking request through the whole chain, and the evidence that its identifier did not leave in clear.

Neither a key in Redis nor what the client gets back proves masking: a leaked identifier also comes back as sent.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import NotMeasured
from .libraries import requests
from .redis_data import RedisData

ECHO, REDIS, OFF = "echo", "redis", "off"
DEGRADED_SUFFIX = "_000"
UPSTREAM_TROUBLE = (401, 403, 429, 529)


@dataclass(frozen=True)
class Probe:
    """What to send where: URL of the proxy in front, path, headers, model name; seconds to wait for the reply."""

    url: str
    path: str
    headers: Mapping[str, str]
    model: str = "probe"
    timeout: float = 15.0


def new_identifier() -> str:
    """Return an instance id that nobody has: ``i-`` and 17 hex digits."""
    return "i-" + secrets.token_hex(9)[:17]


def body_for(identifier: str, model: str) -> bytes:
    """Return a small request body that carries the identifier."""
    message = {"role": "user", "content": f"recovery probe {identifier}"}
    return json.dumps({"model": model, "max_tokens": 1, "messages": [message]}).encode()


def send(probe: Probe, identifier: str, probe_id: str) -> Any:
    """Send the request; a provider that refuses it is not the stack's fault and measures nothing."""
    headers = {"Content-Type": "application/json", **probe.headers, "X-Probe-Id": probe_id}
    session = requests.Session()
    session.trust_env = False
    reply = session.post(
        probe.url + probe.path, data=body_for(identifier, probe.model), headers=headers, timeout=probe.timeout
    )
    from_upstream = "X-Kong-Upstream-Latency" in reply.headers
    if from_upstream and (reply.status_code in UPSTREAM_TROUBLE or reply.status_code >= 500):
        raise NotMeasured(f"upstream: the provider behind Kong answers {reply.status_code}")
    return reply


def judge_echo(identifier: str, seen: bytes, reply: bytes) -> tuple[bool, str]:
    """Judge by what the upstream saw, the best evidence there is."""
    if identifier.encode() in seen:
        return False, "the upstream saw the identifier in clear"
    if DEGRADED_SUFFIX.encode() in seen:
        return False, "the upstream saw an alias ending in 000: the plugin works without Redis"
    if identifier.encode() not in reply:
        return False, "the upstream saw an alias, but the client did not get its identifier back"
    return True, "masked at the upstream, unmasked for the client"


def judge_redis(identifier: str, alias: str, original: str, status: int, reply: bytes) -> tuple[bool, str]:
    """Judge by the fresh pair of mappings and a complete reply, where the upstream cannot be asked."""
    if not alias:
        return False, "no mapping was made for the identifier"
    if alias.endswith(DEGRADED_SUFFIX):
        return False, "the alias ends in 000: the plugin works without Redis"
    if original != identifier:
        return False, "map and reverse entry of the identifier disagree"
    try:
        json.loads(reply)
    except ValueError:
        return False, f"the reply (status {status}) is no complete JSON document"
    return True, "a fresh pair of mappings and a complete reply"


def run(probe: Probe, evidence: str, echo_url: str, data: RedisData | None, prefix: str) -> tuple[bool, str]:
    """Make the masking check with the given kind of evidence; the probe's own mapping is removed again."""
    if evidence == OFF:
        raise NotMeasured("masking_probe is off")
    identifier, probe_id = new_identifier(), secrets.token_hex(8)
    try:
        reply = send(probe, identifier, probe_id)
        if reply.status_code != 200:
            return False, f"status {reply.status_code} through the proxy"
        if evidence == ECHO:
            seen = requests.get(f"{echo_url}/__seen", params={"probe": probe_id}, timeout=probe.timeout)
            if seen.status_code != 200:
                return False, "the request did not reach the upstream"
            return judge_echo(identifier, seen.content, reply.content)
        if data is None:
            return False, "Redis does not answer, so nothing shows that masking works"
        alias, original = pair_of(data, prefix, identifier)
        return judge_redis(identifier, alias, original, reply.status_code, reply.content)
    except requests.RequestException as exc:
        return False, f"{type(exc).__name__} through the proxy"
    finally:
        if data is not None:
            forget(data, prefix, identifier)


def reverse_key(prefix: str, identifier: str) -> str:
    """Return the key of an identifier's reverse entry."""
    return f"{prefix}rev:{base64.b64encode(identifier.encode()).decode()}"


def pair_of(data: RedisData, prefix: str, identifier: str) -> tuple[str, str]:
    """Return (alias, original that the alias maps to); empty strings where there is none."""
    alias = data.text(reverse_key(prefix, identifier))
    original = data.text(f"{prefix}map:{alias}") if alias else ""
    return alias, original


def forget(data: RedisData, prefix: str, identifier: str) -> None:
    """Remove the pair that the probe made; the random identifier makes sure that it is nobody else's."""
    alias, original = pair_of(data, prefix, identifier)
    if alias and original == identifier:
        data.client.delete(reverse_key(prefix, identifier), f"{prefix}map:{alias}")

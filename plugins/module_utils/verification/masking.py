# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One masking request through the whole chain, and the evidence that its identifiers did not leave in clear.

Neither a key in Redis nor what the client gets back proves masking: a leaked identifier also comes back as sent. The
best evidence is the upstream's own view; next come fresh mappings that agree, and a complete reply.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..checks import NotMeasured
from ..gateway import web
from ..gateway.kong_answers import CUT, NOT_REACHED
from ..libraries import redis, requests
from ..redis.redis_data import RedisData
from .masking_kinds import Identifier, fresh

ECHO, REDIS, OFF = "echo", "redis", "off"
DEGRADED_SUFFIX = "_000"
PLACE = "{identifiers}"
DEFAULT_BODY: dict[str, Any] = {
    "model": "recovery-probe",
    "max_tokens": 1,
    "messages": [{"role": "user", "content": f"recovery probe {PLACE}"}],
}
LIMITED = "the gateway's own limit on requests answers 429"
# Kinds that get a pair in Redis and go out in clear all the same: only the upstream can tell.
NEEDS_ECHO = ("private_ip",)


@dataclass(frozen=True)
class Probe:
    """What to send where: URL that clients ask, path, headers, body template; seconds to wait for the reply."""

    url: str
    path: str
    headers: Mapping[str, str]
    template: Any = ""
    timeout: float = 15.0


@dataclass
class Verdict:
    """What one probe showed: kind → (good, what was found); trouble: why the upstream measured nothing."""

    kinds: dict[str, tuple[bool, str]] = field(default_factory=dict)
    trouble: str = ""

    def stops(self, kinds: Iterable[str]) -> bool:
        """Say whether further requests would be in vain, or add to a limit."""
        return self.trouble == LIMITED or any(not self.kinds.get(kind, (True, ""))[0] for kind in kinds)

    def of(self, kinds: Iterable[str]) -> tuple[bool, str]:
        """Return one answer for some kinds: what leaks is named, and a failure counts more than a trouble."""
        judged = {kind: self.kinds[kind] for kind in kinds if kind in self.kinds}
        bad = {kind: found for kind, (good, found) in judged.items() if not good}
        if bad:
            return False, "; ".join(f"{kind}: {found}" for kind, found in sorted(bad.items()))
        if self.trouble or not judged:
            raise NotMeasured(self.trouble or "no kind of identifier was asked for")
        return True, f"{next(iter(judged.values()))[1]} ({', '.join(judged)})"


def body_for(identifiers: Sequence[Identifier], template: Any = "") -> bytes:
    """Return a small request body that carries the identifiers; the template names their place."""
    text = json.dumps(template or DEFAULT_BODY) if not isinstance(template, str) or not template else template
    return text.replace(PLACE, " ".join(item.text for item in identifiers)).encode()


def send(probe: Probe, identifiers: Sequence[Identifier], probe_id: str) -> Any:
    """Send the request and return the reply, whatever it is.

    A compressed reply is one that the plugin does not read: it comes back with aliases in it. The libraries ask for
    compression by themselves.
    """
    usual = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    headers = {**usual, **probe.headers, "X-Probe-Id": probe_id}
    return web.session().post(
        probe.url + probe.path,
        data=body_for(identifiers, probe.template),
        headers=headers,
        timeout=probe.timeout,
        allow_redirects=False,
    )


def upstream_trouble(status: int, headers: Mapping[str, str], reply: bytes) -> str:
    """Return why the provider behind Kong measured nothing; empty where the answer is good or Kong's own failure."""
    words = reply[:2000].decode("utf-8", "replace")
    reason = next((text for text in NOT_REACHED if text in words), "")
    if status in (502, 503, 504) and reason:
        return f"upstream: Kong gets no answer out of it ({reason})"
    if status >= 400 and any(name.lower() == "x-kong-upstream-latency" for name in headers):
        return f"upstream: the provider behind Kong answers {status}"
    return ""


def reply_problem(headers: Mapping[str, str], reply: bytes, length: int | None = None) -> str:
    """Return what is wrong with a reply's form: it was seen cut short. length: the bytes on the wire, where known.

    Unmasking makes a body longer. Over HTTP/1.0 Kong has announced the shorter one by then, so that just this much
    arrives.
    """
    announced = headers.get("Content-Length", "")
    if length is not None and announced.isdigit() and int(announced) != length:
        return f"the reply has {length} bytes of the {announced} that it announced"
    try:
        json.loads(reply)
    except ValueError:
        plain = reply if headers.get("Content-Encoding", "identity") == "identity" else b""
        if announced == str(len(plain)) and plain.lstrip()[:1] in (b"{", b"["):
            return (
                f"{CUT} ({announced} bytes came as announced, and the JSON ends in the middle), as behind a proxy that "
                "speaks HTTP/1.0 to Kong: nginx needs proxy_http_version 1.1"
            )
        return f"the reply is no complete JSON document ({len(reply)} bytes)"
    return ""


def judge_echo(item: Identifier, seen: bytes, reply: bytes) -> tuple[bool, str]:
    """Judge by what the upstream saw, the best evidence there is."""
    if item.core.encode() in seen:
        return False, "the upstream saw the identifier in clear"
    if DEGRADED_SUFFIX.encode() in seen:
        return False, "the upstream saw an alias ending in 000: the plugin works without Redis"
    if item.text.encode() not in reply.replace(b"\\/", b"/"):
        return False, "the upstream saw an alias, but the client did not get its identifier back"
    return True, "masked at the upstream, unmasked for the client"


def judge_redis(item: Identifier, alias: str, original: str) -> tuple[bool, str]:
    """Judge by the fresh pair of mappings, where the upstream cannot be asked."""
    if not alias:
        return False, "no mapping was made for the identifier"
    if alias.endswith(DEGRADED_SUFFIX):
        return False, "the alias ends in 000: the plugin works without Redis"
    if original not in item.originals:
        return False, "map and reverse entry of the identifier disagree"
    return True, "a fresh pair of mappings and a complete reply"


class MaskingCheck:
    """The masking request and its judgement; prefixes: where mappings may lie; data is None where Redis is away.

    in_redis: whether the plugin keeps its mappings in Redis at all.
    """

    def __init__(
        self, evidence: str, echo_url: str, data: RedisData | None, prefixes: Sequence[str], in_redis: bool = True
    ) -> None:
        self.evidence, self.echo_url, self.data, self.prefixes = evidence, echo_url, data, prefixes
        self.in_redis = in_redis

    def run(self, probe: Probe, kinds: Sequence[str]) -> Verdict:
        """Send one request with an identifier of each kind and judge it; the probe's own mappings are removed again."""
        if self.evidence == OFF:
            raise NotMeasured("masking_probe is off")
        identifiers, probe_id = self._unknown(kinds), secrets.token_hex(8)
        try:
            try:
                reply = send(probe, identifiers, probe_id)
            except requests.exceptions.ReadTimeout:
                # Who let the request wait shows in what was masked by then.
                waited = f"upstream: no answer within {probe.timeout:.0f} s"
                return self._verdict(identifiers, self._seen_by(probe_id, probe.timeout), b"", waited)
            return self._judge(reply, identifiers, probe_id, probe.timeout)
        except requests.RequestException as exc:
            return _all(identifiers, f"{type(exc).__name__} at the masking request")
        except redis.exceptions.RedisError as exc:
            return _all(identifiers, f"Redis broke off: {type(exc).__name__}")
        finally:
            with contextlib.suppress(redis.exceptions.RedisError):
                for item in identifiers:
                    self._forget(item)

    def once(self, probe: Probe) -> str:
        """Make one request of a load; return "" when it was good, else what failed."""
        identifiers = fresh(["ec2"])
        try:
            reply = send(probe, identifiers, secrets.token_hex(8))
            trouble = upstream_trouble(reply.status_code, reply.headers, reply.content)
            if trouble or reply.status_code != 200:
                return trouble or f"status {reply.status_code}"
            return reply_problem(reply.headers, reply.content)
        except requests.RequestException as exc:
            return type(exc).__name__
        finally:
            with contextlib.suppress(redis.exceptions.RedisError):
                self._forget(identifiers[0])

    def _judge(self, reply: Any, identifiers: list[Identifier], probe_id: str, timeout: float) -> Verdict:
        trouble = upstream_trouble(reply.status_code, reply.headers, reply.content)
        elsewhere = web.redirect(reply)
        if elsewhere and not trouble:
            trouble = f"the request is redirected to {elsewhere}"
        if reply.status_code == 429 and not trouble:
            return Verdict(trouble=LIMITED)
        if reply.status_code != 200 and not trouble:
            return _all(identifiers, f"status {reply.status_code} at the masking request")
        problem = "" if trouble else reply_problem(reply.headers, reply.content)
        return self._verdict(identifiers, self._seen_by(probe_id, timeout), reply.content, trouble, problem)

    def _verdict(
        self, identifiers: list[Identifier], seen: bytes | None, reply: bytes, trouble: str, problem: str = ""
    ) -> Verdict:
        """Judge each identifier; seen: what the upstream saw, None where nobody can ask it."""
        verdict = Verdict(trouble=trouble)
        for item in identifiers:
            judged = self._one(item, seen, reply, bool(trouble))
            if judged is not None:
                good, found = judged
                verdict.kinds[item.kind] = (good and not problem, problem if good and problem else found)
        return verdict

    def _seen_by(self, probe_id: str, timeout: float) -> bytes | None:
        """Return what the upstream saw of the probe; None where this evidence does not ask it."""
        if self.evidence != ECHO:
            return None
        session = requests.Session()
        session.trust_env = False
        answer = session.get(f"{self.echo_url}/__seen", params={"probe": probe_id}, timeout=timeout)
        return answer.content if answer.status_code == 200 else b""

    def _one(
        self, item: Identifier, seen: bytes | None, reply: bytes, upstream_failed: bool
    ) -> tuple[bool, str] | None:
        """Judge one identifier; None where this evidence shows nothing about it."""
        if seen is not None:
            if not seen:
                return None if upstream_failed else (False, "the request did not reach the upstream")
            if upstream_failed:
                return (False, "the upstream saw the identifier in clear") if item.core.encode() in seen else None
            judged = judge_echo(item, seen, reply)
            if judged[0] and self.data is not None and self.in_redis and not self._pair(item)[1]:
                return (
                    False,
                    "masked, but its mapping is not in this Redis: Kong has another one, or another database",
                )
            return judged
        if item.kind in NEEDS_ECHO:
            return None
        if self.data is None:
            return False, "Redis does not answer, so nothing shows that masking works"
        _reverse, alias, original = self._pair(item)
        return judge_redis(item, alias, original)

    def _unknown(self, kinds: Sequence[str]) -> list[Identifier]:
        """Return identifiers that Redis does not know yet: an old mapping would prove nothing."""
        found = []
        for kind in dict.fromkeys(kinds):
            (item,) = fresh([kind])
            while self._pair(item)[1]:
                (item,) = fresh([kind])
            found.append(item)
        return found

    def _pair(self, item: Identifier) -> tuple[str, str, str]:
        """Return (reverse key, alias, original that the alias maps to); empty strings where there is none."""
        data = self.data
        if data is None:
            return "", "", ""
        for prefix in self.prefixes:
            for original in item.originals:
                key = reverse_key(prefix, original)
                alias = data.text(key)
                if alias:
                    return key, alias, data.text(f"{prefix}map:{alias}")
        return "", "", ""

    def _forget(self, item: Identifier) -> None:
        """Remove the pair that the probe made; one that leads to another original is not the probe's."""
        key, alias, original = self._pair(item)
        if self.data is not None and alias and original in item.originals:
            prefix = next(one for one in self.prefixes if key.startswith(one))
            self.data.client.delete(key, f"{prefix}map:{alias}")


def _all(identifiers: Iterable[Identifier], found: str) -> Verdict:
    return Verdict({item.kind: (False, found) for item in identifiers})


def reverse_key(prefix: str, identifier: str) -> str:
    """Return the key of an identifier's reverse entry."""
    return f"{prefix}rev:{base64.b64encode(identifier.encode()).decode()}"

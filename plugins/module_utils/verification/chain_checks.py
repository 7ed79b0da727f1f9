# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of requests: through Kong, through the proxy in front, masked, fast enough, and several at a time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..checks import ADVISORY, NotMeasured, Question, in_a_row
from ..errors import NoAnswerError, RecoveryError
from ..gateway import kong_file, web
from ..gateway.kong_answers import OWN_ERROR, is_no_route, is_own_error, shows_kong
from ..gateway.kong_look import KongLook
from ..libraries import requests
from ..live import live_state
from ..redis.redis_data import RedisData
from . import health_page, masking, masking_kinds, performance, strict_proxy

ANSWER_SECONDS = 6.0
BROKE = f"{OWN_ERROR}: it, or a plugin in it, broke before the provider was asked"


@dataclass(frozen=True)
class ProbeSettings:
    """How requests are made.

    evidence: echo, redis or off; kinds: those that must be masked; promised: also those that the plugin says it masks;
    samples and load: how many requests, 0 for none.
    """

    evidence: str = masking.REDIS
    echo_url: str = ""
    headers: Mapping[str, str] | None = None
    template: Any = ""
    kinds: Sequence[str] = ("ec2",)
    promised: bool = True
    samples: int = 20
    load: int = 0
    parallel: int = 5


class ChainChecks:
    """The checks of requests.

    figures: what the last performance check measured, for a baseline; silent: whether the provider lets Kong wait.
    """

    def __init__(self, look: KongLook, settings: ProbeSettings) -> None:
        self.look, self.stack, self.settings = look, look.stack, settings
        self.figures: performance.Figures | None = None
        self.silent = False

    def questions(self) -> list[Question]:
        """Return the questions that cost nothing and are asked beside those of Kong itself."""
        self.silent = False
        kong = f"container_{self.stack.kong_service}"
        # A masking plugin that waits for a Redis that hangs, or for its name, lets no request through: that is not
        # Kong's failure. Where its container fails, nobody asks Redis: both names.
        link = () if self.stack.redis_host else (f"link_{self.stack.kong_service}_{self.stack.redis_service}",)
        masked = (*self._redis(), *link)
        found = [
            Question(
                "kong_gateway",
                "Kong takes the probe's path to a service",
                self._gateway,
                needs=(*masked, kong, "kong_workers", "kong_file", "kong_routes"),
                # Kong answers for a provider that cannot be reached, as soon as it knows.
                behind=("upstream_reachable",),
            ),
            Question("kong_no_route", "Kong's own 404 where no route is", self._no_route, needs=("kong_gateway",)),
        ]
        expected = "three requests reach Kong"
        front: tuple[str, ...] = ()
        if self.stack.proxy_service:
            proxy = self.stack.proxy_service
            there = (f"container_{proxy}",)
            found.append(Question("proxy_health", "status healthy, ok, up, pass or alive", self._health, needs=there))
            expected = "three requests through the proxy reach Kong"
            front = (f"link_{proxy}_{self.stack.kong_service}", "proxy_health")
        needs = (*masked, kong, "kong_workers", "kong_gateway", *front)
        return [*found, Question("proxy_chain", expected, self._chain, needs=needs)]

    def _redis(self) -> tuple[str, ...]:
        """Return the checks that say whether Redis is there: its container too, where it is the project's."""
        return ("redis",) if self.stack.redis_host else (f"container_{self.stack.redis_service}", "redis")

    def later(self, broken: bool) -> list[list[Question]]:
        """Return what is asked one group after the other, at the end: requests that reach the provider.

        They are not sent while other checks show that they cannot succeed (broken), and not while Redis is away: a
        masking plugin without Redis answers with other clients' identifiers.
        """
        verdict: list[masking.Verdict] = []
        switches = kong_file.configured_kinds([] if broken else self.look.plugins(), self.stack.masking_plugin)
        others = masking_kinds.promised(switches, self.settings.kinds) if self.settings.promised else []

        def masked() -> tuple[bool, str]:
            if broken:
                raise NotMeasured("not asked while other checks fail")
            verdict.append(self._mask([*self.settings.kinds, *others]))
            return verdict[0].of(self.settings.kinds)

        def other_kinds() -> tuple[bool, str]:
            if not verdict:
                raise NotMeasured("no masking request was made")
            untold = sorted(set(others) - set(verdict[0].kinds))
            good, found = verdict[0].of(others)
            return good, found + (f"; not told by this evidence: {', '.join(untold)}" if untold else "")

        needs = (*self._redis(), "masking_plugin", "proxy_chain")

        def speed() -> tuple[bool, str]:
            if verdict and verdict[0].stops(self.settings.kinds):
                raise NotMeasured("not asked while the masking request fails")
            return self._performance()

        fast = [Question("performance", "not over half slower than the baseline", speed, ADVISORY)]
        load = [Question("load", f"{performance.GOOD_SHARE:.0%} of the requests good", self._load, ADVISORY)]
        groups = [
            [Question("masking", "identifiers leave masked and come back", masked, needs=needs)],
            [Question("masking_kinds", "every kind that the plugin says it masks", other_kinds, ADVISORY, ("masking",))]
            if others
            else [],
            [] if broken else fast,
            load if self.settings.load and not broken else [],
        ]
        return [group for group in groups if group]

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        try:
            return web.get(url, ANSWER_SECONDS, self.stack.probe_host, headers)
        except requests.exceptions.ReadTimeout as exc:
            raise NoAnswerError(f"{url} gives no answer within {ANSWER_SECONDS:.0f} s") from exc
        except requests.RequestException as exc:
            raise RecoveryError(f"{url} gives no answer ({type(exc).__name__})") from exc

    def _probe_at(self, place: str) -> Any:
        """Return the answer of the probe's path; where Kong merely waits for its provider, nothing is measured.

        A path without a route needs no provider, and the same workers answer it.
        """
        try:
            return self._get(place + self.stack.probe_path, self.settings.headers)
        except NoAnswerError as exc:
            try:
                beside = web.get(place + self._unknown_path(), ANSWER_SECONDS, self.stack.probe_host)
            except requests.RequestException:
                raise exc from None
            if not shows_kong(beside.headers, beside.text):
                raise
            self.silent = True
            raise NotMeasured(f"{exc.msg}; what needs no provider Kong answers, so it waits for its provider") from exc

    def _unknown_path(self) -> str:
        return f"/recovery-probe-{secrets.token_hex(8)}"

    def _gateway(self) -> tuple[bool, str]:
        answer = self._probe_at(self.look.gateway_url())
        if not shows_kong(answer.headers, answer.text) and self._kong_shows_itself():
            return False, f"status {answer.status_code}, and not from Kong"
        if is_no_route(answer) and self._wants_host():
            return False, f"{self.stack.probe_path} has a route under a name only: set stack_probe_host"
        if is_no_route(answer) and self._takes_get():
            return False, f"{self.stack.probe_path} has no route"
        if is_own_error(answer):
            return False, BROKE
        return True, f"status {answer.status_code}"

    def _kong_shows_itself(self) -> bool:
        """Say whether this Kong is known by its headers: they can be switched off."""
        setting = self.look.kong().env.get("KONG_HEADERS", "").strip().lower()
        return setting != "off"

    def _routes(self) -> list[dict[str, Any]] | None:
        try:
            return self.look.admin().entities("routes")
        except (NotMeasured, RecoveryError):
            return None

    def _wants_host(self) -> bool:
        routes = self._routes() or []
        return bool(routes) and not self.stack.probe_host and all(item.get("hosts") for item in routes)

    def _takes_get(self) -> bool:
        routes = self._routes()
        return routes is not None and kong_file.takes_get(routes)

    def _no_route(self) -> tuple[bool, str]:
        try:
            if kong_file.catches_all(self.look.admin().entities("routes")):
                raise NotMeasured("a route takes every path")
        except RecoveryError as exc:
            raise NotMeasured("what routes there are is not known") from exc
        answer = self._get(self.look.gateway_url() + self._unknown_path())
        # Kong's words can be changed by a template; who answers cannot.
        own = shows_kong(answer.headers, answer.text) or not self._kong_shows_itself()
        if own and answer.status_code != 404:
            raise NotMeasured(f"status {answer.status_code}: something takes every path")
        return own, f"status {answer.status_code}{'' if own else ', and not from Kong'}"

    def _health(self) -> tuple[bool, str]:
        answer = self._get(self.look.front_url() + self.stack.health_path)
        need_no_redirect(answer)
        return health_page.judge(answer.status_code, answer.text)

    def _chain(self) -> tuple[bool, str]:
        self.look.kong()  # one that does not run needs no request that waits for it

        def once() -> tuple[bool, str]:
            answer = self._probe_at(self.look.front_url())
            if is_own_error(answer):
                return False, BROKE
            if shows_kong(answer.headers, answer.text):
                return True, f"reaches Kong (status {answer.status_code})"
            need_no_redirect(answer)
            if strict_proxy.forbids(answer) and self.settings.evidence != masking.OFF:
                raise NotMeasured(f"the proxy itself answers {answer.status_code} to a GET; {strict_proxy.TELLS}")
            good = not self._kong_shows_itself() and answer.status_code not in (502, 503, 504)
            return good, f"status {answer.status_code}{'' if good else ', and not from Kong'}"

        return in_a_row(once)

    def _data(self) -> RedisData | None:
        try:
            env = live_state.environment(self.stack, self.look.runner)
            return live_state.redis_client(self.stack, self.look.containers, env)
        except RecoveryError:
            if self.settings.evidence == masking.REDIS:
                raise
            return None

    def _probe(self) -> masking.Probe:
        named = {"Host": self.stack.probe_host} if self.stack.probe_host else {}
        headers = {**named, **(self.settings.headers or {})}
        return masking.Probe(self.look.front_url(), self.stack.probe_path, headers, self.settings.template)

    def _check(self, data: RedisData | None, evidence: str) -> masking.MaskingCheck:
        in_redis = kong_file.uses_redis(self.look.plugins(), self.stack.masking_plugin)
        return masking.MaskingCheck(evidence, self.settings.echo_url, data, self.stack.mapping_prefixes, in_redis)

    def _mask(self, kinds: Sequence[str]) -> masking.Verdict:
        if self.settings.evidence == masking.OFF:
            raise NotMeasured("masking_probe is off")
        data = self._data()
        try:
            return self._check(data, self.settings.evidence).run(self._probe(), kinds)
        finally:
            if data is not None:
                data.close()

    def _performance(self) -> tuple[bool, str]:
        if not self.settings.samples:
            raise NotMeasured("performance_samples is 0")
        if self.silent:
            raise NotMeasured("the provider does not answer")
        url = self.look.front_url() + self.stack.probe_path
        times = performance.sample(url, self.settings.samples, self.look.runner.clock, host=self.stack.probe_host)
        if len(times) < performance.FEWEST:
            raise NotMeasured(f"only {len(times)} of {self.settings.samples} requests were answered in time")
        self.figures = performance.figures(times)
        before = performance.read_baseline(self.stack, self.look.runner)
        return performance.judge(self.figures, before.get("performance") or {})

    def _load(self) -> tuple[bool, str]:
        if self.settings.evidence == masking.OFF:
            raise NotMeasured("masking_probe is off")
        data = self._data()
        probe, check = self._probe(), self._check(data, masking.REDIS)
        try:
            return performance.run_load(lambda: check.once(probe), self.settings.load, self.settings.parallel)
        finally:
            if data is not None:
                data.close()


def need_no_redirect(answer: Any) -> None:
    """Raise for an answer that sends its client elsewhere: the proxy answers, and what lies there is not asked."""
    elsewhere = web.redirect(answer)
    if elsewhere:
        raise NotMeasured(
            f"the proxy answers {answer.status_code} and sends its clients to {elsewhere}; "
            "stack_proxy_port names the port that takes their requests"
        )

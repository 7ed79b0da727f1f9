# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of kong_verify: what Kong serves, masking on its route, and requests through the whole chain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from . import config_files, endpoints, live_state, masking
from .checks import Check, NotMeasured, Question, answer, answer_all, passed
from .container import Container
from .docker_stack import DockerStack
from .errors import RecoveryError
from .kong_admin import HASH_SINCE, KongAdmin, version_tuple
from .libraries import requests, yaml
from .readiness import answer_problem
from .redis_data import RedisData
from .runner import Runner
from .stack_args import StackArgs


def declared(document: Mapping[str, Any], plugin: str) -> tuple[set[str], list[str]]:
    """Return (names of all routes, where the plugin is bound) of a declarative file, nested or flat.

    A binding reads ``route NAME``, ``service NAME`` or ``everywhere``.
    """
    services = document.get("services") or []
    routes = [
        *(document.get("routes") or []),
        *(route for service in services for route in service.get("routes") or []),
    ]
    # What Kong itself exports refers by id, what people write by name.
    names = {item["id"]: item.get("name") for item in [*services, *routes] if item.get("id")}
    placed = [(item, item.get("route"), item.get("service")) for item in document.get("plugins") or []]
    placed += [(item, None, service.get("name")) for service in services for item in service.get("plugins") or []]
    placed += [(item, route.get("name"), None) for route in routes for item in route.get("plugins") or []]
    bindings = [
        binding(names.get(route, route), names.get(service, service))
        for item, route, service in placed
        if item.get("name") == plugin and item.get("enabled", True)
    ]
    return {str(route["name"]) for route in routes if route.get("name")}, bindings


def binding(route: Any, service: Any) -> str:
    """Return where a plugin is bound; references are names in a file, names resolved from ids in the Admin API."""
    if route:
        return f"route {route}"
    return f"service {service}" if service else "everywhere"


def _not_asked() -> tuple[bool, str]:
    raise NotMeasured("not asked while other checks fail")


class KongChecks:
    """The checks of kong_verify; evidence is echo, redis or off; headers go with the masking request.

    running: compare with what Kong itself exports instead of its file, which may be edited for the next release.
    """

    def __init__(
        self,
        stack: StackArgs,
        engine: DockerStack,
        runner: Runner,
        evidence: str,
        echo_url: str,
        headers: Mapping[str, str],
        running: bool = False,
    ) -> None:
        self.stack, self.engine, self.runner = stack, engine, runner
        self.evidence, self.echo_url, self.headers = evidence, echo_url, headers
        self.running = running
        self.containers: dict[str, Container] = {}

    def ask_all(self) -> list[Check]:
        """Make every check once, on the containers of this moment: all at once, the masking request at the end.

        That request reaches the provider, so it is not sent while the other checks show that it cannot succeed.
        """
        self.containers = self.engine.containers()
        plugin = self.stack.masking_plugin
        found = answer_all(
            [
                Question("kong_admin", "Kong's Admin API answers", self._admin_answers),
                Question("kong_db_less", "database off", self._db_less),
                Question("kong_configuration_hash", "the MD5 of the declarative file", self._hash),
                Question("kong_routes", "every route of the file", self._routes),
                Question("masking_plugin", f"{plugin} enabled where the file binds it", self._plugin),
                Question("kong_gateway", "an answer of Kong on its proxy port", self._gateway),
                Question("proxy_health", 'status "healthy"', self._health),
                Question("proxy_chain", "a request through the proxy reaches Kong", self._chain),
            ]
        )
        broken = not passed([item.as_dict() for item in found])
        masked = Question(
            "masking", "the identifier leaves masked and comes back", _not_asked if broken else self._masking
        )
        return [*found, answer(masked)]

    def _admin(self) -> KongAdmin:
        admin = live_state.admin_client(self.containers, self.stack.kong_service)
        if admin is None:
            kong = self.containers.get(self.stack.kong_service)
            raise RecoveryError(
                f"Kong's container is {kong.state if kong else 'absent'} and accepts no connection on its Admin API."
            )
        return admin

    def _document(self) -> tuple[str, bytes]:
        if self.running:
            return "Kong's own export", self._admin().running_configuration()
        path = config_files.kong_file(self.stack, self.containers)
        if not path or not self.runner.exists(self.stack.path(path)):
            raise NotMeasured("Kong's declarative file is not mounted from the stack's directory")
        return path, self.runner.read(self.stack.path(path))

    def _parsed(self) -> Mapping[str, Any]:
        path, content = self._document()
        try:
            document = yaml.safe_load(content)
        except yaml.YAMLError as exc:
            raise RecoveryError(f"{path} is no valid YAML.") from exc
        if not isinstance(document, dict):
            raise RecoveryError(f"{path} holds no configuration.")
        return document

    def _admin_answers(self) -> tuple[bool, str]:
        facts = self._admin().facts()
        return True, f"Kong {facts.version}"

    def _db_less(self) -> tuple[bool, str]:
        found = self._admin().facts().database
        return found == "off", f"database {found}"

    def _hash(self) -> tuple[bool, str]:
        admin = self._admin()
        path, content = self._document()
        wanted = hashlib.md5(content, usedforsecurity=False).hexdigest()
        loaded = admin.loaded_hash()
        if self.running and loaded:
            return True, f"serves {loaded}"
        if not loaded and version_tuple(admin.facts().version) < HASH_SINCE:
            raise NotMeasured("this Kong shows no hash before the first POST /config")
        return loaded == wanted, f"{loaded or 'nothing loaded'}; {path} has {wanted}"

    def _routes(self) -> tuple[bool, str]:
        wanted, _bindings = declared(self._parsed(), self.stack.masking_plugin)
        found = {str(item.get("name")) for item in self._admin().entities("routes")}
        missing = sorted(wanted - found)
        return not missing, f"missing: {', '.join(missing)}" if missing else f"{len(wanted)} routes"

    def _plugin(self) -> tuple[bool, str]:
        admin = self._admin()
        names = {item["id"]: item.get("name") for kind in ("routes", "services") for item in admin.entities(kind)}
        live = [
            binding(names.get((item.get("route") or {}).get("id")), names.get((item.get("service") or {}).get("id")))
            for item in admin.entities("plugins")
            if item["name"] == self.stack.masking_plugin and item.get("enabled")
        ]
        _routes, wanted = declared(self._parsed(), self.stack.masking_plugin)
        found = ", ".join(sorted(live)) or "not enabled anywhere"
        return bool(wanted) and sorted(live) == sorted(
            wanted
        ), f"{found}; the file says {', '.join(sorted(wanted)) or 'nowhere'}"

    def _url(self, service: str, places: list[tuple[str, int]]) -> str:
        place = endpoints.reachable(places)
        if place is None:
            raise RecoveryError(f"{service} accepts no connection.")
        return f"http://{place[0]}:{place[1]}"

    def _front(self) -> str:
        proxy = self.containers.get(self.stack.proxy_service)
        if proxy is None:
            raise RecoveryError(f"{self.stack.proxy_service} has no container.")
        return self._url(proxy.name, endpoints.front(proxy, self.stack.proxy_port))

    def _gateway(self) -> tuple[bool, str]:
        kong = self.containers.get(self.stack.kong_service)
        if kong is None:
            return False, f"{self.stack.kong_service} has no container"
        problem = answer_problem(self._url(kong.name, endpoints.gateway(kong)) + self.stack.probe_path)
        return not problem, problem or "answers"

    def _health(self) -> tuple[bool, str]:
        url = self._front() + self.stack.health_path
        try:
            answer = requests.get(url, timeout=5)
            status = answer.json().get("status") if answer.status_code == 200 else None
        except (requests.RequestException, ValueError, AttributeError) as exc:
            return False, f"{url} gives {type(exc).__name__}"
        return status == "healthy", f"status {status or answer.status_code}"

    def _chain(self) -> tuple[bool, str]:
        problem = answer_problem(self._front() + self.stack.probe_path)
        return not problem, problem or "reaches Kong"

    def _masking(self) -> tuple[bool, str]:
        if self.evidence == masking.OFF:
            raise NotMeasured("masking_probe is off")
        probe = masking.Probe(self._front(), self.stack.probe_path, self.headers)
        data: RedisData | None = None
        try:
            data = live_state.redis_client(self.stack, self.containers, live_state.environment(self.stack, self.runner))
        except RecoveryError:
            if self.evidence == masking.REDIS:
                raise
        try:
            return masking.run(probe, self.evidence, self.echo_url, data, self.stack.mapping_prefixes[0])
        finally:
            if data is not None:
                data.close()

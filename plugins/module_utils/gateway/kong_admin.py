# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kong's Admin API, read-only but for POST /config. Answers are typed; bodies may hold secrets and stay inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import RecoveryError
from ..libraries import need, requests

NOTHING_LOADED = "0" * 32
HASH_SINCE = (3, 2)
BAD_TARGETS = ("UNHEALTHY", "DNS_ERROR")


class KongUnavailable(RecoveryError):
    """Nothing that speaks the Admin API answers: refused, reset, closed empty, timed out, or an error status."""


class ConfigRejected(RecoveryError):
    """Kong refused a declarative configuration and goes on serving the old one."""


@dataclass(frozen=True)
class KongFacts:
    """What ``GET /`` says: version, database (``off`` is DB-less), plugin name → version that the server can load.

    file: the declarative file's path inside the container; empty when none is set.
    """

    version: str
    database: str
    loadable: dict[str, str]
    workers: int
    file: str = ""

    @property
    def hash_at_start(self) -> bool:
        """Whether configuration_hash is filled in without a POST: older ones show zeros until then."""
        return version_tuple(self.version) >= HASH_SINCE


def version_tuple(version: str) -> tuple[int, ...]:
    """Return (3, 9, 1) for ``3.9.1`` or ``3.9.1.0-enterprise-edition``."""
    return tuple(int(part) for part in version.split("-", maxsplit=1)[0].split(".") if part.isdigit())


def configuration_hash(status: dict[str, Any]) -> str:
    """Return the hash of the loaded configuration from a ``GET /status`` answer; empty when nothing is loaded."""
    found = str(status.get("configuration_hash") or "")
    return "" if found == NOTHING_LOADED else found


def parse_facts(root: dict[str, Any]) -> KongFacts:
    """Read a ``GET /`` answer of Kong 2.8 (plugin name → true) or 3.x (plugin name → priority and version)."""
    available = (root.get("plugins") or {}).get("available_on_server") or {}
    return KongFacts(
        version=str(root["version"]),
        database=str((root.get("configuration") or {}).get("database", "")),
        loadable={
            name: str(about.get("version", "")) if isinstance(about, dict) else "" for name, about in available.items()
        },
        workers=len((root.get("pids") or {}).get("workers") or []),
        file=str((root.get("configuration") or {}).get("declarative_config") or ""),
    )


class KongAdmin:
    """A client for one Admin API; timeout in seconds per request; session carries the requests."""

    def __init__(self, url: str, timeout: float = 5.0, session: Any = None) -> None:
        need("requests")
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.session = session or requests.Session()
        self.session.trust_env = False

    def _get(self, path: str) -> dict[str, Any]:
        try:
            answer = self.session.get(self.url + path, timeout=self.timeout)
            body = answer.json()
        except (requests.RequestException, ValueError) as exc:
            raise KongUnavailable(f"Kong's Admin API at {self.url} does not answer: {type(exc).__name__}.") from exc
        if answer.status_code != 200 or not isinstance(body, dict):
            raise KongUnavailable(f"Kong's Admin API answers {path} with status {answer.status_code}, expected 200.")
        return body

    def facts(self) -> KongFacts:
        """Return version and what the server can load."""
        try:
            return parse_facts(self._get("/"))
        except (KeyError, TypeError, AttributeError) as exc:
            raise KongUnavailable(f"What answers at {self.url} is not Kong's Admin API.") from exc

    def loaded_hash(self) -> str:
        """Return the MD5 of the loaded configuration; empty when nothing is loaded."""
        return configuration_hash(self._get("/status"))

    def entities(self, kind: str) -> list[dict[str, Any]]:
        """Return all services, routes or plugins, every page."""
        return list(self._pages(f"/{kind}?size=1000"))

    def unhealthy_targets(self) -> dict[str, list[str]]:
        """Return upstream → its targets that Kong itself does not use, each with its state.

        Read target by target: the summary calls an upstream without targets UNHEALTHY though all works. A dead target
        stays HEALTHY until its thresholds are crossed, so an empty list is no proof of health.
        """
        found = {}
        for upstream in self.entities("upstreams"):
            name = str(upstream.get("name") or upstream["id"])
            rows = list(self._pages(f"/upstreams/{quote(name, safe='')}/health"))
            found[name] = [
                f"{row.get('target')} {row.get('health')}" for row in rows if row.get("health") in BAD_TARGETS
            ]
        return found

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        while path:
            page = self._get(path)
            yield from page.get("data") or []
            path = str(page.get("next") or "")

    def running_configuration(self) -> bytes:
        """Return the loaded configuration as YAML, as Kong renders it (not byte for byte the file)."""
        return str(self._get("/config")["config"]).encode()

    def post_config(self, content: bytes) -> str:
        """Load a declarative configuration without a restart; return ``loaded`` or ``unchanged``."""
        try:
            answer = self.session.post(
                f"{self.url}/config?check_hash=1",
                data=content,
                headers={"Content-Type": "text/yaml"},
                timeout=max(self.timeout, 30.0),
            )
        except requests.RequestException as exc:
            raise KongUnavailable(
                f"Kong's Admin API at {self.url} broke off POST /config: {type(exc).__name__}."
            ) from exc
        if answer.status_code == 304:
            return "unchanged"
        if answer.status_code == 201:
            return "loaded"
        raise ConfigRejected(
            f"Kong refused the configuration with status {answer.status_code}: {_reason(answer)}.",
            "The old configuration goes on serving. Choose another backup: ansible-playbook playbooks/list_backups.yml",
            status=answer.status_code,
        )


def _reason(answer: Any) -> str:
    """Return the names of the fields that Kong objects to; its message may quote values, so it is left out."""
    try:
        body = answer.json()
    except ValueError:
        return "no reason given"
    fields = body.get("fields") if isinstance(body, dict) else None
    return "in " + ", ".join(sorted(map(str, fields))) if fields else "no field named"

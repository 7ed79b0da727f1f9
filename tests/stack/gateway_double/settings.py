"""Settings, read from the same environment variables as the real gateway's, plus the double's own knobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOG_LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
LISTEN_FORM = (
    "{name} must be of form: [off] | <ip>:<port> [ssl] [http2] [proxy_protocol] [deferred] [bind] [reuseport] "
    "[backlog=%d+] [ipv6only=on] [ipv6only=off] [so_keepalive=on] [so_keepalive=off] [so_keepalive=%w*:%w*:%d*], "
    "[... next entry ...]"
)
PLUGIN_DIR = "/usr/local/share/lua/5.1/kong/plugins/aws-masker/"


class SettingsError(Exception):
    """A value with which the real gateway does not start either."""


@dataclass(frozen=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """Everything the processes of the double need to know before they read the declarative file."""

    declarative_config: Path | None
    admin_listen: tuple[Address, ...]
    proxy_listen: tuple[Address, ...]
    status_listen: tuple[Address, ...]
    plugins: tuple[str, ...]
    log_level: str
    workers: int
    prefix: Path
    plugin_dir: Path
    redis_host: str
    redis_port: int
    redis_password: str | None
    provider_key: str | None
    boot_seconds: float
    reload_seconds: float
    redis_timeout: float
    redis_recovery_seconds: float
    hosts: Mapping[str, Address]

    @property
    def pid_file(self) -> Path:
        """What ``kong health`` looks at, and nothing else."""
        return self.prefix / "pids" / "nginx.pid"

    @property
    def state_file(self) -> Path:
        """What the workers share: the loaded configuration and the facts about the processes."""
        return self.prefix / "gateway-double" / "state.json"


def _listen(env: Mapping[str, str], name: str, default: str) -> tuple[Address, ...]:
    text = env.get("KONG_" + name.upper(), default).strip()
    if text == "off":
        return ()
    addresses = []
    for entry in text.split(","):
        match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d+)((?:\s+\S+)*)", entry.strip())
        if not match or int(match[2]) > 65535:
            raise SettingsError(LISTEN_FORM.format(name=name))
        if "ssl" not in match[3].split():
            addresses.append(Address(match[1].strip("[]"), int(match[2])))
    return tuple(addresses)


def _hosts(text: str) -> dict[str, Address]:
    """``name:port=ip:port`` pairs: the tests' stand-in for a network with name resolution."""
    pairs = (pair.split("=", 1) for pair in text.split(",") if pair)
    return {name: Address(target.rsplit(":", 1)[0], int(target.rsplit(":", 1)[1])) for name, target in pairs}


def load(env: Mapping[str, str]) -> Settings:
    """Read and check the settings; the messages are the real gateway's."""
    if env.get("KONG_DATABASE", "postgres") != "off":
        raise SettingsError("[PostgreSQL error] failed to retrieve PostgreSQL server_version_num: connection refused")
    level = env.get("KONG_LOG_LEVEL", "notice")
    if level not in LOG_LEVELS:
        raise SettingsError(f"log_level has an invalid value: '{level}' ({', '.join(LOG_LEVELS)})")
    workers = env.get("KONG_NGINX_WORKER_PROCESSES", "2")
    if not (workers == "auto" or (workers.isdigit() and int(workers) > 0)):
        raise SettingsError(f"nginx_worker_processes has an invalid value: '{workers}'")
    declarative = env.get("KONG_DECLARATIVE_CONFIG", "")
    return Settings(
        declarative_config=Path(declarative) if declarative else None,
        admin_listen=_listen(env, "admin_listen", "127.0.0.1:8001"),
        proxy_listen=_listen(env, "proxy_listen", "0.0.0.0:8000"),
        status_listen=_listen(env, "status_listen", "off"),
        plugins=tuple(name.strip() for name in env.get("KONG_PLUGINS", "bundled").split(",") if name.strip()),
        log_level=level,
        workers=2 if workers == "auto" else int(workers),
        prefix=Path(env.get("KONG_PREFIX", "/usr/local/kong")),
        plugin_dir=Path(env.get("GATEWAY_DOUBLE_PLUGIN_DIR", PLUGIN_DIR)),
        redis_host=env.get("REDIS_HOST", ""),
        redis_port=int(env.get("REDIS_PORT") or 6379),
        redis_password=env.get("REDIS_PASSWORD") or None,
        provider_key=env.get("ANTHROPIC_API_KEY") or None,
        boot_seconds=float(env.get("GATEWAY_DOUBLE_BOOT_SECONDS", "2.0")),
        reload_seconds=float(env.get("GATEWAY_DOUBLE_RELOAD_SECONDS", "3.0")),
        redis_timeout=float(env.get("GATEWAY_DOUBLE_REDIS_TIMEOUT", "4.0")),
        redis_recovery_seconds=float(env.get("GATEWAY_DOUBLE_REDIS_RECOVERY_SECONDS", "35.0")),
        hosts=_hosts(env.get("GATEWAY_DOUBLE_HOSTS", "")),
    )

"""``GET /``, ``GET /status`` and their neighbours: what the gateway tells about itself."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from . import VERSION
from .settings import Address, Settings
from .state import State

RECORDED = Path(__file__).with_name("recorded")
UNITS = {"k": (1, "KiB"), "m": (1 << 10, "MiB"), "g": (1 << 20, "GiB")}
# Name to (allocated, capacity) in KiB, as recorded.
DICTIONARIES = {
    "kong_db_cache_miss": (84, 12288), "kong_secrets": (40, 5120), "prometheus_metrics": (40, 5120),
    "kong": (40, 5120), "kong_locks": (60, 8192), "kong_healthchecks": (44, 5120), "kong_cluster_events": (40, 5120),
    "kong_rate_limiting_counters": (84, 12288), "kong_core_db_cache": (784, 131072),
    "kong_core_db_cache_miss": (84, 12288), "kong_db_cache": (776, 131072),
}  # fmt: skip
WORKER_KIB = 53890


class UnitError(ValueError):
    """An unknown unit asked of ``/status``."""


def _listeners(addresses: tuple[Address, ...]) -> list[dict[str, Any]]:
    options = ("ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport", "backlog=%d+", "ipv6only=on",
               "ipv6only=off", "so_keepalive=on", "so_keepalive=off", "so_keepalive=%w*:%w*:%d*")  # fmt: skip
    off = dict.fromkeys(options, False)
    return [{"ip": a.host, "port": a.port, "listener": str(a), **off} for a in addresses]


def root(state: State, settings: Settings) -> dict[str, Any]:
    """The body of ``GET /``: the recorded configuration with this process's own values in it."""
    configuration = json.loads((RECORDED / "configuration.json").read_bytes())
    for name in ("admin", "proxy", "status"):
        addresses: tuple[Address, ...] = getattr(settings, f"{name}_listen")
        configuration[f"{name}_listen"] = [str(address) for address in addresses] or ["off"]
        configuration[f"{name}_listeners"] = _listeners(addresses)
    configuration |= {
        "database": "off",
        "plugins": list(settings.plugins),
        "loaded_plugins": dict.fromkeys(state.plugins, True),
        "log_level": settings.log_level,
        "nginx_worker_processes": str(settings.workers),
        "prefix": str(settings.prefix),
    }
    configuration.pop("declarative_config", None)
    if settings.declarative_config:
        configuration["declarative_config"] = str(settings.declarative_config)
    return {
        "edition": "community",
        "version": VERSION,
        "node_id": state.node_id,
        "configuration": configuration,
        "timers": {"running": 641, "pending": 1},
        "pids": {"master": state.master, "workers": state.workers},
        "hostname": socket.gethostname(),
        "plugins": {
            "enabled_in_cluster": sorted({plugin["name"] for plugin in state.all("plugins")}),
            "available_on_server": state.plugins,
        },
        "tagline": "Welcome to kong",
        "lua_version": "LuaJIT 2.1.1700206165",
    }


def _size(kib: int, unit: str, scale: int) -> str | int:
    if unit == "b":
        return kib * 1024
    divisor, name = UNITS[unit]
    return f"{kib / divisor:.{scale}f} {name}"


def status(state: State, connections: dict[str, int], unit: str = "m", scale: str = "2") -> dict[str, Any]:
    """The body of ``GET /status`` since 3.4: no ``database``."""
    lower = unit.lower()
    if lower not in ("b", *UNITS):
        raise UnitError(f"invalid unit '{unit}' (expected 'k/K', 'm/M', or 'g/G')")
    digits = int(scale) if scale.isdigit() else 2
    return {
        "memory": {
            "lua_shared_dicts": {
                name: {"allocated_slabs": _size(used, lower, digits), "capacity": _size(total, lower, digits)}
                for name, (used, total) in DICTIONARIES.items()
            },
            "workers_lua_vms": [
                {"pid": pid, "http_allocated_gc": _size(WORKER_KIB, lower, digits)} for pid in state.workers
            ],
        },
        "server": connections,
        "configuration_hash": state.hash,
    }


def timers() -> dict[str, Any]:
    """The body of ``GET /timers``, with one timer in place of many."""
    elapsed = {"avg": 0, "min": 9999999, "max": -1, "variance": 0}
    timer = {
        "name": "secret-rotation",
        "is_running": False,
        "meta": {"name": "debug off", "callstack": "debug off"},
        "stats": {"elapsed_time": elapsed, "runs": 0, "finish": 0, "last_err_msg": ""},
    }
    flamegraph = {"elapsed_time": "", "running": "", "pending": ""}
    return {
        "stats": {
            "flamegraph": flamegraph,
            "sys": {"running": 0, "total": 1, "waiting": 1, "runs": 0, "pending": 0},
            "timers": {"secret-rotation": timer},
        },
        "worker": {"id": 0, "count": 2},
    }


def endpoints() -> dict[str, Any]:
    """The body of ``GET /endpoints``."""
    return {"data": (RECORDED / "endpoints.txt").read_text().split()}


def metrics(state: State) -> str:
    """A little of the status API's ``/metrics``."""
    return (
        "# HELP kong_datastore_reachable Datastore reachable from Kong, 0 is unreachable\n"
        "# TYPE kong_datastore_reachable gauge\nkong_datastore_reachable 1\n"
        "# HELP kong_node_info Kong Node metadata information\n# TYPE kong_node_info gauge\n"
        f'kong_node_info{{node_id="{state.node_id}",version="{VERSION}"}} 1\n'
        f"# worker {os.getpid()}\n"
    )

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ``stack`` option that every module shares, and its typed form. Documented in doc_fragments/stack.py."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import commands

STACK_SPEC: dict[str, Any] = {
    "type": "dict",
    "required": True,
    "options": {
        "project": {"type": "str", "required": True},
        "environment": {"type": "str", "required": True},
        "dir": {"type": "path", "required": True},
        "compose_files": {"type": "list", "elements": "str", "default": []},
        "env_file": {"type": "str", "default": ".env"},
        "backup_dir": {"type": "path"},
        "config_paths": {"type": "list", "elements": "str", "default": []},
        "redis_service": {"type": "str", "default": "redis"},
        "kong_service": {"type": "str", "default": "kong"},
        "proxy_service": {"type": "str", "default": "nginx"},
        "mapping_prefixes": {"type": "list", "elements": "str", "default": ["aws_masker:"]},
        "masking_plugin": {"type": "str", "default": "aws-masker"},
        "proxy_port": {"type": "int", "default": 0},
        "health_path": {"type": "str", "default": "/health"},
        "probe_path": {"type": "str", "default": "/v1/messages"},
        "probe_host": {"type": "str", "default": ""},
        "redis_host": {"type": "str", "default": ""},
        "redis_port": {"type": "int", "default": 6379},
        "redis_database": {"type": "int", "default": 0},
        "redis_tls": {"type": "bool", "default": False},
        "redis_ca": {"type": "path"},
        "redis_user": {"type": "str", "default": ""},
        "redis_password": {"type": "str", "default": "", "no_log": True},
        "redis_image": {"type": "str", "default": ""},
        "required_variables": {"type": "list", "elements": "str", "default": []},
        "plain_libraries": {"type": "bool", "default": False},
        "command": {"type": "str", "default": ""},
    },
}


# In the order in which Compose looks for them.
COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
USUAL = ("docker-compose.yml",)


def _standing(folder: str, wanted: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Return wanted, or the first of the other usual names when nothing of wanted is there but that is."""
    if any(os.path.isfile(os.path.join(folder, name)) for name in wanted):
        return wanted
    return next(((name,) for name in others if os.path.isfile(os.path.join(folder, name))), wanted)


def beyond(name: str) -> bool:
    """Say whether a name, relative to the stack's directory or absolute, leads out of it by itself."""
    name = os.path.normpath(name)
    return os.path.isabs(name) or name.split(os.sep)[0] == os.pardir


def _below(folders: Iterable[str], name: str) -> str:
    """Return a name relative to the first of the folders that an absolute one lies in; others as they are."""
    for folder in folders:
        if os.path.isabs(name) and name.startswith(folder + os.sep):
            return os.path.relpath(name, folder)
    return name


@dataclass(frozen=True)
class StackArgs:
    """Where the stack is and what its parts are called; paths in compose_files and env_file are relative to dir.

    wanted_env_file: the one of the settings, also where .env stands in for it; plain: the settings name no Compose
    files, so that those count which a plain ``docker compose`` reads; deployed_from: dir as it was given, which may
    lead there by a link.
    """

    project: str
    environment: str
    dir: str
    compose_files: tuple[str, ...]
    env_file: str
    backup_dir: str
    config_paths: tuple[str, ...]
    redis_service: str
    kong_service: str
    proxy_service: str
    mapping_prefixes: tuple[str, ...]
    masking_plugin: str
    proxy_port: int
    health_path: str
    probe_path: str
    probe_host: str = ""
    redis_host: str = ""
    redis_port: int = 6379
    redis_database: int = 0
    redis_tls: bool = False
    redis_ca: str | None = None
    redis_user: str = ""
    redis_password: str = field(default="", repr=False)
    redis_image: str = ""
    required_variables: tuple[str, ...] = ()
    plain_libraries: bool = False
    command: str = ""
    wanted_env_file: str = ""
    plain: bool = False
    deployed_from: str = ""

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> StackArgs:
        """Build from the module's validated ``stack`` option."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in params.items()
        }
        values["deployed_from"] = os.path.abspath(values["dir"])
        values["dir"] = os.path.realpath(values["dir"])
        folders = (values["deployed_from"], values["dir"])
        values["env_file"] = _below(folders, values["env_file"])
        values["plain"] = not values["compose_files"]
        named = tuple(_below(folders, name) for name in values["compose_files"])
        values["compose_files"] = _standing(values["dir"], named or COMPOSE_NAMES, COMPOSE_NAMES)
        values["wanted_env_file"] = values["env_file"]
        if values["env_file"]:
            values["env_file"] = _standing(values["dir"], (values["env_file"],), (".env",))[0]
        values["command"] = values.get("command") or commands.whole(values["environment"])
        values["backup_dir"] = os.path.abspath(values.get("backup_dir") or os.path.join(values["dir"], "backups"))
        return cls(**values)

    def env_file_among(self, names: Collection[str]) -> str:
        """Return the environment file that Compose is to read where names are the files that are there.

        What is on disk now does not say: the file may be what was lost, and what a plan brings back.
        """
        lost = self.wanted_env_file and not self.has(self.wanted_env_file, names)
        return ".env" if lost and ".env" in names else self.wanted_env_file

    def moved_to(self, folder: str, **changes: Any) -> StackArgs:
        """Return the arguments of a copy of the stack in another directory."""
        return replace(self, dir=folder, deployed_from=folder, **changes)

    @property
    def definition_names(self) -> tuple[str, ...]:
        """The names of all Compose files that may count, relative to dir."""
        return (*self.compose_files, *OVERRIDES) if self.plain else self.compose_files

    def definition(self, names: Collection[str] | None = None) -> list[str]:
        """Return the Compose files that count among files relative to dir; None stands for those on the disk now."""
        if not self.plain:
            return list(self.compose_files)

        def first(usual: Iterable[str]) -> list[str]:
            return [name for name in usual if self.has(name, names)][:1]

        return [*(first(COMPOSE_NAMES) or USUAL), *first(OVERRIDES)]

    def has(self, name: str, names: Collection[str] | None = None) -> bool:
        """Say whether a file is among files relative to dir; None stands for those on the disk now.

        One that lies outside is in no backup: what is on the disk counts.
        """
        name = os.path.normpath(name)
        return os.path.isfile(self.path(name)) if names is None or beyond(name) else name in names

    def path(self, relative: str) -> str:
        """Return the absolute path of something in the stack's directory."""
        return os.path.normpath(os.path.join(self.dir, relative))

    def relative(self, path: str) -> str:
        """Return path relative to the stack's directory; empty when it lies outside."""
        inside = os.path.relpath(os.path.realpath(path), self.dir)
        return "" if inside == ".." or inside.startswith("../") else inside

    @property
    def core(self) -> tuple[str, ...]:
        """The project's services on every request's path, in the order in which they start.

        A Redis elsewhere is none of them, and a stack may have no proxy.
        """
        redis = () if self.redis_host else (self.redis_service,)
        proxy = (self.proxy_service,) if self.proxy_service else ()
        return (*redis, self.kong_service, *proxy)

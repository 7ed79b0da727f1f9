"""What the processes of the double share: one small file, replaced by rename, looked at before each request."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .declarative import EMPTY_HASH, Config, Entities, Entity


@dataclass(frozen=True)
class State:
    """The loaded configuration and the facts about the processes."""

    entities: Entities = field(default_factory=dict)
    hash: str = EMPTY_HASH
    node_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    master: int = 0
    workers: list[int] = field(default_factory=list)
    plugins: dict[str, dict[str, Any]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)

    def with_config(self, config: Config) -> State:
        """The same processes with another configuration."""
        return replace(self, entities=config.entities, hash=config.hash)

    def all(self, kind: str) -> list[Entity]:
        """The entities of a kind, in the order of their ids, as they are listed."""
        return sorted(self.entities.get(kind, []), key=lambda item: str(item["id"]))

    def find(self, kind: str, key: str) -> Entity | None:
        """An entity by its id or its name."""
        names = ("id", "name", "username", "target")
        return next((item for item in self.entities.get(kind, []) if key in [item.get(n) for n in names]), None)


class Store:
    """Reads and writes the shared file; a reader pays one ``stat`` when nothing changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._state = State()

    def read(self) -> State:
        """The state as it is now."""
        stat = os.stat(self.path)
        if (stat.st_ino, stat.st_mtime_ns) != self._seen:
            self._state = State(**json.loads(self.path.read_bytes()))
            self._seen = (stat.st_ino, stat.st_mtime_ns)
        return self._state

    def write(self, state: State) -> None:
        """Make this the state of all processes, at once or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(asdict(state)))
        os.replace(temporary, self.path)

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a dump where a stopped Redis will really load it: with append-only files on, that is not dump.rdb."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from .container import Container, from_inspect
from .docker_stack import DockerStack
from .errors import RecoveryError
from .redis_scratch import owner_labels
from .runner import Runner

SETTINGS = ("dir", "dbfilename", "appendonly", "appenddirname", "appendfilename")
HELPER_SECONDS = 120
ASK_SECONDS = 15.0
HELPER_DUMP = "/kong-masking-recovery/dump.rdb"


@dataclass(frozen=True)
class Layout:
    """Where a server keeps its data; append_dir is empty before Redis 7, which has a single append-only file."""

    directory: str
    dump: str
    append: bool
    append_dir: str
    append_name: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Layout:
        """Build from the answers to CONFIG GET."""
        return cls(
            settings["dir"],
            settings["dbfilename"],
            settings["appendonly"] == "yes",
            settings.get("appenddirname", ""),
            settings.get("appendfilename", "appendonly.aof"),
        )

    @property
    def old_files(self) -> list[str]:
        """What has to go before the new data may be loaded, absolute inside the container."""
        names = [self.dump, self.append_dir or self.append_name]
        return [posixpath.join(self.directory, name) for name in names]

    @property
    def target(self) -> str:
        """The file that the server loads at its next start, absolute inside the container.

        Before Redis 7 the single append-only file may begin with a dump; since then its base file may be one.
        """
        if not self.append:
            return posixpath.join(self.directory, self.dump)
        if self.append_dir:
            return posixpath.join(self.directory, self.append_dir, f"{self.append_name}.1.base.rdb")
        return posixpath.join(self.directory, self.append_name)

    @property
    def manifest(self) -> tuple[str, str]:
        """Return (path, content) of the append-only manifest; empty strings where there is none."""
        if not self.append or not self.append_dir:
            return "", ""
        base = f"{self.append_name}.1.base.rdb"
        path = posixpath.join(self.directory, self.append_dir, f"{self.append_name}.manifest")
        return path, f"file {base} seq 1 type b\n"


def parse_settings(output: str) -> dict[str, str]:
    """Return name → value from what ``redis-cli CONFIG GET`` prints: a name and its value on two lines."""
    lines = output.splitlines()
    return dict(zip(lines[::2], lines[1::2]))


def ask_layout(engine: DockerStack, runner: Runner, container: Container, passwords: list[str]) -> Layout:
    """Find out where a Redis that cannot answer keeps its data.

    A copy of its container, with empty directories instead of its data and without network, is started and asked: the
    settings may come from a file, the command or the environment.
    """
    about = engine.api.inspect_container(container.id)
    writable = {mount.destination: "" for mount in container.mounts if mount.writable}
    binds = [
        f"{mount.source}:{mount.destination}:ro"
        for mount in container.mounts
        if mount.type == "bind" and not mount.writable
    ]
    created = engine.api.create_container(
        container.image_id,
        command=about["Config"].get("Cmd"),
        entrypoint=about["Config"].get("Entrypoint"),
        user=about["Config"].get("User") or None,
        environment=about["Config"].get("Env"),
        labels=owner_labels(engine, container.image_id),
        host_config=engine.api.create_host_config(binds=binds, tmpfs=writable, network_mode="none"),
    )
    try:
        engine.api.start(created["Id"])
        copy = from_inspect(engine.api.inspect_container(created["Id"]))
        end = runner.clock() + ASK_SECONDS
        while True:
            for password in passwords:
                ask = ["redis-cli", "CONFIG", "GET", "*"]
                settings = parse_settings(
                    engine.execute(copy, ask, {"REDISCLI_AUTH": password})[1].decode("utf-8", "replace")
                )
                if "dbfilename" in settings:
                    return Layout.from_settings(settings)
            if runner.clock() > end:
                raise RecoveryError(
                    f"A copy of {container.name} with empty data does not answer within {ASK_SECONDS:.0f} s.",
                    f"Its data is not the cause. Look: docker logs {container.name}",
                )
            runner.sleep(0.1)
    finally:
        engine.api.remove_container(created["Id"], force=True, v=True)


def script(layout: Layout, place: bool) -> str:
    """Return the shell lines that clear the old data and, with place, put the new in.

    The owner is the data directory's own, so that the server may write there again.
    """
    lines = ["set -eu", f'owner=$(stat -c "%u:%g" "{layout.directory}")']
    lines += [f'rm -rf "{path}"' for path in layout.old_files]
    if place:
        lines += [f'mkdir -p "{posixpath.dirname(layout.target)}"', f'cp "{HELPER_DUMP}" "{layout.target}"']
        path, content = layout.manifest
        if path:
            lines.append(f"printf '%s\\n' '{content.strip()}' > \"{path}\"")
            lines.append(f'chown -R "$owner" "{posixpath.dirname(path)}"')
        lines += [f'chown "$owner" "{layout.target}"', f'chmod 0600 "{layout.target}"', "sync"]
    return "\n".join(lines)


def rewrite(engine: DockerStack, container: Container, layout: Layout, dump: str) -> None:
    """Clear the data of a stopped container and place dump (a path on the host, or empty for none).

    A helper of the same image does it on the container's own volumes, so named volumes and bind mounts are the same.
    """
    binds = [f"{dump}:{HELPER_DUMP}:ro"] if dump else []
    host = engine.api.create_host_config(binds=binds, volumes_from=[container.id], network_mode="none")
    created = engine.api.create_container(
        container.image_id,
        entrypoint=["sh", "-c"],
        command=[script(layout, bool(dump))],
        user="0:0",
        labels=owner_labels(engine, container.image_id),
        host_config=host,
    )
    try:
        engine.api.start(created["Id"])
        status = engine.api.wait(created["Id"], timeout=HELPER_SECONDS)["StatusCode"]
        if status != 0:
            words = engine.api.logs(created["Id"]).decode("utf-8", "replace").strip()
            raise RecoveryError(
                f"The data of {container.name} could not be replaced: {words or status}.", "Check space and owner."
            )
    finally:
        engine.api.remove_container(created["Id"], force=True)

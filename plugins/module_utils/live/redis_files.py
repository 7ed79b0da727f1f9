# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a dump where a stopped Redis will really load it: with append-only files on, that is not dump.rdb."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.container import Container, from_inspect
from ..engine.docker_stack import DockerStack
from ..engine.endpoints import redis_port
from ..errors import RecoveryError
from ..redis.redis_data import Access
from ..redis.redis_scratch import owner_labels
from ..runner import Runner

SETTINGS = ("dir", "dbfilename", "appendonly", "appenddirname", "appendfilename")
HELPER_SECONDS = 120
ASK_SECONDS = 15.0
HELPER_DUMP = "/kong-masking-recovery/dump.rdb"
PART, READY = ".kong-masking-recovery.part", ".kong-masking-recovery.ready"
NOTHING_TO_FINISH = 9

SILENT = "Redis does not tell where its data lie: CONFIG is renamed or forbidden, so its files cannot be replaced."
WHAT_STILL_WORKS = (
    "What still works: every backup, and every change of the data by method delta while Redis runs. Start Redis, and "
    "run the same command again."
)


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


def ask_layout(
    engine: DockerStack, runner: Runner, container: Container, passwords: list[str], access: Access
) -> Layout:
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
                ask = [*access.words_inside(container, password), "CONFIG", "GET", "*"]
                said = engine.execute(copy, ask, {"REDISCLI_AUTH": password})[1].decode("utf-8", "replace")
                settings = parse_settings(said)
                if "dbfilename" in settings:
                    return Layout.from_settings(settings)
                if "unknown command" in said or "NOPERM" in said:
                    raise RecoveryError(SILENT, WHAT_STILL_WORKS)
            if runner.clock() > end:
                raise RecoveryError(
                    f"Where {container.name} keeps its data is not known: a copy of it with empty data does not answer "
                    f"{'TLS ' if access.tls else ''}on port {redis_port(container, access.port, access.tls)} within "
                    f"{ASK_SECONDS:.0f} s. Nothing was changed.",
                    "Where it listens on another port, set stack_redis_port; where it speaks TLS only, "
                    f"stack_redis_tls. Otherwise look: docker logs {container.name}",
                )
            runner.sleep(0.1)
    finally:
        engine.api.remove_container(created["Id"], force=True, v=True)


def script(layout: Layout, commit: bool) -> str:
    """Return the shell lines that replace a stopped server's data; with commit, by the dump that is handed in.

    The new data lie complete beside the old ones before anything of those goes. Killed after that, the same lines
    without commit finish the work; killed before, the old data are whole. The manifest comes before the base file that
    it names: a server that is started in between refuses to start, which is better than serving nothing. The owner is
    the data directory's own, so that the server may write there again.
    """
    part, ready = (posixpath.join(layout.directory, name) for name in (PART, READY))
    lines = ["set -eu", f'cd "{layout.directory}"', 'owner=$(stat -c "%u:%g" .)']
    if commit:
        lines += [f"trap 'rm -f \"{part}\"' EXIT", f'cp "{HELPER_DUMP}" "{part}"', f'chown "$owner" "{part}"']
        lines += [f'chmod 0600 "{part}"', "sync", f'mv -f "{part}" "{ready}"']
    else:
        lines += [f'rm -f "{part}"', f'[ -e "{ready}" ] || exit {NOTHING_TO_FINISH}']
    lines += [f'rm -rf "{path}"' for path in layout.old_files if path != layout.target]
    path, content = layout.manifest
    if path:
        folder = posixpath.dirname(path)
        lines += [f'mkdir -p "{folder}"', f"printf '%s\\n' '{content.strip()}' > \"{path}\""]
        lines += [f'chown -R "$owner" "{folder}"']
    lines += [f'mv -f "{ready}" "{layout.target}"', "sync"]
    return "\n".join(lines)


def rewrite(engine: DockerStack, container: Container, layout: Layout, dump: str) -> None:
    """Replace the data of a stopped container by a dump (a path on the host)."""
    status, words = _help(engine, container, script(layout, commit=True), [f"{dump}:{HELPER_DUMP}:ro"])
    if status != 0:
        raise RecoveryError(
            f"The data of {container.name} could not be replaced: {words or status}.",
            "Check space and owner; the same command again finishes or repeats it.",
        )


def finish(engine: DockerStack, container: Container, layout: Layout) -> bool:
    """Finish a replacement that a killed run had begun; say whether there was one."""
    status, words = _help(engine, container, script(layout, commit=False), [])
    if status not in (0, NOTHING_TO_FINISH):
        raise RecoveryError(f"An interrupted change of {container.name}'s data cannot be finished: {words or status}.")
    return status == 0


def _help(engine: DockerStack, container: Container, lines: str, binds: list[str]) -> tuple[int, str]:
    """Run shell lines in a helper of the same image on the container's own volumes; return (status, output)."""
    host = engine.api.create_host_config(binds=binds, volumes_from=[container.id], network_mode="none")
    created = engine.api.create_container(
        container.image_id,
        entrypoint=["sh", "-c"],
        command=[lines],
        user="0:0",
        labels=owner_labels(engine, container.image_id),
        host_config=host,
    )
    try:
        engine.api.start(created["Id"])
        status = int(engine.api.wait(created["Id"], timeout=HELPER_SECONDS)["StatusCode"])
        words = engine.api.logs(created["Id"]).decode("utf-8", "replace").strip() if status else ""
        return status, words
    finally:
        engine.api.remove_container(created["Id"], force=True)

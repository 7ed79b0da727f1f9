# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a dump where a stopped Redis will really load it, and the old files back where it does not."""

from __future__ import annotations

import posixpath

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..engine.engine_loss import engine_lost
from ..errors import RecoveryError
from ..libraries import docker, requests
from ..redis.redis_scratch import ON_HOST, owner_labels
from .redis_layout import Layout

HELPER_SECONDS = 120
HELPER_DUMP = "/kong-masking-recovery/dump.rdb"
PART, READY = ".kong-masking-recovery.part", ".kong-masking-recovery.ready"
# The old files until the new ones are counted in the live server; the other name while they are put back.
OLD, BACK = ".kong-masking-recovery.old", ".kong-masking-recovery.back"
NONE = ".none"
NOTHING_TO_FINISH = 9


def script(layout: Layout, commit: bool) -> str:
    """Return the shell lines that replace a stopped server's data; with commit, by the dump that is handed in.

    The new data lie complete beside the old ones before anything of those moves aside. Killed after that, the same
    lines without commit finish the work; killed before, the old data are whole. The manifest comes before the base file
    that it names: a server that is started in between refuses to start, which is better than serving nothing. The owner
    is the data directory's own, so that the server may write there again.
    """
    part, ready, old, back = (posixpath.join(layout.directory, name) for name in (PART, READY, OLD, BACK))
    lines = _begin(layout)
    if commit:
        lines += [f"trap 'rm -f \"{part}\"' EXIT", f'cp "{HELPER_DUMP}" "{part}"', f'chown "$owner" "{part}"']
        lines += [f'chmod 0600 "{part}"', "sync", f'rm -rf "{old}" "{back}"', f'mv -f "{part}" "{ready}"']
    else:
        # A run that was killed while it put the old files back had found that the new ones are not what is loaded.
        lines += [*_put_back(layout), f'rm -f "{part}"', f'[ -e "{ready}" ] || exit {NOTHING_TO_FINISH}']
    lines += [f'mkdir -p "{old}"', f'chown "$owner" "{old}"']
    lines += [_set_aside(layout, name) for name in layout.names]
    path, content = layout.manifest
    if path:
        folder = posixpath.dirname(path)
        lines += [f'mkdir -p "{folder}"', f"printf '%s\\n' '{content.strip()}' > \"{path}\""]
        lines += [f'chown -R "$owner" "{folder}"']
    lines += [f'mv -f "{ready}" "{layout.target}"', "sync"]
    return "\n".join(lines)


def _set_aside(layout: Layout, name: str) -> str:
    """Return the line that keeps an old file or folder aside, or notes that there was none.

    The file that the server loads stays there too until the new one takes its place in one step. Anything else that
    stands there although its old one is aside is what a killed run had begun to place.
    """
    path, aside = posixpath.join(layout.directory, name), posixpath.join(layout.directory, OLD, name)
    loaded = path == layout.target
    again = ":" if loaded else f'rm -rf "{path}"'
    keep = f'{{ ln "{path}" "{aside}" 2>/dev/null || mv "{path}" "{aside}"; }}' if loaded else f'mv "{path}" "{aside}"'
    there, done = f'[ -e "{path}" ]', f'[ -e "{aside}" ] || [ -e "{aside}{NONE}" ]'
    return f'if {done}; then {again}; elif {there}; then {keep}; else : > "{aside}{NONE}"; fi'


def back_script(layout: Layout) -> str:
    """Return the shell lines that put the old files of a stopped server back in the place of the new ones."""
    old, back = (posixpath.join(layout.directory, name) for name in (OLD, BACK))
    aside = f'if [ -d "{old}" ]; then rm -rf "{back}"; mv "{old}" "{back}"; fi'
    return "\n".join([*_begin(layout), aside, *_put_back(layout), "sync"])


def _begin(layout: Layout) -> list[str]:
    return ["set -eu", f'cd "{layout.directory}"', 'owner=$(stat -c "%u:%g" .)']


def _put_back(layout: Layout) -> list[str]:
    """Return the lines that move back what is in BACK, where it is; killed anywhere, they finish when run again."""
    back = posixpath.join(layout.directory, BACK)
    lines = []
    for name in layout.names:
        path, aside = posixpath.join(layout.directory, name), posixpath.join(back, name)
        # A folder cannot be put over another one; a file is, so that there is always one of the two.
        returned = f'[ ! -d "{aside}" ] || rm -rf "{path}"; mv -f "{aside}" "{path}"'
        lines.append(f'if [ -e "{aside}" ]; then {returned}; elif [ -e "{aside}{NONE}" ]; then rm -rf "{path}"; fi')
    return [*lines, f'rm -rf "{back}"']


def rewrite(engine: DockerStack, container: Container, layout: Layout, dump: str) -> None:
    """Replace the data of a stopped container by a dump (a path on the host); the old files stay aside."""
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


def go_back(engine: DockerStack, container: Container, layout: Layout) -> None:
    """Put the old files of a stopped container back."""
    status, words = _help(engine, container, back_script(layout), [])
    if status != 0:
        raise RecoveryError(
            f"The old files of {container.name} could not be put back: {words or status}.",
            f"They lie in {posixpath.join(layout.directory, OLD)} or {BACK} beside it.",
        )


def forget(engine: DockerStack, container: Container, directory: str) -> None:
    """Remove the old files of a running container; what stays is removed by the next change."""
    engine.execute(container, ["rm", "-rf", *(posixpath.join(directory, name) for name in (OLD, BACK))])


def _help(engine: DockerStack, container: Container, lines: str, binds: list[str]) -> tuple[int, str]:
    """Run shell lines in a helper of the same image on the container's own volumes; return (status, output)."""
    host = engine.api.create_host_config(binds=binds, volumes_from=[container.id], **ON_HOST)
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
        said = engine.api.logs(created["Id"]) if status else b""
    except (docker.errors.APIError, requests.exceptions.RequestException) as exc:
        # Waiting for it can end as if the connection was lost.
        if engine_lost(exc) and "timed out" not in str(exc):
            raise
        raise RecoveryError(f"The helper beside {container.name} failed: {exc}.") from exc
    finally:
        engine.api.remove_container(created["Id"], force=True)
    return status, said.decode("utf-8", "replace").strip()

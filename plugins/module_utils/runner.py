# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only door to processes and the file system. Tests hand in another Runner."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import CommandError

HASH_BLOCK = 1 << 20
TIMED_OUT = 124
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
)


@dataclass(frozen=True)
class Result:
    """What a finished process left behind; seconds is wall time."""

    cmd: list[str]
    rc: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True)
class Stamp:
    """What a file must have besides its content."""

    mode: int
    uid: int
    gid: int


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the few variables that a child may see; none of them is a secret.

    A variable of the calling shell beats Compose's --env-file, so KONG_LOG_LEVEL or COMPOSE_FILE exported by an
    operator would silently end up in the containers.
    """
    return {name: environ[name] for name in KEPT_VARIABLES if name in environ}


def no_processes(_args: list[str], **_options: Any) -> tuple[int, str, str]:
    """Refuse to start a process: the run_command of a Runner that was made for files only."""
    return 126, "", "this Runner starts no processes"


class Runner:
    """Run processes and touch files; holds the clock and the sleep so that tests can inject theirs.

    run_command: AnsibleModule.run_command, or what stands for it: (args, …) → (status, stdout, stderr).
    """

    def __init__(
        self,
        run_command: Callable[..., tuple[int, str, str]] = no_processes,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.run_command = run_command
        self.environ = clean_environment(os.environ if environ is None else environ)
        self.clock = clock
        self.sleep = sleep

    def run(self, cmd: list[str], timeout: float = 120.0, check: bool = True) -> Result:
        """Run cmd without a shell, with a cleared environment and a time limit in seconds.

        Raise CommandError on a status other than 0, unless check is false; 124 is the status of a time limit.
        """
        began = self.clock()
        variables = [f"{name}={value}" for name, value in sorted(self.environ.items())]
        limited = ["timeout", "--kill-after=5", str(timeout), "env", "-i", *variables, *cmd]
        options = {"expand_user_and_vars": False, "errors": "surrogate_then_replace"}
        rc, *streams = self.run_command(limited, **options)
        # What is no UTF-8 comes as surrogates, which no result may carry.
        out, err = (text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for text in streams)
        result = Result(
            cmd, rc, out, err if rc != TIMED_OUT else f"no end within {timeout:.0f} s", self.clock() - began
        )
        if check and rc != 0:
            raise CommandError(cmd, rc, result.stdout, result.stderr)
        return result

    def exists(self, path: str) -> bool:
        """Say whether anything, a dangling link included, stands at path."""
        return os.path.lexists(path)

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        with open(path, "rb") as handle:
            return handle.read()

    def read_regular(self, path: str) -> bytes:
        """Return the content of a regular file; OSError for a link, a pipe (which would block) or a device."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise OSError(f"{path} is no regular file")
            return handle.read()

    def sha256(self, path: str) -> str:
        """Return the hex SHA-256 of a file, read once in large blocks."""
        digest = hashlib.sha256()
        with open(path, "rb", buffering=0) as handle:
            block = memoryview(bytearray(HASH_BLOCK))
            while True:
                size = handle.readinto(block)
                if not size:
                    return digest.hexdigest()
                digest.update(block[:size])

    def stamp(self, path: str) -> Stamp:
        """Return mode, uid and gid of the file that a path leads to.

        A link's own mode says nothing, it is always 0777; only one that leads nowhere is looked at itself.
        """
        found = os.stat(path) if os.path.exists(path) else os.lstat(path)
        return Stamp(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)

    def modified(self, path: str) -> float:
        """Return when the content of a file was last changed, in seconds since the epoch."""
        return os.stat(path).st_mtime

    def pointed(self, path: str) -> float:
        """Return when a link was last made, in seconds since the epoch."""
        return os.lstat(path).st_mtime

    def make_dir(self, path: str, mode: int = 0o700) -> None:
        """Create path and what is missing above it, all with this mode."""
        above = os.path.dirname(path)
        if above and not os.path.isdir(above):
            self.make_dir(above, mode)
        try:
            os.mkdir(path)
            os.chmod(path, mode)
        except FileExistsError:
            if not os.path.isdir(path):
                raise

    def write(self, path: str, data: bytes, stamp: Stamp | None = None, mode: int = 0o600) -> None:
        """Write data and flush it to the disk; the name appears complete or not at all."""
        temporary = f"{path}.recovery-new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            self.apply_stamp(temporary, stamp or Stamp(mode, -1, -1))
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        self.sync_dir(os.path.dirname(path))

    def write_link(self, path: str, text: str) -> None:
        """Make path a link that says text, in one step, whatever file or link it was."""
        temporary = f"{path}.recovery-new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(text, temporary)
        try:
            self.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    def write_in_place(self, path: str, data: bytes, stamp: Stamp) -> None:
        """Replace the content behind the same inode.

        A file that is mounted by itself keeps its old inode in the container after a rename, so the container would go
        on seeing the old content.
        """
        with open(path, "r+b") as handle:
            handle.write(data)
            handle.truncate()
            handle.flush()
            os.fsync(handle.fileno())
        self.apply_stamp(path, stamp)

    def apply_stamp(self, path: str, stamp: Stamp) -> None:
        """Set mode and, where it differs and we may, the owner."""
        now = os.stat(path)
        wanted = (stamp.uid if stamp.uid >= 0 else now.st_uid, stamp.gid if stamp.gid >= 0 else now.st_gid)
        if wanted != (now.st_uid, now.st_gid):
            os.chown(path, *wanted)
        os.chmod(path, stamp.mode)

    def sync_dir(self, path: str) -> None:
        """Flush a directory so that a rename in it survives a power cut."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: str, target: str) -> None:
        """Rename within one file system and flush the directory."""
        os.rename(source, target)
        self.sync_dir(os.path.dirname(target))

    def remove(self, path: str) -> None:
        """Remove a file or a whole directory; links are removed, never followed."""
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def available_memory(self) -> int:
        """Return what the host can give to a new process without swapping, in bytes."""
        with open("/proc/meminfo", encoding="ascii") as handle:
            fields = dict(line.split(":", 1) for line in handle)
        return int(fields["MemAvailable"].split()[0]) * 1024

    def free_bytes(self, path: str) -> int:
        """Return what an unprivileged writer may still use on the file system of path."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

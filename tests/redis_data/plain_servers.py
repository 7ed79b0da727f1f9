"""Redis servers of this machine, without Docker: enough where a comparison is the question and not a container."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis


@contextlib.contextmanager
def plain_server(folder: Path, dump: str = "", *options: str) -> Iterator[redis.Redis | None]:
    """Start a server in folder, on a copy of dump where one is given; yield its client, None when it refuses the dump.

    The time of the load is in the client's attribute load_seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if dump:
        shutil.copyfile(dump, folder / "dump.rdb")
    path = str(folder / "s")
    command = ["redis-server", "--port", "0", "--unixsocket", path, "--dir", str(folder), "--save", "", *options]
    began = time.monotonic()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
    client = redis.Redis(unix_socket_path=path, socket_timeout=60)
    try:
        while server.poll() is None:
            with contextlib.suppress(redis.exceptions.RedisError):
                client.ping()
                break
            time.sleep(0.01)
        client.load_seconds = time.monotonic() - began
        client.process = server
        yield client if server.poll() is None else None
        client.close()
    finally:
        server.kill()
        server.wait()

"""How long a change of the Redis data takes, as ratios to redis-server's own load of the same dump in the same run.

Prints a table for docs/performance-redis.md. No figure is asserted: seconds depend on the machine and on who else uses
it.
"""

from __future__ import annotations

import argparse
import json
import platform
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [
    str(HERE.parent / "redis_data"),
    str(HERE.parent / "stack"),
    str(HERE.parent.parent / "playbooks" / "collections"),
]

import redis  # noqa: E402
from plain_servers import plain_server  # noqa: E402
from redis_lab import RedisLab, reverse  # noqa: E402

JOB = """
import json, resource, sys, time
from redis_lab import RedisLab
job = RedisLab.reopen(sys.argv[1]).job(*sys.argv[2:5])
began, cpu = time.monotonic(), time.process_time()
result = job.run()
spent = time.monotonic() - began, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"seconds": spent[0], "cpu": spent[1], "peak": peak, "pause": result["write_pause_ms"] / 1000,
                  "changed": result["keys_restored"] + result["keys_removed"]}))
"""
CHANGED = 67  # every 67th pair: 1.5 %
BATCH = 5000


def pairs(client: redis.Redis, count: int) -> None:
    """Write so many pairs as the masking plugin does, and its counter."""
    pipe = client.pipeline(transaction=False)
    for number in range(count):
        original, alias = f"i-{number:017x}", f"AWS_EC2_{number:03d}"
        pipe.set(f"aws_masker:map:{alias}", original, ex=86400)
        pipe.set(reverse(original), alias, ex=86400)
        if number % BATCH == 0:
            pipe.execute()
    pipe.execute()
    client.set("aws_masker:cnt:ec2", count)


def measured(lab: RedisLab, dump: Path, method: str) -> dict[str, float]:
    """Run one restore in a process of its own; return its seconds, pause, peak memory (MiB) and changed keys."""
    path = [str(Path(__file__).parent.parent / "redis_data"), *sys.path]
    answer = subprocess.run(
        [sys.executable, "-c", JOB, str(lab.directory), "restore", str(dump), method],
        env={"PYTHONPATH": ":".join(path), "PATH": "/usr/bin:/bin:/usr/local/bin"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(answer.stdout)


def drop(client: redis.Redis, count: int, every: int) -> None:
    """Delete every so manieth pair, so that a restore has to bring it back."""
    pipe = client.pipeline(transaction=False)
    for number in range(0, count, every):
        pipe.delete(f"aws_masker:map:AWS_EC2_{number:03d}", reverse(f"i-{number:017x}"))
    pipe.execute()


def one_size(keys: int, folder: Path) -> None:
    """Measure one number of keys and print its rows."""
    dump = folder / "bench.rdb"
    with plain_server(folder / "made") as client:
        pairs(client, keys // 2)
        client.save()
        (folder / "made" / "dump.rdb").rename(dump)
    loads = []
    for _again in range(3):
        with plain_server(folder / "load", str(dump)) as client:
            loads.append(client.load_seconds)
    load = sorted(loads)[1]
    lab = RedisLab(folder / "lab", f"kmr-bench-{secrets.token_hex(3)}", aof=False)
    lab.directory.mkdir()
    try:
        lab.deploy()
        rows = [("file", measured(lab, dump, "file"))]
        lab.wait()
        drop(lab.client(), keys // 2, CHANGED)
        rows.append(("delta, 1.5 % changed", measured(lab, dump, "delta")))
        rows.append(("delta, nothing changed", measured(lab, dump, "delta")))
        lab.client().flushall()
        rows.append(("delta, all changed", measured(lab, dump, "delta")))
    finally:
        lab.down()
    for name, row in rows:
        print(
            f"| {keys:,} | {load:.2f} | {name} | {row['changed']:,} | {row['seconds']:.2f} | "
            f"{row['seconds'] / load:.1f} | {row['pause']:.2f} | {row['pause'] / load:.1f} | "
            f"{row['cpu']:.2f} | {row['peak']} |",
            flush=True,
        )


def main() -> None:
    """Print the machine, the versions and a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keys", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": unknown")
    server = subprocess.run(
        ["redis-server", "--version"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()[2]
    print(f"{platform.platform()}, {cpu.split(': ')[-1]}")
    busy = Path("/proc/loadavg").read_text().split()[0]
    versions = f"Python {platform.python_version()}, redis-py {redis.__version__}, redis-server {server}"
    print(f"{versions}; load average {busy}\n")
    print("| keys | load s | method | changed | s | × load | pause s | × load | CPU s of the module | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for keys in parser.parse_args().keys:
        with tempfile.TemporaryDirectory(prefix="kmr-bench-") as folder:
            one_size(keys, Path(folder))


if __name__ == "__main__":
    main()

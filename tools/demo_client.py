"""The people in the demo: clients that send masking requests, and the team that deploys a bad release.

demo_client.py send NUMBER    send requests with fresh identifiers; exit status 0 when all is masked and came back
demo_client.py break          edit the release on disk and deploy it, as the field does
demo_client.py state          show what runs, and how many mappings Redis holds
demo_client.py compare ID     tell whether files and mappings are those of the backup
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "stack"))

from outside import StackError, http  # noqa: E402
from reference_stack import ReferenceStack  # noqa: E402

STACK = ROOT / ".demo" / "stack"
SENT = ROOT / ".demo" / "sent.json"
BROKEN = "\n# Release 2: a new plugin, not quite finished\nplugins: [aws-masker\n"


def ask(stack: ReferenceStack, identifier: str) -> tuple[bool, str, str]:
    """Send one identifier; answer whether all is well, what the upstream saw, and what came back."""
    probe = secrets.token_hex(8)
    body = {"model": "demo", "max_tokens": 100, "messages": [{"role": "user", "content": f"Look at {identifier}"}]}
    try:
        status, answer = http("POST", f"{stack.proxy}/v1/messages", body, {"X-Probe-Id": probe})
        seen = http("GET", f"{stack.upstream}/__seen?probe={probe}")[1].decode()
    except OSError as error:
        return False, "nothing", f"no answer ({error})"
    if status != 200:
        return False, "nothing", f"HTTP {status}"
    content = json.loads(seen)["messages"][0]["content"].removeprefix("Look at ")
    back = json.loads(answer)["content"][0]["text"].removeprefix("Look at ")
    return identifier not in seen and back == identifier, content, back


def send(stack: ReferenceStack, number: int) -> int:
    """Send requests: the first with identifiers that were sent before, so that an old mapping is seen to work."""
    sent: dict[str, str] = json.loads(SENT.read_text(encoding="utf-8")) if SENT.exists() else {}
    failed = 0
    known = list(sent)[:1]
    for identifier in [*known, *(f"i-{secrets.token_hex(9)[:17]}" for dummy in range(number - len(known)))]:
        good, seen, back = ask(stack, identifier)
        if identifier in sent and seen != sent[identifier]:
            good = False
        failed += not good
        if good:
            sent.setdefault(identifier, seen)
        old = " (sent before)" if identifier in known else ""
        print(f"  {'ok    ' if good else 'FAILED'}  {identifier} → upstream saw: {seen}{old}")
        if not good:
            print(f"          the client got: {back}")
    SENT.write_text(json.dumps(sent), encoding="utf-8")
    return int(failed > 0)


def break_release(stack: ReferenceStack) -> int:
    """Deploy a release that changes two settings and leaves Kong's file unreadable."""
    stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m")
    kong_file = stack.directory / "kong" / "kong.yml"
    with kong_file.open("a", encoding="utf-8") as file:
        file.write(BROKEN)
    print("  edited  .env, config/demo.env: KONG_LOG_LEVEL=debug, KONG_MEMORY_LIMIT=512m")
    print("  edited  kong/kong.yml: a bracket is missing")
    print("  run     docker compose up -d --no-deps kong")
    stack.compose("up", "-d", "--no-deps", "kong")
    return 0


def state(stack: ReferenceStack) -> int:
    """Show containers, the setting that the bad release changes, and the number of mappings."""
    for name, found in sorted(stack.containers().items()):
        level = [entry for entry in found["Config"]["Env"] if entry.startswith("KONG_LOG_LEVEL=")]
        print(f"  {name:<9} {found['State']['Status']:<11} {' '.join(level)}".rstrip())
    print(f"  mappings in Redis: {mappings(stack)}")
    return 0


def mappings(stack: ReferenceStack) -> int:
    """How many aliases Redis can turn back."""
    return len([key for key in stack.redis_cli("--scan", "--pattern", "aws_masker:map:*").split("\n") if key])


def compare(stack: ReferenceStack, backup_id: str) -> int:
    """Compare the files on disk with the backup's own list of hashes."""
    (backup,) = (stack.directory / "backups").glob(f"*/{backup_id}")
    kept = sorted(path for path in (backup / "files").rglob("*") if path.is_file())
    differing = [
        str(path.relative_to(backup / "files"))
        for path in kept
        if not (stack.directory / path.relative_to(backup / "files")).exists()
        or digest(path) != digest(stack.directory / path.relative_to(backup / "files"))
    ]
    sent: dict[str, str] = json.loads(SENT.read_text(encoding="utf-8"))
    mapped = [name for name, alias in sent.items() if stack.redis_cli("GET", f"aws_masker:map:{alias}") == name]
    print(f"  files as in {backup_id}: {len(kept) - len(differing)} of {len(kept)}")
    print(f"  identifiers sent since the beginning that still have their alias: {len(mapped)} of {len(sent)}")
    return int(bool(differing) or not kept or len(mapped) < len(sent))


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: list[str]) -> int:
    """Do one of the things above."""
    stack = ReferenceStack.load(STACK)
    match arguments:
        case ["send", number]:
            return send(stack, int(number))
        case ["break"]:
            return break_release(stack)
        case ["state"]:
            return state(stack)
        case ["compare", backup_id]:
            return compare(stack, backup_id)
    print((__doc__ or "").strip(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (StackError, subprocess.TimeoutExpired) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        sys.exit(1)

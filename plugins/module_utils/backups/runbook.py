# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RUNBOOK.md: the manual way back to the state of one backup, for the day Ansible itself is down. Pure.

It is made from what the backup records and nothing else. Blocks fenced as ``sh`` are run in their order; ``sh data``
and ``sh kong-only`` are for the cases that their heading names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import compose
from ..stack_args import StackArgs
from . import runbook_data
from . import runbook_shell as shell

NAME = "RUNBOOK.md"
SHELL, DATA, KONG_ONLY = "sh", "sh data", "sh kong-only"


def render(manifest: Mapping[str, Any], stack: StackArgs, path: str) -> str:
    """Return the runbook of a backup; path is where it lies, manifest the one about to be written, with its files."""
    parts = _head(manifest, stack, path)
    parts += _data_only(manifest, stack) if manifest["kind"] == "data" else _whole(manifest, stack)
    return "\n".join(parts) + "\n"


def _block(lines: Sequence[str], kind: str = SHELL) -> list[str]:
    return ["", f"```{kind}", *lines, "```", ""]


def _head(manifest: Mapping[str, Any], stack: StackArgs, path: str) -> list[str]:
    state = f"before {manifest['id']}" if manifest["kind"] == "deploy" else f"of {manifest['id']}"
    lines = [
        f"# Runbook: {stack.project} back to the state {state}",
        "",
        f"Environment {manifest['environment']}, host {manifest['host']}, taken {manifest['created']}.",
        "",
        "For the day Ansible itself is down. If it is not, one command does all of this and more:",
        f"`ansible-playbook playbooks/rollback.yml -e env={manifest['environment']} -e deployment={manifest['id']}`"
        if manifest["kind"] != "data"
        else f"`ansible-playbook playbooks/recover_data.yml -e env={manifest['environment']} "
        f"-e deployment={manifest['id']}`",
        "",
        (
            f"On {manifest['host']}, as root, in **one** shell (`sh` or `bash`), block by block from top to bottom. "
            "Stop at the first line that fails. Needed: docker with compose, curl, coreutils. Nothing outside this "
            "project is touched."
        ),
        "",
    ]
    if manifest.get("services"):
        lines += ["| service | image | id | published |", "| --- | --- | --- | --- |"]
        for name, item in sorted(manifest["services"].items()):
            ports = ", ".join(f"{host}:{port} → {inside}" for inside, (host, port) in sorted(item["ports"].items()))
            lines.append(f"| {name} | `{item['image_ref']}` | `{item['image_id'][:19]}` | {ports or '-'} |")
        lines.append("")
    lines += [f"- NOTE: {text}" for text in manifest.get("notes") or []]
    lines += ["", "## 1. Names", "", "If the backup lies elsewhere by now, correct `BACKUP`."]
    targets = {item["target"] for item in manifest["files"] if item.get("target")}
    lines += _block(shell.variables(stack, path, manifest.get("services") or {}, targets))
    lines += ["## 2. Is the backup whole?", "", "Anything but `the backup is whole`: take another one."]
    return lines + _block(shell.prove(manifest["files"]))


def _whole(manifest: Mapping[str, Any], stack: StackArgs) -> list[str]:
    services, files = manifest["services"], manifest["files"]
    before, after = _others(services, stack)
    lines = ["## 3. Files back", "", "What they replace is kept in `$SAVED`."]
    led = manifest.get("links") or {}
    lines += _block(
        shell.put_back(files, manifest["absent"], manifest["directories"], led, manifest.get("spared") or ())
    )
    lines += ["## 4. Images back", "", "Each must be there; its tag moves to it."]
    lines += _block(shell.images(services))
    lines += [
        "## 5. Kong off",
        "",
        (
            "Kong must not serve while Redis is away: it would give every resource the same alias and hand clients "
            "each other's identifiers."
        ),
    ]
    lines += _block(shell.stop_kong(stack))
    if stack.redis_service in services:
        lines += ["## 6. Redis", "", "The live mappings stay. A copy of them first, where Redis can give one."]
        lines += _block([*runbook_data.keep_data(), *runbook_data.start_redis(stack)])
        lines += _data_section(manifest, stack, services[stack.redis_service]["image_id"])
    lines += ["## 7. Kong on, then what is in front of it", "", "Kong is ready when it shows the hash of its file."]
    start = [shell.up(name) for name in before]
    if stack.kong_service in services:
        start += [shell.up(stack.kong_service, "--force-recreate"), *shell.kong_ready(manifest["kong"])]
    start += [shell.up(name) for name in after]
    if stack.proxy_service in services:
        start += ["# Kong has a new address; the proxy answers 502 until it is told.", *shell.reload_proxy(stack)]
    lines += _block(start)
    lines += ["## 8. Verify", "", "The last line says it."]
    lines += _block(shell.verify(stack))
    lines += _kong_only(manifest)
    return [
        *lines,
        "## If it got worse",
        "",
        "What was replaced lies in `$SAVED`, under the same names. Put it back in the same way.",
    ]


def _others(services: Mapping[str, Any], stack: StackArgs) -> tuple[list[str], list[str]]:
    """Return (what starts before Kong, what starts after it), the proxy first among the latter."""
    depends = {name: list(item["depends_on"]) for name, item in services.items()}
    own = {stack.redis_service, *stack.core}
    order = [name for name in compose.start_order(depends) if name in services and name not in own]
    behind = {stack.kong_service, stack.proxy_service}
    late = [name for name in order if behind & compose.needed_by(depends, [name])]
    proxy = [stack.proxy_service] if stack.proxy_service in services else []
    return [name for name in order if name not in late], [*proxy, *late]


def _data_section(manifest: Mapping[str, Any], stack: StackArgs, image_id: str) -> list[str]:
    redis = manifest["redis"]
    if redis.get("file") != "redis-backup.rdb":
        return [f"This backup holds no dump to load ({redis.get('reason', 'no reason recorded')}).", ""]
    aof = "append-only files **on**" if redis.get("aof") else "append-only files off"
    lines = [
        f"### Only if the live mappings are lost or broken: the {redis.get('keys', '?')} keys of the backup",
        "",
        (
            f"Redis {redis.get('version', '')} had {aof}. The dump has to stand where the server will really load it: "
            "with append-only files on that is their base file, and a `dump.rdb` beside them is ignored. Copying it "
            "over the `dump.rdb` of a running server does nothing: it is overwritten at the next stop. "
            "**This replaces all live keys.**"
        ),
    ]
    return lines + _block(runbook_data.place_data(stack, image_id, redis), DATA)


def _kong_only(manifest: Mapping[str, Any]) -> list[str]:
    wanted = (manifest.get("kong") or {}).get("file")
    entry = next((item for item in manifest["files"] if wanted and item.get("target") == wanted), None)
    if entry is None:
        return []
    lines = [
        "## If only Kong's configuration is wrong",
        "",
        (
            "Blocks 1 and 2, then this one instead of 3 to 7: Kong loads it without a restart, and keeps the old one "
            "when it refuses it."
        ),
    ]
    ready = shell.kong_ready(manifest["kong"])[:1]
    return lines + _block([*ready, *_kong_file_only(entry)], KONG_ONLY)


def _data_only(manifest: Mapping[str, Any], stack: StackArgs) -> list[str]:
    """The runbook of a data backup: only the mappings come back."""
    kong = shell.quote(stack.kong_service)
    image = "\"$(docker inspect --format '{{.Image}}' \"$(of " + shell.quote(stack.redis_service) + ')")"'
    place = [
        line.replace("IMAGE-OF-REDIS", image)
        for line in runbook_data.place_data(stack, "IMAGE-OF-REDIS", manifest["redis"])
    ]
    lines = ["## 3. Kong off", "", "Kong must not serve while Redis is away."]
    lines += _block(shell.stop_kong(stack))
    lines += ["## 4. The data", "", f"{manifest['redis'].get('keys', '?')} keys. **This replaces all live keys.**"]
    lines += _block([*runbook_data.keep_data(), *place])
    lines += ["## 5. Kong on", ""]
    ready = shell.kong_ready({})
    lines += _block(
        [f'docker start "$(of {kong})"', *ready, *(shell.reload_proxy(stack) if stack.proxy_service else ())]
    )
    lines += ["## 6. Verify", ""]
    return lines + _block(shell.verify(stack))


def _kong_file_only(entry: Mapping[str, Any]) -> list[str]:
    """Return the way back of Kong's declarative file alone: no restart, no lost request."""
    words = (entry["path"], entry["target"], f"{int(entry['mode']):04o}", f"{entry['uid']}:{entry['gid']}")
    return [
        "curl -fsS --max-time 30 -o /dev/null -w 'POST /config: %{http_code}\\n' -H \"Content-Type: text/yaml\" \\",
        f'  --data-binary @"$BACKUP"/{shell.quote(entry["path"])} "$(admin)/config?check_hash=1"',
        *shell.put_back([], (), (), {}, ()),
        "put " + " ".join(shell.quote(word) for word in words),
        "wait_for kong_up",
    ]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of a runbook: plain sh, filled in with what one backup records. Pure; nothing here starts a process.

Passwords are never in a command: each is taken from the container's environment, or read from the environment file.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..configuration import links, mounted_tree
from ..engine import compose
from ..engine.endpoints import REDIS_PORT
from ..gateway.kong_admin import HASH_SINCE, version_tuple
from ..gateway.web import TLS_PORT
from ..stack_args import StackArgs

ADMIN, GATEWAY, PASSWORD = "8001/tcp", "8000/tcp", "REDIS_PASSWORD"
MAKE_SAVED = '(umask 077 && mkdir -p "$SAVED")'
quote = shlex.quote


def variables(stack: StackArgs, path: str, services: Mapping[str, Any], names: Collection[str]) -> list[str]:
    """Return the shell variables and helper functions that later blocks use; names: the files that are put back."""
    words = compose.command(stack, (), names=names or None)
    kong = stack.kong_service
    front, inside, port = (stack.proxy_service, "", "80") if stack.proxy_service else (kong, GATEWAY, "8000")
    if stack.proxy_service and stack.proxy_port:
        inside, port = f"{stack.proxy_port}/tcp", str(stack.proxy_port)
    proxy = _place(services.get(front), inside, f"$(address {quote(front)})", port)
    admin = _place(services.get(kong), ADMIN, f"$(address {quote(kong)})", "8001")
    has_password = PASSWORD in ((services.get(stack.redis_service) or {}).get("env_names") or [])
    return [
        f"STACK={quote(stack.dir)}",
        f"BACKUP={quote(path)}",
        f"PROJECT={quote(stack.project)}",
        'SAVED="$STACK/.recovery/manual-$(date -u +%Y%m%d-%H%M%S)"',
        "# Compose with an empty environment: a variable of this shell would beat the environment file.",
        'dc() { env -i PATH="$PATH" HOME="$HOME" ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} \\',
        f'  docker compose {" ".join(quote(word) for word in words)} "$@"; }}',
        "# The container of a service, by Compose's labels.",
        'of() { docker ps --all --quiet --filter "label=com.docker.compose.project=$PROJECT" \\',
        '  --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False \\',
        "  | head -n 1; }",
        (
            "address() { docker inspect --format "
            "'{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' \"$(of \"$1\")\" | cut -d ' ' -f 1; }"
        ),
        "# Asks every half second, for a minute.",
        (
            'wait_for() { n=0; until "$@"; do n=$((n + 1)); [ "$n" -lt 120 ] || { echo "NOT READY: $*"; return 1; }; '
            'sleep 0.5; done; echo "ready: $*"; }'
        ),
        *_redis_cli(stack, has_password),
        "redis_up() { rc ping 2>/dev/null | grep -q PONG; }",
        f"admin() {{ echo {admin}; }}",
        f"proxy() {{ echo {proxy}; }}",
    ]


def _place(service: Mapping[str, Any] | None, inside: str, address: str, port: str) -> str:
    """Return a URL in double quotes: the published port, one without TLS first, else the container's own address."""
    ports = (service or {}).get("ports") or {}
    numbers = sorted((int(name[:-4]) for name in ports if name.endswith("/tcp")), key=lambda one: (_tls(one), one))
    asked = int(inside[:-4]) if inside else numbers[0] if numbers else int(port)
    host, number = ports.get(f"{asked}/tcp") or (address, port)
    return f'"{"https" if _tls(asked) else "http"}://{f"[{host}]" if ":" in host else host}:{number}"'


def _tls(port: int) -> bool:
    return port % 1000 == TLS_PORT


def _redis_cli(stack: StackArgs, has_password: bool) -> list[str]:
    redis, ask = quote(stack.redis_service), "redis-cli"
    if not stack.redis_host:
        ask += f" -p {stack.redis_port}" if stack.redis_port != REDIS_PORT else ""
        ask += " --tls --insecure" if stack.redis_tls else ""
    ask += f" -n {stack.redis_database}" if stack.redis_database else ""
    if has_password:
        return [
            (
                f'rc() {{ docker exec "$(of {redis})" sh -c '
                f'\'REDISCLI_AUTH="${PASSWORD}" exec {ask} "$@"\' redis-cli "$@"; }}'
            )
        ]
    line = f"[[:blank:]]*\\(export[[:blank:]][[:blank:]]*\\)*{PASSWORD}="
    take = f"sed -n 's/^{line}//p' {quote(stack.path(stack.env_file or '.env'))} 2>/dev/null"
    return [
        f"REDISCLI_AUTH=$({take} | tail -n 1 | tr -d '\\r\"' | tr -d \"'\"); export REDISCLI_AUTH",
        f'rc() {{ docker exec --env REDISCLI_AUTH "$(of {redis})" {ask} "$@"; }}',
    ]


def prove(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the check of every file of the backup; names that a line cannot hold are left out."""
    plain = [item for item in files if not set(item["path"]) & {"\n", "\\", "\r"}]
    rows = [f"{item['sha256']}  {item['path']}" for item in plain]
    return ["(cd \"$BACKUP\" && sha256sum --check --quiet) <<'END' && echo 'the backup is whole'", *rows, "END"]


def put_back(
    files: Iterable[Mapping[str, Any]],
    absent: Iterable[str],
    directories: Iterable[str],
    led: Mapping[str, str],
    data: Collection[str],
) -> list[str]:
    """Return the commands that bring files back: content in place, so that mounted files keep their inode.

    led: link → where it leads; what lies behind one comes back under its own name; data: folders in the directories
    that hold data or logs, and stay. A link that was added is named and left: whether it is one of those that no backup
    holds, a person has to say.
    """
    targets = [item for item in files if item.get("target") and not links.behind(led, item["target"])]
    lines = [
        'save() { mkdir -p "$SAVED/$(dirname "$1")" && cp -p "$STACK/$1" "$SAVED/$1"; }',
        'take_away() { [ ! -e "$STACK/$1" ] || { save "$1" && rm -f "$STACK/$1" && echo "taken away: $1"; }; }',
        "put() {",
        '  [ ! -e "$STACK/$2" ] || save "$2" || return 1',
        '  [ ! -L "$STACK/$2" ] || rm -f "$STACK/$2" || return 1',
        '  mkdir -p "$(dirname "$STACK/$2")" && cat "$BACKUP/$1" > "$STACK/$2" && chmod "$3" "$STACK/$2" \\',
        '    && chown "$4" "$STACK/$2" && echo "back: $2"',
        "}",
        MAKE_SAVED,
    ]
    for item in targets:
        words = (item["path"], item["target"], f"{int(item['mode']):04o}", f"{item['uid']}:{item['gid']}")
        lines.append("put " + " ".join(quote(word) for word in words))
    if led:
        lines += [
            "point() {",
            '  [ ! -f "$STACK/$1" ] || save "$1" || return 1',
            '  [ ! -L "$STACK/$1" ] || echo "$1 led to $(readlink "$STACK/$1")"',
            '  mkdir -p "$(dirname "$STACK/$1")" && ln -sfT -- "$2" "$STACK/$1" && echo "back: $1 leads to $2"',
            "}",
        ]
    lines += [f"point {quote(name)} {quote(links.text(name, leads))}" for name, leads in sorted(led.items())]
    lines += [f"take_away {quote(name)}" for name in absent]
    for folder in directories:
        # Only data in this very folder: it may itself be configuration that lies in a folder of data.
        kept = [f"! -path {quote(_literal(name) + '/*')}" for name in mounted_tree.below([folder], data)]
        known = [item["target"] for item in targets if item["target"].startswith(folder.rstrip("/") + "/")]
        spared = " ".join([*(f"! -path {quote(_literal(name))}" for name in known), *kept])
        lines.append(f"# What was added to {folder} since:")
        lines.append(
            f'(cd "$STACK" && [ ! -d {quote(folder)} ] || find {quote(folder)} -type f {spared} -print) | '
            'while IFS= read -r name; do take_away "$name"; done'
        )
        known = [name for name in led if name.startswith(folder.rstrip("/") + "/")]
        spared = " ".join([*(f"! -path {quote(_literal(name))}" for name in sorted(known)), *kept])
        lines.append(
            f'(cd "$STACK" && [ ! -d {quote(folder)} ] || find {quote(folder)} -type l {spared} -print) | '
            'while IFS= read -r name; do echo "a link that is not in the backup: $name"; done'
        )
    return lines


def _literal(name: str) -> str:
    """Return a name as find's -path takes it for itself."""
    return "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in name)


def images(services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the commands that check the kept images and move the tags back to them."""
    lines = []
    for image_id, reference in dict.fromkeys((item["image_id"], item["image_ref"]) for item in services.values()):
        there = f"docker image inspect --format '{{{{.Id}}}}' {quote(image_id)}"
        movable = reference and "@" not in reference and not reference.startswith("sha256:")
        tag = f" && docker tag {quote(image_id)} {quote(reference)}" if movable else ""
        lines.append(f"{there}{tag}")
    return lines


def up(service: str, *options: str) -> str:
    """Return the call that brings one service to its definition, alone."""
    return " ".join(["dc up --detach --no-deps --no-build --pull never", *options, quote(service)])


def stop_kong(stack: StackArgs) -> list[str]:
    """Return the command that takes Kong off."""
    kong = quote(stack.kong_service)
    return [f'[ -z "$(of {kong})" ] || docker stop "$(of {kong})"']


def kong_ready(kong: Mapping[str, Any]) -> list[str]:
    """Return the question whether Kong serves the backup's configuration: its hash is the MD5 of the file."""
    wanted = str(kong.get("configuration_hash") or "")
    shows = version_tuple(str(kong.get("version") or "3.9")) >= HASH_SINCE
    look = f" | grep -q {quote(wanted)}" if wanted and shows else " > /dev/null"
    return [
        f'kong_up() {{ curl -fsS --max-time 3 "$(admin)/status" 2>/dev/null{look}; }}',
        "wait_for kong_up",
    ]


def reload_proxy(stack: StackArgs) -> list[str]:
    """Return the commands that tell the proxy Kong's new address: it answers 502 until it is told."""
    return [
        # No certificate holds for an address.
        f'proxy_up() {{ curl -kfsS --max-time 3{_named(stack)} "$(proxy){stack.health_path}" > /dev/null 2>&1; }}',
        "wait_for proxy_up",
        f'docker exec "$(of {quote(stack.proxy_service)})" nginx -s reload',
        "sleep 1",
    ]


def _named(stack: StackArgs) -> str:
    return f" -H {quote('Host: ' + stack.probe_host)}" if stack.probe_host else ""


def verify(stack: StackArgs) -> list[str]:
    """Return the closing checks; the last line of a good run is SERVICE: BACK."""
    prefix = stack.mapping_prefixes[0]
    # The health page is the proxy's own.
    health = (
        [f'curl -kfsS --max-time 5{_named(stack)} "$(proxy){stack.health_path}"; echo'] if stack.proxy_service else []
    )
    body = (
        '{\\"model\\":\\"probe\\",\\"max_tokens\\":1,\\"messages\\":[{\\"role\\":\\"user\\",\\"content\\":\\"$ID\\"}]}'
    )
    return [
        (
            'docker ps --all --filter "label=com.docker.compose.project=$PROJECT" --format '
            "'table {{.Names}}\\t{{.Status}}\\t{{.Image}}'"
        ),
        "rc ping",
        *health,
        "# A new identifier through the whole chain: it must have become a pair of mappings.",
        "ID=\"i-$(od -An -N9 -tx1 /dev/urandom | tr -d ' \\n' | cut -c 1-17)\"",
        "curl -ksS --max-time 20 -o /dev/null -w 'status %{http_code}\\n' -H 'Content-Type: application/json' \\",
        f' {_named(stack)} -d "{body}" "$(proxy){stack.probe_path}"',
        f'pair={quote(prefix + "rev:")}$(printf %s "$ID" | base64 -w 0)',
        'alias=$(rc --raw get "$pair")',
        "case $alias in",
        '  "") echo "SERVICE: NOT BACK, nothing was masked"; false ;;',
        '  *_000) echo "SERVICE: NOT BACK, the plugin works without Redis"; false ;;',
        f'  *) rc del "$pair" {quote(prefix + "map:")}"$alias" && echo "SERVICE: BACK" ;;',
        "esac",
    ]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of a runbook that concern the Redis data: a copy first, then the backup's dump. Pure as the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..gateway.kong_admin import version_tuple
from ..stack_args import StackArgs
from . import runbook_shell as shell

MARGIN = 100_000


def keep_data() -> list[str]:
    """Return a copy of the live data, where Redis can still give one."""
    return [
        shell.MAKE_SAVED,
        (
            'if redis_up; then rc --rdb - > "$SAVED/redis-before.rdb" && ls -l "$SAVED/redis-before.rdb"; '
            "else echo 'Redis does not answer: its files stay where they are'; fi"
        ),
    ]


def start_redis(stack: StackArgs) -> list[str]:
    """Return the start of Redis; it is replaced by force only where it does not answer otherwise."""
    redis = stack.redis_service
    return [
        shell.up(redis),
        f"wait_for redis_up || {{ {shell.up(redis, '--force-recreate')} && wait_for redis_up; }}",
        "rc dbsize",
    ]


def place_data(stack: StackArgs, image_id: str, redis: Mapping[str, Any]) -> list[str]:
    """Return the commands that make Redis load the backup's dump; alias counters never fall.

    With append-only files on, Redis loads their base file and ignores the dump beside them.
    """
    new = version_tuple(str(redis.get("version") or "7")) >= (7,)
    floor = [f"{key} {int(value) + MARGIN}" for key, value in sorted((redis.get("counters") or {}).items())]
    scans = "; ".join(f"rc --raw --scan --pattern {shell.quote(prefix + 'cnt:*')}" for prefix in stack.mapping_prefixes)
    name = shell.quote(stack.redis_service)
    return [
        shell.MAKE_SAVED,
        'setting() { value=$(rc --raw config get "$1" 2>/dev/null | sed -n 2p); echo "${value:-$2}"; }',
        "if redis_up; then",
        f"  for key in $({scans}); do",
        '    echo "$key $(rc --raw get "$key")"; done > "$SAVED/counters"',
        "else",
        "  # Nobody can be asked for the live counters: well above the backup's.",
        "  cat > \"$SAVED/counters\" <<'END'",
        *floor,
        "END",
        "fi",
        f"append=$(setting appendonly {'yes' if redis.get('aof') else 'no'})",
        f"folder=$(setting appenddirname {shell.quote('appendonlydir' if new else '')})",
        'docker_env="--env DIR=$(setting dir /data) --env DUMP=$(setting dbfilename dump.rdb) --env APPEND=$append"',
        'docker_env="$docker_env --env FOLDER=$folder --env NAME=$(setting appendfilename appendonly.aof)"',
        f"redis=$(of {name})",
        'docker stop "$redis"',
        "# shellcheck disable=SC2086",
        'docker run --rm --network none --user 0 --label com.docker.compose.project= --volumes-from "$redis" \\',
        '  --volume "$BACKUP:/backup:ro" $docker_env --entrypoint sh ' + shell.quote(image_id) + " -eu -c '",
        '    owner=$(stat -c %u:%g "$DIR")',
        '    rm -rf "$DIR/$DUMP" "$DIR/${FOLDER:-$NAME}"',
        '    if [ "$APPEND" = yes ] && [ -n "$FOLDER" ]; then',
        '      mkdir "$DIR/$FOLDER"',
        '      echo "file $NAME.1.base.rdb seq 1 type b" > "$DIR/$FOLDER/$NAME.manifest"',
        '      target="$DIR/$FOLDER/$NAME.1.base.rdb"',
        '    elif [ "$APPEND" = yes ]; then target="$DIR/$NAME"; else target="$DIR/$DUMP"; fi',
        '    cp /backup/redis-backup.rdb "$target"',
        '    chown "$owner" "$target"',
        '    [ -z "$FOLDER" ] || [ ! -d "$DIR/$FOLDER" ] || chown -R "$owner" "$DIR/$FOLDER"',
        "  '",
        'docker start "$redis"',
        "wait_for redis_up",
        "# An alias that was given out must never come to mean another resource.",
        "while read -r key value; do",
        '  now=$(rc --raw get "$key"); [ "${now:-0}" -ge "$value" ] || rc set "$key" "$value"',
        'done < "$SAVED/counters"',
        "rc dbsize",
    ]

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of Kong itself: processes, Admin API, what it has loaded, the masking plugin and its code."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from ..checks import ADVISORY, NotMeasured, Question, in_a_row
from ..engine.container import Container
from ..errors import RecoveryError
from ..gateway import kong_file
from ..gateway.kong_admin import HASH_SINCE, version_tuple
from ..gateway.kong_look import GIVEN_AS_TEXT, KongLook
from . import performance, plugin_code

OLDEST = (2, 8)
STOPPED, DEAD = "Tt", "ZX"
# Arguments: HOST PORT pairs. Says which name is unknown and which port is closed, seen from inside. A resolver that is
# busy may lose a question; one that took long to say no lost none.
REACH = r"""
command -v getent >/dev/null 2>&1 || exit 97
known() { getent hosts "$1" >/dev/null 2>&1; }
unknown() {
  began=$(date +%s)
  if known "$1"; then return 1; fi
  if [ $(($(date +%s) - began)) -lt 2 ]; then sleep 1 && ! known "$1"; fi
}
while [ $# -gt 1 ]; do
  if unknown "$1"; then echo "$1 is an unknown name"
  elif command -v bash >/dev/null 2>&1 && ! timeout 3 bash -c ': <>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; then
    echo "$1:$2 accepts no connection"
  fi
  shift 2
done
"""


class KongChecks:
    """The checks of Kong itself; backup: the record of the backup that should be running, where there is one."""

    def __init__(self, look: KongLook, backup: Mapping[str, Any]) -> None:
        self.look, self.stack, self.backup = look, look.stack, backup

    def questions(self) -> list[Question]:
        """Return the questions; each stands after those that it needs."""
        redis, kong = self.stack.redis_service, self.stack.kong_service
        there = (f"container_{kong}",)
        alive = (*there, "kong_workers")
        admin = (*alive, "kong_admin")
        linked = (*admin, f"link_{kong}_{redis}")
        loaded = (*admin, "kong_file", "kong_configuration_hash")
        plugin = self.stack.masking_plugin
        return [
            Question("kong_workers", "Kong's processes run", self._workers, needs=there),
            Question("kong_admin", "Kong's Admin API answers three times", self._admin_answers, needs=alive),
            Question("kong_version", "Kong 2.8 or newer", self._version, ADVISORY, admin),
            Question("kong_db_less", "database off", self._db_less, needs=admin, lasting=True),
            Question("kong_file", "a declarative file that can be read", self._file, needs=alive, lasting=True),
            Question(
                "kong_configuration_hash", "the MD5 of the declarative file", self._hash, needs=(*admin, "kong_file")
            ),
            Question("kong_services", "every service of the file", self._services, needs=loaded),
            Question("kong_routes", "every route of the file", self._routes, needs=loaded),
            Question(
                "masking_plugin",
                f"{plugin} enabled where the file binds it",
                self._plugin,
                needs=(*admin, "kong_file", "kong_routes"),
            ),
            Question("plugin_code", f"the code of {plugin} as it lies there", self._code, needs=alive, lasting=True),
            Question("kong_upstreams", "no target that Kong gave up", self._upstreams, ADVISORY, admin),
            Question("upstream_reachable", "reached from inside Kong", self._reachable, ADVISORY, linked),
        ]

    def _workers(self) -> tuple[bool, str]:
        rows = self.look.engine.processes(self.look.kong())
        if not rows:
            raise NotMeasured("the engine lists no processes")
        known = {pid for pid, _parent, _state, _args in rows}
        frozen = [pid for pid, _parent, state, _args in rows if state[:1] in STOPPED]
        if frozen:
            return False, f"{len(frozen)} of {len(rows)} processes: {', '.join(f'{pid} is stopped' for pid in frozen)}"
        workers = [row for row in rows if row[1] in known and row[2][:1] not in DEAD]
        return bool(workers), f"{len(workers)} worker processes" if workers else "no worker process"

    def _admin_answers(self) -> tuple[bool, str]:
        admin = self.look.admin()
        return in_a_row(lambda: (True, f"Kong {admin.facts().version}"))

    def _version(self) -> tuple[bool, str]:
        found = self.look.admin().facts().version
        return version_tuple(found)[:2] >= OLDEST, found

    def _db_less(self) -> tuple[bool, str]:
        found = self.look.admin().facts().database
        return found == "off", f"database {found}"

    def _file(self) -> tuple[bool, str]:
        name, content = self.look.document()
        document = kong_file.parse(content, name)
        if not any(document.get(kind) for kind in ("services", "routes")):
            return False, f"{name} holds no service and no route: Kong would answer 404 to everything"
        return True, name

    def _hash(self) -> tuple[bool, str]:
        admin = self.look.admin()
        name, content = self.look.document()
        # Kong strips what it is given in a variable.
        wanted = [_md5(content)] + ([_md5(content.strip())] if name == GIVEN_AS_TEXT else [])
        loaded = admin.loaded_hash()
        if self.look.running and loaded:
            return True, f"serves {loaded}"
        if not loaded and version_tuple(admin.facts().version) < HASH_SINCE:
            raise NotMeasured("this Kong shows no hash before the first POST /config")
        return loaded in wanted, f"{loaded or 'nothing loaded'}; {name} has {wanted[0]}"

    def _services(self) -> tuple[bool, str]:
        return self._present("services", kong_file.declared(self.look.parsed(), self.stack.masking_plugin).services)

    def _routes(self) -> tuple[bool, str]:
        return self._present("routes", kong_file.declared(self.look.parsed(), self.stack.masking_plugin).routes)

    def _present(self, kind: str, wanted: frozenset[str]) -> tuple[bool, str]:
        missing = sorted(wanted - {str(item.get("name")) for item in self.look.admin().entities(kind)})
        return not missing, f"missing: {', '.join(missing)}" if missing else f"{len(wanted)} {kind}"

    def _plugin(self) -> tuple[bool, str]:
        admin, name = self.look.admin(), self.stack.masking_plugin
        live = kong_file.live_bindings(
            admin.entities("plugins"), admin.entities("routes"), admin.entities("services"), name
        )
        wanted = sorted(kong_file.declared(self.look.parsed(), name).bindings, key=str)
        found = ", ".join(map(str, live)) or "not enabled anywhere"
        said = ", ".join(map(str, wanted)) or "nowhere"
        return bool(wanted) and kong_file.agree(wanted, live), f"{found}; the file says {said}"

    def _code(self) -> tuple[bool, str]:
        kong, runner = self.look.kong(), self.look.runner
        good, found = plugin_code.judge_image(kong, self.backup)
        if not good:
            return good, found
        folder = plugin_code.mounted_folder(kong, self.stack.masking_plugin)
        if not folder:
            return good, found
        wanted = plugin_code.recorded_files(self.backup, self.stack, folder)
        if wanted:
            good, found = plugin_code.judge_recorded(runner, wanted)
            if not good:
                return False, found
        before = performance.read_baseline(self.stack, runner).get("plugin") or {}
        code, loaded = plugin_code.mounted_code(runner, folder), self._loaded_version()
        return plugin_code.judge_mounted(code, loaded, kong.started, self._reloaded(kong), before, kong.id)

    def _reloaded(self, kong: Container) -> float:
        """Return when Kong's oldest worker process began, in seconds since the epoch; 0 where nobody can tell."""
        ages = self.look.engine.worker_ages(kong)
        return time.time() - ages[-1] if ages else 0.0

    def _loaded_version(self) -> str:
        """Return the plugin's version that Kong names; empty where it says nothing."""
        try:
            return self.look.admin().facts().loadable.get(self.stack.masking_plugin, "")
        except (NotMeasured, RecoveryError):
            return ""

    def code_record(self) -> dict[str, Any]:
        """Return what a baseline keeps of Kong and its plugin."""
        kong = self.look.kong()
        record: dict[str, Any] = {"kong": {"image_id": kong.image_id}}
        folder = plugin_code.mounted_folder(kong, self.stack.masking_plugin)
        if folder:
            code = plugin_code.mounted_code(self.look.runner, folder)
            about = {"sha256": code.digest, "version": code.version}
            record["plugin"] = {**about, "container": kong.id, "started": kong.started}
        return record

    def _upstreams(self) -> tuple[bool, str]:
        found = self.look.admin().unhealthy_targets()
        if not found:
            return True, "none is declared"
        bad = [f"{name}: {', '.join(rows)}" for name, rows in sorted(found.items()) if rows]
        return not bad, "; ".join(bad) or f"{len(found)} upstreams"

    def _reachable(self) -> tuple[bool, str]:
        admin, kong = self.look.admin(), self.look.kong()
        balanced = {str(item.get("name")) for item in admin.entities("upstreams")}
        places = [
            (str(item["host"]), str(item.get("port") or 80))
            for item in admin.entities("services")
            if item.get("host") and item["host"] not in balanced
        ]
        places = [*dict.fromkeys(places)][:8]
        if not places:
            raise NotMeasured("no service names a host")
        words = [word for place in places for word in place]
        status, out, _err = self.look.engine.execute(kong, ["sh", "-c", REACH, "reach", *words])
        if status != 0:
            raise NotMeasured(f"{kong.name} has no tool to look a name up with")
        bad = out.decode("utf-8", "replace").split("\n")[:-1]
        return not bad, "; ".join(bad) or ", ".join(f"{host}:{port}" for host, port in places)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()

# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of stack_verify: containers, ports, links by name, resources, the proxy's configuration, Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from ..checks import ADVISORY, Check, NotMeasured, Question, answer_all
from ..engine import sockets
from ..engine.container import ENGINE_NETWORKS, Container, is_job
from ..engine.docker_stack import DockerStack
from ..engine.endpoints import reachable
from ..runner import Runner
from ..stack_args import StackArgs
from . import stack_resources
from .mapping_checks import MappingChecks

LOOKS, LOOK_PAUSE = 3, 0.1
# An engine's resolver that cannot ask its own name servers takes up to 20 s to say that it does not know a name.
SLOW_LOOK_SECONDS = 2.0
NO_COMMAND = (126, 127)
WRITABLE = 'for place; do [ -w "$place" ] || echo "$place"; done'


class StackChecks:
    """The checks of stack_verify; expected: services that must be there, the core ones always among them.

    write: whether a key of our own may be written to Redis; now: seconds since the epoch.
    """

    def __init__(
        self,
        stack: StackArgs,
        engine: DockerStack,
        runner: Runner,
        expected: Sequence[str],
        write: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.stack, self.engine, self.runner, self.now = stack, engine, runner, now
        self.expected = sorted({*expected, *stack.core})
        self.write = write
        self.containers: dict[str, Container] = {}
        self.later: dict[str, Container] = {}
        self.listeners: list[sockets.Listener] = []
        self.networks: set[str] = set()

    def ask_all(self) -> list[Check]:
        """Make every check once, all at the same time, on the containers of this moment."""
        self.containers = self.engine.containers()
        self.later = self.containers
        for _number in range(LOOKS - 1):
            self.runner.sleep(LOOK_PAUSE)
            self.later = self.engine.containers()
        self.networks = self.engine.project_networks()
        self.listeners = sockets.owners(
            port for item in self.containers.values() for _host, port in item.ports.values()
        )
        return answer_all(self._questions())

    def _questions(self) -> list[Question]:
        services = sorted({*self.expected, *self.containers})
        stack = self.stack
        redis, kong, proxy = stack.redis_service, stack.kong_service, stack.proxy_service
        # Where Kong looks for a Redis of another host is its own matter: the name that is known here may be another.
        links = [*([] if stack.redis_host else [(kong, redis)]), *([(proxy, kong)] if proxy else [])]
        found = [
            Question(f"container_{name}", "running, and staying so", lambda name=name: self._runs(name))  # type: ignore[misc]
            for name in services
        ]
        found += [
            Question(
                f"ports_{name}",
                "published ports answered by this container",
                lambda name=name: self._ports(name),  # type: ignore[misc]
            )
            for name, container in self.containers.items()
            if _accepting(container)
        ]
        found += [
            Question(
                f"link_{one}_{other}",
                f"{one} finds {other} by its name",
                lambda one=one, other=other: self._link(one, other),  # type: ignore[misc]
                needs=(f"container_{one}", f"container_{other}"),
            )
            for one, other in links
        ]
        if proxy:
            found.append(
                Question(
                    "proxy_configuration",
                    "nginx -t succeeds",
                    self._proxy_configuration,
                    needs=(f"container_{proxy}", f"container_{kong}", f"link_{proxy}_{kong}"),
                )
            )
        found += [
            Question("writable_mounts", "containers may write where they should", self._writable, ADVISORY),
            Question("memory_kills", "no process was killed for lack of memory", self._oom, ADVISORY),
            Question("resources", "below nine tenths of every limit", self._resources, ADVISORY),
            Question("disk", "room on the disk", self._disk, ADVISORY),
        ]
        return found + MappingChecks(self.stack, self.runner, self.containers, self.write).questions()

    def _runs(self, service: str) -> tuple[bool, str]:
        container, later = self.containers.get(service), self.later.get(service)
        if container is None or later is None:
            return False, "no container"
        restarts = f", {later.restarts} restarts" if later.restarts else ""
        if is_job(later, self.stack.core):
            return True, "has ended with 0, as a job does"
        if later.trouble or container.trouble:
            return False, f"{later.trouble or container.trouble}{restarts}"
        if (later.id, later.started_at) != (container.id, container.started_at):
            return False, f"was started anew while it was looked at{restarts}"
        early = later.unsettled(self.now())
        if early:
            return False, f"{early}{restarts}"
        return True, f"{later.state}{restarts}"

    def _ports(self, service: str) -> tuple[bool, str]:
        container = self.containers[service]
        places = _accepting(container)
        held = [(place, self._stranger(container, place)) for place in places]
        wrong = [f"{host}:{port} is answered by {who}" for (host, port), who in held if who]
        if wrong:
            return False, "; ".join(wrong)
        if not container.running:
            raise NotMeasured(f"because container_{service} fails")
        dead = [f"{host}:{port}" for host, port in places if not reachable([(host, port)], 2.0)]
        return not dead, f"no connection: {', '.join(dead)}" if dead else "all accept"

    def _stranger(self, container: Container, place: tuple[str, int]) -> str:
        """Return who answers a published port in this container's stead."""
        owner = "" if container.running else self.engine.port_owner(place[1])
        if owner and owner != container.name:
            return f"container {owner}"
        own: list[int] = []
        if container.settings.get("network_mode") == "host":
            own = [pid for pid, *_rest in self.engine.processes(container)]
        free = not container.running and not owner
        return sockets.stranger(place, self.listeners, container.addresses, own, free)

    def _link(self, one: str, other: str) -> tuple[bool, str]:
        source, target = self.containers.get(one), self.containers.get(other)
        if source is None or target is None:
            return False, f"{one if source is None else other} has no container"
        for name, container in ((one, source), (other, target)):
            if not container.running:
                raise NotMeasured(f"because container_{name} fails")
        shared = set(source.addresses) & set(target.addresses)
        if not shared:
            return self._apart(source, target)
        name = _name_of(target, source)
        found = self._looked_up(source, name)
        if not found:
            return False, f"{name} is an unknown name in {source.name}"
        if all(":" in address for address in found):
            raise NotMeasured(f"{name} has IPv6 addresses only")
        addresses = {target.addresses[network] for network in shared}
        good = bool(addresses & set(found))
        shown = f"{name} is {', '.join(found)}"
        return good, shown if good else f"{shown}, and {target.name} is {', '.join(sorted(addresses))}"

    def _looked_up(self, source: Container, name: str) -> list[str]:
        """Return the addresses of a name inside a container; a resolver that is busy may lose a question or two.

        What took long was no question that was lost: it is not asked again.
        """
        for number in range(LOOKS):
            if number:
                self.runner.sleep(LOOK_PAUSE)
            began = self.runner.clock()
            status, out, _err = self.engine.execute(source, ["getent", "hosts", name])
            if status in NO_COMMAND:
                raise NotMeasured(f"{source.name} has no tool to look a name up with")
            found = [line.split()[0] for line in out.decode("utf-8", "replace").splitlines() if line.split()]
            if status == 0 and found:
                return found
            if self.runner.clock() - began > SLOW_LOOK_SECONDS:
                break
        return []

    def _apart(self, source: Container, target: Container) -> tuple[bool, str]:
        """Judge two containers without a common network: by design, or one of them fell off the project's."""
        for item in (source, target):
            mode = str(item.settings.get("network_mode", ""))
            if mode in ENGINE_NETWORKS or mode.startswith("container:"):
                raise NotMeasured(f"{item.name} has no network of its own")
        lost = [item.name for item in (source, target) if not set(item.addresses) & self.networks]
        if lost:
            return False, f"{', '.join(lost)} is on no network of the project"
        raise NotMeasured("they have no common network: they reach each other another way, or not at all")

    def _proxy_configuration(self) -> tuple[bool, str]:
        proxy = self.containers.get(self.stack.proxy_service)
        if proxy is None or not proxy.running:
            return False, f"{self.stack.proxy_service} does not run"
        status, out, err = self.engine.execute(proxy, ["nginx", "-t"])
        if status in NO_COMMAND:
            raise NotMeasured(f"{proxy.name} has no nginx to ask")
        said = (err or out).decode("utf-8", "replace").strip().splitlines()
        reason = next((line for line in said if "[emerg]" in line), said[-1] if said else "no word")
        return status == 0, "valid" if status == 0 else reason.partition("[emerg]")[2].strip() or reason

    def _writable(self) -> tuple[bool, str]:
        asked = 0
        wrong = []
        for container in self.containers.values():
            places = [
                item.destination
                for item in container.mounts
                if item.writable and item.type == "bind" and os.path.isdir(item.source)
            ]
            if places and container.running:
                status, out, _err = self.engine.execute(container, ["sh", "-c", WRITABLE, "look", *places])
                if status == 0:
                    asked += len(places)
                    wrong += [f"{container.name} may not write to {place}" for place in out.decode().split("\n")[:-1]]
        if not asked:
            raise NotMeasured("no directory is mounted to be written to")
        return not wrong, "; ".join(wrong) or f"{asked} directories"

    def _oom(self) -> tuple[bool, str]:
        # One that does not run fails its own check.
        killed = [item.name for item in self.containers.values() if item.oom_killed and item.running]
        return not killed, f"killed in {', '.join(killed)}" if killed else "none"

    def _resources(self) -> tuple[bool, str]:
        running: Mapping[str, Container] = {name: item for name, item in self.containers.items() if item.running}
        return stack_resources.judge(stack_resources.gather(self.engine, running))

    def _disk(self) -> tuple[bool, str]:
        places = [self.stack.dir, self.stack.backup_dir if os.path.isdir(self.stack.backup_dir) else self.stack.dir]
        return stack_resources.judge_disk(dict.fromkeys(places))


def _accepting(container: Container) -> list[tuple[str, int]]:
    """Return the published places that accept connections; nothing tells whether anybody listens for UDP."""
    return sorted(place for name, place in container.ports.items() if name.endswith("/tcp"))


def _name_of(target: Container, source: Container) -> str:
    """Return the name by which a service asks for another: its setting where that is one of the other's names."""
    names = {target.service, target.name, *target.aliases}
    given = next((value for key, value in source.env.items() if key.endswith("REDIS_HOST") and value in names), "")
    return given or target.service

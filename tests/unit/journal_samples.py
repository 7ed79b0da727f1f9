"""Journals as the modules write them, and ten runs that ended in ten ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
GOOD = {"name": "redis", "status": "passed", "level": "critical", "expected": "PONG", "found": "PONG", "ms": 4}
MASKING = {
    "name": "masking",
    "status": "passed",
    "level": "critical",
    "expected": "an alias at the upstream",
    "found": "masked at the upstream, unmasked for the client",
    "ms": 61,
}
# The names that stack_verify and kong_verify give their checks.
ALL_GOOD = [
    *(
        {**GOOD, "name": name, "expected": expected, "found": found, "ms": ms}
        for name, expected, found, ms in (
            ("container_kong", "running", "running", 2),
            ("container_nginx", "running", "running", 2),
            ("container_redis", "running", "running", 2),
            ("ports_kong", "published ports accept connections", "all accept", 3),
            ("redis", "PONG with the password, not loading, takes writes", "PONG, reads and writes", 12),
            ("kong_admin", "Kong's Admin API answers", "Kong 3.9.1", 9),
            ("kong_configuration_hash", "the MD5 of the declarative file", "771ebe0f; kong/kong.yml has 771ebe0f", 14),
            ("masking_plugin", "aws-masker enabled where the file binds it", "route messages", 11),
            ("proxy_chain", "three requests through the proxy reach Kong", "reaches Kong", 18),
        )
    ),
    MASKING,
    {
        **GOOD,
        "name": "performance",
        "level": "advisory",
        "expected": "p50 below 1.5 times the baseline",
        "found": "p50 21 ms, baseline 20 ms",
        "ms": 900,
    },
]
BROKEN = {**MASKING, "status": "failed", "found": "status 502 at the masking request"}
OPEN = {**MASKING, "status": "not_measured", "found": "upstream: the provider behind Kong answers 529"}
BACKUP = {"id": "deploy-20260701-010000", "created": "2026-07-01T01:00:00Z", "verified": True}
KONG = {"kong": {"do": "recreate", "why": ["differs in KONG_LOG_LEVEL"]}, "redis": {"do": "keep", "why": []}}
STEPS = (("write_file", "config/production.env", 2), ("recreate", "kong", 4100), ("ready", "kong", 900))


class JournalText:
    """Writes one journal line by line on a clock that only the test moves."""

    def __init__(self, run, began=BEGAN, mono=5000.0):
        self.run, self.began, self.zero, self.now = run, began, mono, mono
        self.lines = []

    def event(self, event, **fields):
        wall = (self.began + timedelta(seconds=self.now - self.zero)).isoformat(timespec="milliseconds")
        line = {"seq": len(self.lines), "wall": wall.replace("+00:00", "Z"), "mono": round(self.now, 3), "event": event}
        self.lines.append(json.dumps({**line, **fields}))

    def begin(self, kind="rollback", **fields):
        about = {
            "run": self.run,
            "kind": kind,
            "environment": "production",
            "project": "gateway",
            "host": "gw1",
            "by": {"user": "ops", "host": "bastion", "pid": 4711},
            "arguments": {"deployment": "latest", "services": [], "redis_data": "", "redis_scope": "mappings"},
            "fence": 7,
            "timeout": 120,
            "detected_at": "",
            "resumes": "",
        }
        self.event("begin", **{**about, **fields})

    def phase(self, phase, seconds, result=None, ok=True, **fields):
        self.event("phase", phase=phase, state="begin")
        self.now += seconds
        self.event("phase", phase=phase, state="end", ok=ok, seconds=seconds, result=result or {}, **fields)

    def before(self, plan, checks, saved="proven"):
        """What runs (asked by two modules), discover, plan and snapshot: 0.5, 0.5, 0.5 and 1.5 seconds."""
        found = {"backup": BACKUP, "why": "newest verified deployment backup", "older": ["deploy-20260630-220000"]}
        self.phase("before", 0.25, {"checks": checks[:1]})
        self.phase("before", 0.25, {"checks": checks[1:]})
        self.phase("discover", 0.5, found)
        self.phase("plan", 0.5, {"plan": plan})
        if saved:
            redis = {"status": saved, "keys": 1012, "mappings": 500}
            identifier = f"rollback-{self.began:%Y%m%d-%H%M%S}"
            self.phase("snapshot", 1.5, {"backup": {"id": identifier, "path": f"/b/{identifier}", "redis": redis}})

    def apply(self, seconds, ok=True, steps=STEPS, **fields):
        self.event("phase", phase="apply", state="begin")
        executed = []
        first = self.now
        for number, (action, what, ms) in enumerate(steps, 1):
            about = {"step": number, "action": action, ("path" if "/" in what else "service"): what}
            self.event("step", state="begin", **about)
            self.now += ms / 1000
            if ok or number < len(steps):
                self.event("step", state="end", ms=ms, **about)
                executed.append({**about, "ms": ms})
        self.now = first + seconds
        self.event("phase", phase="apply", state="end", ok=ok, seconds=seconds, result={"executed": executed}, **fields)

    def end(self, outcome, service, not_measured=0, failure="", checks=()):
        self.event(
            "end",
            outcome=outcome,
            service=service,
            not_measured=not_measured,
            seconds=round(self.now - self.zero, 3),
            failure=failure,
            checks=checks,
            backup_id=BACKUP["id"],
            snapshot_id="" if outcome in ("refused", "nothing to do") else f"rollback-{self.began:%Y%m%d-%H%M%S}",
        )

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


def plan(services=None, mode="keep", **about):
    """A plan that recreates Kong."""
    actions = [
        {"step": number, "action": action, ("path" if "/" in what else "service"): what, "why": "differs"}
        for number, (action, what, _ms) in enumerate(STEPS, 1)
    ]
    data = {"mode": mode, "changes": mode != "keep", "before": 500, "line": f"DATA: {mode.upper()} - 500 live mappings"}
    found = {
        "services": services or KONG,
        "actions": actions,
        "data": data,
        "refusals": [],
        "waived": [],
        "warnings": [],
    }
    return {**found, "estimate_seconds": 7.2, **about}


def ago(began, seconds):
    """A time before a run began, as an operator gives it."""
    return (began - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def ten_runs():
    """(run, text of its journal) of ten runs on ten days, each with another end."""
    every = {"redis": {"do": "recreate", "why": ["x"]}, "kong": {"do": "restart", "why": ["because Redis"]}}
    runs = []

    def add(kind="rollback", detected=None):
        began = BEGAN + timedelta(days=len(runs), minutes=len(runs))
        prefix = "rollback" if kind == "rollback" else kind
        one = JournalText(f"{prefix}-{began:%Y%m%d-%H%M%S}", began, 5000.0 + 1000 * len(runs))
        one.begin(kind, detected_at="" if detected is None else ago(began, detected))
        runs.append(one)
        return one

    one = add(detected=60)  # completed, configuration only: back after 3 + 6 s, 12 s in all
    one.before(plan(), [GOOD, BROKEN])
    one.apply(6.0)
    one.phase("verify", 3.0, {"checks": ALL_GOOD, "data": {"keys": 1012, "mappings": 500}})
    one.end("completed", "back")

    one = add(detected=100)  # completed with data: back after 3 + 17 s, 24 s in all, one check not measured
    one.before(plan(mode="restore"), [GOOD, BROKEN])
    one.apply(17.0)
    one.phase("verify", 4.0, {"checks": [GOOD, OPEN]})
    one.end("completed", "back", not_measured=1)

    one = add("force_rollback")  # completed by force: back after 3 + 12 s
    one.before(plan(waived=[{"name": "space_low", "reason": "9 MiB free", "hint": ""}]), [GOOD, BROKEN])
    one.apply(12.0)
    one.phase("verify", 2.0, {"checks": [GOOD, MASKING]})
    one.end("completed", "back")

    one = add()  # failed: Kong does not stay up
    one.before(plan(), [GOOD, BROKEN])
    one.apply(31.0, ok=False, msg="Step 3 (ready kong) failed: gateway-kong-1 does not stay up", hint="docker logs")
    one.event("warning", text="snapshot + apply passed their budget")
    one.end("failed", "not back", failure="apply: Step 3 (ready kong) failed: gateway-kong-1 does not stay up")

    one = add()  # undone: the state before passed more checks
    one.before(plan(), [GOOD, MASKING, {**GOOD, "name": "kong_routes", "status": "failed", "found": "missing: one"}])
    one.apply(8.0)
    one.phase("verify", 60.0, {"checks": [GOOD, BROKEN]}, ok=False, msg="masking failed")
    for seconds in (2.0, 1.0, 4.0):  # the snapshot proven, the way planned, gone back
        one.phase("undo", seconds, {"executed": []})
    one.phase("verify", 2.0, {"checks": [GOOD, MASKING]})
    one.end("undone", "back", failure="verify: masking failed", checks=[GOOD, MASKING])

    one = add()  # refused
    guard = {"name": "image_gone", "reason": "kong: image 12ab is gone", "hint": "Load it.", "waivable": False}
    one.before(plan(refusals=[guard]), [GOOD, BROKEN], saved="")
    one.end("refused", "not measured", failure="plan: image_gone")

    one = add()  # nothing to do
    one.before(plan(actions=[], services={"kong": {"do": "keep", "why": []}}), [GOOD, MASKING], saved="")
    one.phase("verify", 2.0, {"checks": [GOOD, MASKING]})
    one.end("nothing to do", "back")

    one = add()  # killed in the middle of a line
    one.before(plan(), [GOOD, BROKEN])
    one.event("phase", phase="apply", state="begin")
    one.now += 1.0
    one.event("step", step=1, action="write_file", path="config/production.env", state="begin")
    one.lines[-1] = one.lines[-1][:40]

    one = add()  # completed, every service, and needless: back after 3 + 27 s
    one.before(plan(services=every), [GOOD, MASKING])
    one.apply(27.0)
    one.phase("verify", 5.0, {"checks": [GOOD, MASKING]})
    one.end("completed", "back")

    one = add("force_rollback")  # failed by force, its copy of the data unproven
    one.before(plan(mode="empty"), [BROKEN], saved="unproven")
    one.apply(70.0, ok=False, msg="Step 3 (ready kong) failed: not ready", hint="docker logs")
    one.end("failed", "not back", failure="apply: Step 3 (ready kong) failed: not ready")

    return [(one.run, one.text) for one in runs]

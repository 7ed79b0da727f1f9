#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify Kong and the whole chain."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kong_verify
short_description: Verify that the gateway serves what it should and masks
description:
  - Checks Kong's processes, its Admin API, the hash of the loaded configuration, its services and routes, the masking
    plugin on its route and its code, the proxy in front, and sends one request with fresh random identifiers through
    the whole chain. Speed is compared with the last verified deployment.
  - A check that needs a failed one is not measured, so that one cause fails one check. Errors of the provider behind
    Kong are not measured either.
  - Secrets that the Admin API shows in clear never leave the module.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  masking_probe:
    description:
      - How masking is proven. V(echo) asks an upstream that remembers what it saw, V(redis) looks at the fresh pairs of
        mappings, V(off) does not send a request; the check is then not measured.
      - The request is a small one (one token) and goes to the provider behind Kong. Its mappings are removed again;
        alias counters stay raised by one.
    type: str
    choices: [echo, redis, "off"]
    default: redis
  masking_kinds:
    description:
      - Kinds of identifier that must be masked. Those that the plugin's own configuration says it masks beyond these
        are probed too, and named where they leak, without failing the verification.
    type: list
    elements: str
    default: [ec2]
    choices: [ec2, vpc, subnet, security_group, ebs, s3, rds, account, access_key, private_ip, public_ip]
  promised_kinds:
    description:
      - Whether the other kinds that the plugin's configuration says it masks are tried too, as an advisory check.
      - Each uses up an alias number of its kind.
    type: bool
    default: true
  echo_url:
    description: The remembering upstream's URL, for O(masking_probe=echo).
    type: str
    default: ""
  probe_headers:
    description: Headers that the masking request needs, credentials for instance.
    type: dict
    default: {}
  probe_body:
    description:
      - The body of the masking request, as a mapping or as text; C({identifiers}) marks where the identifiers go. Empty
        takes a request of the messages API for one token.
    type: raw
    default: ""
  performance_samples:
    description:
      - How many GET requests without a body are timed on the probe's path; V(0) measures nothing. What the provider
        took is taken off.
    type: int
    default: 20
  load_requests:
    description: How many masking requests are sent as a short load; V(0) sends none. Each costs what one probe costs.
    type: int
    default: 0
  load_parallel:
    description: How many of O(load_requests) are under way at a time.
    type: int
    default: 5
  against:
    description:
      - What the loaded configuration is compared with. V(file) is the declarative file on disk, V(running) Kong's own
        export, for a stack whose files were edited for the next release.
    type: str
    choices: [file, running]
    default: file
  backup:
    description:
      - The backup that should be running, as M(kong_masking.recovery.backup_discover) returns it; the plugin's code is
        then compared with it.
    type: dict
    default: {}
  whole_stack:
    description:
      - Whether the checks of M(kong_masking.recovery.stack_verify) are made first, by this module. They come before its
        own in all that it returns. One process has both done sooner than two.
      - While a critical one of them fails, the gateway is asked once and not waited for.
    type: bool
    default: false
  services:
    description: With O(whole_stack=true), services that must be there; those of O(stack) always count.
    type: list
    elements: str
    default: []
  other_checks:
    description:
      - Checks of M(kong_masking.recovery.stack_verify). What needs one of them that failed is not measured, and a
        critical one that failed lets this module not pass either.
    type: list
    elements: dict
    default: []
  store_baseline:
    description: Keep speed and plugin code as the baseline of a verified deployment, when all passes.
    type: bool
    default: false
  record:
    description:
      - Write all checks as JSON to this file, relative to O(stack.dir); empty writes none. That is not counted as a
        change.
    type: str
    default: ""
  timeout:
    description: Seconds to go on asking while critical checks fail; V(0) asks once.
    type: int
    default: 60
  fail:
    description: Fail when a critical check failed.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description:
      - Reads only. Masking request, samples of the speed and load are not sent, so that nothing says how those are.
        The probe path is still asked by single C(GET)s. Nothing is stored.
  diff_mode:
    support: none
    description: Changes nothing that is deployed.
  idempotent:
    support: full
    description: Changes nothing that stays, a stored baseline aside.
"""

EXAMPLES = r"""
- name: Verify the gateway
  kong_masking.recovery.kong_verify:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
"""

RETURN = r"""
passed:
  description: Whether no critical check failed.
  returned: success, or when a check failed
  type: bool
  sample: true
checks:
  description: The checks.
  returned: success, or when a check failed
  type: list
  elements: dict
  contains:
    name: {description: Which check., type: str, returned: always, sample: kong_configuration_hash}
    status: {description: "C(passed), C(failed) or C(not_measured).", type: str, returned: always, sample: passed}
    level: {description: C(critical) or C(advisory)., type: str, returned: always, sample: critical}
    expected: {description: What should be., type: str, returned: always, sample: the MD5 of the declarative file}
    found: {description: What is., type: str, returned: always, sample: 771ebe0ff27e31be6e1e74581e0589ad}
    ms: {description: How long it took., type: int, returned: always, sample: 12}
text:
  description: A line a check, for a person; then the evidence where a critical one failed.
  returned: success, or when a check failed
  type: list
  elements: str
  sample: ["passed       redis    3 ms  PONG, reads and writes"]
diagnosis:
  description: Evidence about the container that each critical failure points at.
  returned: success, or when a check failed
  type: list
  elements: dict
  contains:
    service: {description: The guilty service., type: str, returned: always, sample: kong}
    checks: {description: The failed checks., type: list, elements: str, returned: always, sample: [kong_admin]}
    lines: {description: "What is known, no secret.", type: list, elements: str, returned: always, sample: [exited]}
    hint: {description: The next command., type: str, returned: always, sample: docker logs --tail 50 gateway-kong-1}
progress:
  description: How far the run is, a line for a person; a second one once its time is over.
  returned: success, with O(run) and not in check mode
  type: list
  elements: str
  sample: ["[ 12.0 s of 120] snapshot: rollback-20260729-121500"]
hint:
  description: The next command or step; empty where the message says all.
  returned: failure
  type: str
  sample: Run the same command again.
details:
  description: Facts of the failure as data.
  returned: failure
  type: dict
  sample: {}
seconds:
  description: How long all took.
  returned: success
  type: float
  sample: 0.3
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC
from ..module_utils.stack_args import STACK_SPEC, StackArgs
from ..module_utils.verification.chain_checks import ProbeSettings
from ..module_utils.verification.kong_verification import KongVerification
from ..module_utils.verification.masking import OFF
from ..module_utils.verification.masking_kinds import MAKERS
from ..module_utils.verification.stack_verification import verify_stack

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "masking_probe": {"type": "str", "choices": ["echo", "redis", "off"], "default": "redis"},
    "masking_kinds": {"type": "list", "elements": "str", "default": ["ec2"], "choices": list(MAKERS)},
    "promised_kinds": {"type": "bool", "default": True},
    "echo_url": {"type": "str", "default": ""},
    "probe_headers": {"type": "dict", "default": {}, "no_log": True},
    "probe_body": {"type": "raw", "default": ""},
    "performance_samples": {"type": "int", "default": 20},
    "load_requests": {"type": "int", "default": 0},
    "load_parallel": {"type": "int", "default": 5},
    "against": {"type": "str", "choices": ["file", "running"], "default": "file"},
    "backup": {"type": "dict", "default": {}},
    "whole_stack": {"type": "bool", "default": False},
    "services": {"type": "list", "elements": "str", "default": []},
    "other_checks": {"type": "list", "elements": "dict", "default": []},
    "store_baseline": {"type": "bool", "default": False},
    "record": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 60},
    "fail": {"type": "bool", "default": True},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Ask until it is good or the time is over."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    # In check mode nothing is sent that leaves a trace in Redis or keeps the provider busy.
    dry = module.check_mode
    probe = ProbeSettings(
        evidence=OFF if dry else params["masking_probe"],
        echo_url=params["echo_url"],
        headers={name: str(value) for name, value in params["probe_headers"].items()},
        template=params["probe_body"],
        kinds=params["masking_kinds"],
        promised=params["promised_kinds"],
        samples=0 if dry else params["performance_samples"],
        load=0 if dry else params["load_requests"],
        parallel=params["load_parallel"],
    )
    engine, runner, timeout = DockerStack(stack.project), Runner(module.run_command), params["timeout"]
    rest = verify_stack(stack, engine, runner, params["services"], timeout, not dry) if params["whole_stack"] else None
    others = [*params["other_checks"], *(rest["checks"] if rest else [])]
    made = KongVerification(stack, engine, runner, probe, params["against"] == "running")
    result = made.run(timeout if rest is None or rest["passed"] else 0, others, params["backup"])
    if not dry:
        result["changed"] = params["store_baseline"] and made.store_baseline(result)
        if params["record"]:
            made.record(params["record"], [*others, *result["checks"]], result["passed"])
    if rest:
        result.update({name: rest[name] + result[name] for name in ("checks", "text", "diagnosis")})
    if not result["passed"] and params["fail"]:
        raise made.rejection(result)
    return result


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()

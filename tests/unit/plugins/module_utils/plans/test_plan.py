"""What build_plan decides and in which order, as a table of cases."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    ENV_FILE,
    KONG_FILE,
    OTHER_HASH,
    SETTINGS,
    decided,
    env,
    extra,
    file,
    gone,
    image,
    lost,
    serves,
    stale,
    states,
    steps,
    stranger,
    tag,
    trouble,
)

HANDLER = "kong/plugins/aws-masker/handler.lua"
NGINX_CONF = "nginx/nginx.conf"
KONG_BACK = ["reload nginx", "ready kong", "ready nginx"]
REDIS_MOVES = ["stop kong", "recreate redis", "ready redis", "start kong", *KONG_BACK]
RESTARTED = ["stop kong", "restart redis", "ready redis", "start kong", *KONG_BACK]


def case(name, changes, expected, **services):
    """One row: differences, the exact steps, and the exact decisions."""
    return pytest.param(changes, expected, services, id=name)


CASES = [
    case("nothing-differs", [], []),
    # Kong
    case("kong-env", [env("kong")], ["recreate kong", *KONG_BACK], kong="recreate", nginx="reload"),
    case(
        "kong-env-and-env-file",
        [env("kong"), file(ENV_FILE)],
        [f"write_file {ENV_FILE}", "recreate kong", *KONG_BACK],
        kong="recreate",
        nginx="reload",
    ),
    case(
        "kong-image",
        [image("kong")],
        ["tag_image gateway-kong", "recreate kong", *KONG_BACK],
        kong="recreate",
        nginx="reload",
    ),
    case("kong-tag-only", [tag("kong")], ["tag_image gateway-kong"]),
    case(
        "kong-file-edited-and-loaded",
        [file(KONG_FILE), serves(OTHER_HASH)],
        ["load_configuration kong", f"write_file {KONG_FILE}"],
        kong="reload",
    ),
    case(
        "kong-file-edited-not-loaded",
        [file(KONG_FILE)],
        ["load_configuration kong", f"write_file {KONG_FILE}"],
        kong="reload",
    ),
    case("kong-serves-nothing", [serves("")], ["load_configuration kong"], kong="reload"),
    case("kong-mute-and-nothing-else", [serves(None)], []),
    case("kong-serves-another", [serves(OTHER_HASH)], ["load_configuration kong"], kong="reload"),
    case(
        "kong-file-and-kong-mute",
        [file(KONG_FILE), serves(None)],
        [f"write_file {KONG_FILE}", "restart kong", *KONG_BACK],
        kong="restart",
        nginx="reload",
    ),
    case(
        "kong-file-lost",
        [lost(KONG_FILE)],
        ["load_configuration kong", f"write_file {KONG_FILE}"],
        kong="reload",
    ),
    case(
        "kong-file-and-kong-env",
        [file(KONG_FILE), env("kong")],
        [f"write_file {KONG_FILE}", "recreate kong", *KONG_BACK],
        kong="recreate",
        nginx="reload",
    ),
    case(
        "kong-file-replaced-under-it",
        [stale("kong", KONG_FILE)],
        ["restart kong", *KONG_BACK],
        kong="restart",
        nginx="reload",
    ),
    case("kong-file-mode", [file(KONG_FILE, mode=0o600)], [f"write_file {KONG_FILE}"]),
    case(
        "plugin-file",
        [file(HANDLER)],
        [f"write_file {HANDLER}", "restart kong", *KONG_BACK],
        kong="restart",
        nginx="reload",
    ),
    case("plugin-file-mode", [file(HANDLER, mode=0o600)], [f"write_file {HANDLER}"]),
    case("plugin-file-owner", [file(HANDLER, uid=1000)], [f"write_file {HANDLER}"]),
    case(
        "plugin-file-added",
        [extra("kong/plugins/aws-masker/new.lua")],
        ["remove_file kong/plugins/aws-masker/new.lua", "restart kong", *KONG_BACK],
        kong="restart",
        nginx="reload",
    ),
    case(
        "plugin-and-kong-file",
        [file(HANDLER), file(KONG_FILE)],
        [f"write_file {KONG_FILE}", f"write_file {HANDLER}", "restart kong", *KONG_BACK],
        kong="restart",
        nginx="reload",
    ),
    case("kong-gone", [gone("kong")], ["recreate kong", *KONG_BACK], kong="recreate", nginx="reload"),
    # Redis
    case("redis-env", [env("redis")], REDIS_MOVES, redis="recreate", kong="restart", nginx="reload"),
    case("redis-gone", [gone("redis")], REDIS_MOVES, redis="recreate", kong="restart", nginx="reload"),
    case(
        "redis-image",
        [image("redis")],
        ["tag_image gateway-redis", *REDIS_MOVES],
        redis="recreate",
        kong="restart",
        nginx="reload",
    ),
    case(
        "redis-file",
        [file("redis/redis.conf")],
        ["write_file redis/redis.conf", *RESTARTED],
        redis="restart",
        kong="restart",
        nginx="reload",
    ),
    case(
        "redis-and-kong-env",
        [env("redis"), env("kong")],
        ["stop kong", "recreate redis", "ready redis", "recreate kong", *KONG_BACK],
        redis="recreate",
        kong="recreate",
        nginx="reload",
    ),
    case(
        "redis-and-kong-file",
        [env("redis"), file(KONG_FILE)],
        [f"write_file {KONG_FILE}", *REDIS_MOVES],
        redis="recreate",
        kong="restart",
        nginx="reload",
    ),
    case(
        "redis-env-kong-off-before",
        [env("redis"), trouble("kong", "exited", "is exited with exit status 0")],
        REDIS_MOVES[1:],
        redis="recreate",
        kong="restart",
        nginx="reload",
    ),
    case(
        "redis-and-kong-gone",
        [gone("redis"), gone("kong")],
        ["recreate redis", "ready redis", "recreate kong", *KONG_BACK],
        redis="recreate",
        kong="recreate",
        nginx="reload",
    ),
    # the proxy
    case("proxy-file", [file(NGINX_CONF)], [f"write_file {NGINX_CONF}", "reload nginx", "ready nginx"], nginx="reload"),
    case("proxy-file-replaced", [stale("nginx", NGINX_CONF)], ["restart nginx", "ready nginx"], nginx="restart"),
    case("proxy-env", [env("nginx")], ["recreate nginx", "ready nginx"], nginx="recreate"),
    case(
        "proxy-recreated-while-kong-boots",
        [env("kong"), env("nginx")],
        ["recreate kong", "recreate nginx", "ready kong", "ready nginx"],
        kong="recreate",
        nginx="recreate",
    ),
    case(
        "proxy-exited-and-kong-env",
        [env("kong"), trouble("nginx", "exited", "is exited with exit status 1")],
        ["recreate kong", "start nginx", "ready kong", "ready nginx"],
        kong="recreate",
        nginx="start",
    ),
    # everything
    case(
        "all-four",
        [env("redis"), env("kong"), env("nginx"), env("client")],
        [
            "&recreate client",
            "stop kong",
            "recreate redis",
            "ready redis",
            "recreate kong",
            "recreate nginx",
            "ready kong",
            "ready nginx",
        ],
        redis="recreate",
        kong="recreate",
        nginx="recreate",
        client="recreate",
    ),
    # services on nobody's path
    case("client-env", [env("client")], ["&recreate client"], client="recreate"),
    case("client-gone", [gone("client")], ["&recreate client"], client="recreate"),
    case("client-exited", [trouble("client", "exited", "is exited")], ["&start client"], client="start"),
    case("extra-service", [stranger("debug")], ["&remove debug"], debug="remove"),
    case(
        "extra-service-in-trouble",
        [stranger("debug", trouble="is restarting", state="restarting", running=False)],
        ["&remove debug"],
        debug="remove",
    ),
    # files that no container mounts
    case("env-file-only", [file(".env")], ["write_file .env"]),
    case("env-file-lost", [lost(".env")], ["write_file .env"]),
    case("override-appeared", [extra("docker-compose.override.yml")], ["remove_file docker-compose.override.yml"]),
    case("env-and-override-appeared", [extra(".env.local", "compose.override.yml")], [
        "remove_file .env.local", "remove_file compose.override.yml"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected", "services"), CASES)
def test_steps_and_decisions(changes, expected, services):
    plan = build_plan(*states(*changes), SETTINGS)
    assert steps(plan) == expected
    assert decided(plan) == services
    assert plan["refusals"] == []


@pytest.mark.parametrize(("changes", "expected", "services"), CASES)
def test_steps_are_numbered_from_one(changes, expected, services):
    actions = build_plan(*states(*changes), SETTINGS)["actions"]
    assert [item["step"] for item in actions] == list(range(1, len(expected) + 1))

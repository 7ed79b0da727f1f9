"""What holds for every plan, whatever differs: invariant G, convergence, order."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit import plan_samples as samples
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import SETTINGS, states, steps

SERVICES = ("redis", "kong", "nginx", "client")
TROUBLES = (
    ("exited", "is exited with exit status 1"),
    ("created", "is created with exit status 0"),
    ("restarting", "is restarting"),
    ("paused", "is paused"),
    ("dead", "is dead"),
    ("running", "is unhealthy"),
)
MOVES = ("start", "restart", "recreate")
OFF = ("exited", "created", "dead")


def about_a_service(name):
    """What may be wrong with one service."""
    return st.one_of(
        st.just([]),
        st.just([samples.gone(name)]),
        st.lists(
            st.one_of(
                st.just(samples.env(name)),
                st.just(samples.image(name)),
                st.just(samples.tag(name)),
                st.sampled_from([samples.trouble(name, state, why) for state, why in TROUBLES]),
            ),
            max_size=3,
        ),
    )


FILE_CHANGES = st.lists(
    st.one_of(
        st.sampled_from(samples.FILES).map(samples.file),
        st.sampled_from(samples.FILES).map(lambda path: samples.file(path, mode=0o600)),
        st.just(samples.extra("kong/plugins/aws-masker/new.lua", ".env.local")),
        st.sampled_from([samples.serves(samples.OTHER_HASH), samples.serves("")]),
    ),
    max_size=3,
)


@st.composite
def differences(draw):
    """Return (target, live) that differ somehow."""
    changes = [change for name in SERVICES for change in draw(about_a_service(name))]
    # A file or a hash can be looked at whatever state the containers are in; a Kong that is off shows none.
    wanted, now = states(*draw(FILE_CHANGES), *changes)
    if draw(st.booleans()):
        now["services"]["stranger"] = samples.live_service(samples.target_service("stranger"))
    return wanted, now


def position(found, *wanted):
    """Return the index of the first of these steps; the length when there is none."""
    return next((index for index, step in enumerate(found) if step in wanted), len(found))


@given(differences())
def test_kong_is_off_while_redis_is_away(state):
    """Invariant G."""
    wanted, now = state
    found = steps(build_plan(wanted, now, SETTINGS))
    redis = position(found, *(f"{move} redis" for move in MOVES))
    if redis == len(found):
        assert "stop kong" not in found
        return
    kong_ran = "kong" in now["services"] and now["services"]["kong"]["state"] not in OFF
    assert ("stop kong" in found[:redis]) is kong_ran
    ready = found.index("ready redis")
    on = position(found, *(f"{move} kong" for move in MOVES))
    assert redis < ready < on < found.index("ready kong")
    assert "restart kong" not in found
    assert "load_configuration kong" not in found


@given(differences())
def test_a_plan_made_after_the_actions_has_none(state):
    wanted, now = state
    untouched = copy.deepcopy((wanted, now))
    plan = build_plan(wanted, now, SETTINGS)
    assert (wanted, now) == untouched, "the input was changed"
    again = build_plan(wanted, samples.reached(wanted, now, plan), SETTINGS)
    assert steps(again) == []


@given(differences())
def test_the_same_input_gives_the_same_plan(state):
    assert build_plan(*state, SETTINGS) == build_plan(*copy.deepcopy(state), SETTINGS)


@given(differences())
def test_order_of_the_kinds(state):
    """Files and tags come first, the proxy after Kong, and whoever waits for Kong waits at the end."""
    actions = build_plan(*state, SETTINGS)["actions"]
    found = steps({"actions": actions})
    assert [item["step"] for item in actions] == list(range(1, len(actions) + 1))
    kinds = [item["action"] for item in actions]
    hot = "load_configuration" in kinds
    first_move = min((index for index, kind in enumerate(kinds) if kind in (*MOVES, "stop", "remove")), default=99)
    for index, item in enumerate(actions):
        if item["action"] in ("write_file", "remove_file", "tag_image"):
            assert index < first_move or (hot and item.get("path") == samples.KONG_FILE)
    kong_moves = position(found, *(f"{move} kong" for move in MOVES))
    if kong_moves < len(found):
        proxy = position(found, *(f"{do} nginx" for do in (*MOVES, "reload")))
        assert kong_moves < proxy < len(found), "the proxy is not told of Kong's new address"
        assert found[-2:] == ["ready kong", "ready nginx"]


@given(differences())
def test_a_service_is_moved_once_and_kept_means_untouched(state):
    plan = build_plan(*state, SETTINGS)
    for name, item in plan["services"].items():
        moves = [step for step in steps(plan) if step.lstrip("&").split()[0] in (*MOVES, "remove", "reload")]
        mine = [step for step in moves if step.split()[1] == name]
        expected = 0 if item["do"] == "keep" or (name == "kong" and item["do"] == "reload") else 1
        assert len(mine) == expected

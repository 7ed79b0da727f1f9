"""What retention removes: a table of cases, and a model of it that is written anew here, in days and plain loops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.retention import retention
from ansible_collections.kong_masking.recovery.plugins.module_utils.retention.retention import Item, Policy

NOW = datetime(2026, 7, 29, 12, tzinfo=UTC)
# A week, a week, thirty days, thirty days, three: as in production.
WEEK = Policy(hours=168, data_hours=168, critical_days=30, record_days=30, minimum=3)
HOUR, DAY = 1 / 24, 1.0


def thing(name, days, kind="deploy", **other):
    """Something made this many days ago; backups get their sequence from the order in which a case lists them."""
    created = None if days is None else NOW - timedelta(days=days)
    return Item(kind, name, (f"/b/{name}",), created, **other)


def numbered(items):
    """Give backups without a number one each, oldest first: a case lists them newest first, as listings do."""
    total = len(items)
    return [
        Item(**{**item.__dict__, "sequence": item.sequence or (total - place if item.kind in retention.BACKUPS else 0)})
        for place, item in enumerate(items)
    ]


def gone(items, policy=WEEK, in_use=None, jumped="", now=NOW):
    """The ids that go."""
    decisions, _stopped = retention.decide(numbered(items), now, policy, in_use or {}, jumped)
    return {item.item.id for item in decisions if item.remove}


def days(*ages, kind="deploy", **other):
    """Backups a, b, c … of these ages in days, newest first."""
    return [thing("abcdefghij"[place], age, kind, **other) for place, age in enumerate(ages)]


def mixed(ages, **marked):
    """The same, some of them with marks: b={"verified": True}."""
    return [thing(name, age, **marked.get(name, {})) for name, age in zip("abcdefghij"[: len(ages)], ages, strict=True)]


def many(*rows, **marked):
    """Deployment backups by name, age in days and sequence, some with marks."""
    return [thing(name, age, sequence=sequence, **marked.get(name, {})) for name, age, sequence in rows]


UNUSABLE = thing("z", 1, problem="no", verified=True)
ENDLESS = {"in_use": {"d": "d"}}
ANOTHER_ONES = thing("z", -26000, problem="belongs to project x")
JUMPED = {"jumped": "this host's clock jumped ahead by 1 d 0 h"}
ONE_OF_EACH = [thing("d", 1), thing("s", 1, "rollback"), thing("m", 1, "data")]
NONE: set[str] = set()
# b was made after one from 20 days ago, by a clock that was 20 days behind.
NEW, CRITICAL, ONE = ("a", 1, 5), {"critical": True}, {"policy": Policy(168, 168, 30, 30, 1)}
AS_20 = NEW, ("b", 40, 4)

CASES = [
    # ----- age and the least number
    ("nothing-there", [], {}, NONE),
    ("all-young", days(0.1, 1, 2, 3, 4), {}, NONE),
    ("one-old-one", days(0.1, 1, 2, 3, 8), {}, {"e"}),
    ("several-old-ones", days(0.1, 1, 2, 8, 9, 40), {}, {"d", "e", "f"}),
    ("exactly-as-old-as-allowed-stays", days(0.1, 1, 2, 7), {}, NONE),
    ("a-moment-older-goes", days(0.1, 1, 2, 7 + HOUR / 60), {}, {"d"}),
    ("three-stay-however-old", days(1, 50, 60), {}, NONE),
    ("the-fourth-goes", days(1, 50, 60, 70), {}, {"d"}),
    ("minimum-of-one", days(1, 8, 9), {"policy": Policy(168, 168, 30, 30, 1)}, {"b", "c"}),
    ("minimum-of-none-leaves-the-newest", days(1, 8, 9), {"policy": Policy(168, 168, 30, 30, 0)}, {"b", "c"}),
    ("minimum-of-five", days(1, 8, 9, 10, 11, 12), {"policy": Policy(168, 168, 30, 30, 5)}, {"f"}),
    ("one-day-of-development", days(0.1, 0.5, 0.9, 1.1, 2), {"policy": Policy(24, 24, 30, 30, 3)}, {"d", "e"}),
    ("three-days-of-staging", days(0.1, 1, 2, 3, 3.1), {"policy": Policy(72, 72, 30, 30, 3)}, {"e"}),
    # ----- marks
    ("the-newest-verified-stays", mixed([1, 2, 3, 8, 9], d={"verified": True}), {}, {"e"}),
    ("only-the-newest-verified", mixed([1, 2, 3, 8, 9], d={"verified": True}, e={"verified": True}), {}, {"e"}),
    ("a-young-verified-frees-the-old", mixed([1, 2, 3, 8], b={"verified": True}, d={"verified": True}), {}, {"d"}),
    ("critical-stays-a-month", mixed([1, 2, 3, 8, 29.9], e={"critical": True}), {}, {"d"}),
    ("critical-after-a-month-goes", mixed([1, 2, 3, 8, 31], e={"critical": True}), {}, {"d", "e"}),
    ("critical-and-the-newest-verified", mixed([1, 2, 3, 31], d={"critical": True, "verified": True}), {}, NONE),
    ("a-verified-snapshot-counts", [*days(1, 2, 3, 8), thing("s", 9, "rollback", verified=True)], {}, {"d"}),
    # ----- kinds
    ("each-kind-has-its-own-minimum", [*ONE_OF_EACH, *days(20, 30)], {}, NONE),
    ("snapshots", days(1, 2, 3, 8, kind="rollback"), {}, {"d"}),
    ("data", days(0.1, 0.2, 0.3, 8, kind="data"), {}, {"d"}),
    ("data-shorter", days(0.1, 0.2, 0.3, 1.1, kind="data"), {"policy": Policy(168, 24, 30, 30, 3)}, {"d"}),
    ("hours-of-data-are-not-those-of-others", days(0.1, 1, 2, 3), {"policy": Policy(168, 24, 30, 30, 3)}, NONE),
    ("journals-stay-a-month", [thing("d", 1), *days(2, 20, 29, 29.9, kind="journal")], {}, NONE),
    ("journals-go-after-it", [thing("x", 1), *days(2, 20, 29, 31, kind="journal")], {}, {"d"}),
    ("logs-go-after-it", [thing("x", 1), *days(2, 20, 29, 31, 40, kind="log")], {}, {"d", "e"}),
    ("logs-have-a-minimum", [thing("x", 1), *days(50, 60, 70, kind="log")], {}, NONE),
    ("a-leftover-of-today", [thing("x", 1), thing("left", 0.9, "leftover")], {}, NONE),
    ("a-leftover-of-yesterday", [thing("x", 1), thing("left", 1.1, "leftover")], {}, {"left"}),
    # ----- in use, not ours, unknown
    ("in-use", days(1, 2, 3, 8, 9), {"in_use": {"d": "rollback-20260729-115900"}}, {"e"}),
    ("the-journal-of-an-unfinished-run", [thing("x", 1), *days(2, 3, 4, 40, kind="journal")], ENDLESS, NONE),
    ("unreadable", [*days(1, 2, 3), thing("z", 90, problem="has an unreadable manifest.json")], {}, NONE),
    ("another-environments", [*days(1, 2, 3), thing("z", 90, problem="belongs to environment staging")], {}, NONE),
    ("unusable-ones-do-not-count", [thing("z", 1, problem="is a symbolic link"), *days(2, 8, 9, 10)], {}, {"d"}),
    ("an-unusable-verified-one-counts-for-none", [UNUSABLE, *mixed([2, 3, 4, 8], d={"verified": True})], {}, NONE),
    ("without-a-time", [*days(1, 2, 3), thing("z", None)], {}, NONE),
    # ----- the clock
    ("clock-behind-all", days(-1, 8, 9, 10, 11), {}, NONE),
    ("clock-behind-by-minutes-is-none", days(-HOUR / 20, 1, 2, 8), {}, {"d"}),
    ("clock-in-1970", days(1, 2, 3, 8), {"now": datetime(1970, 1, 1, tzinfo=UTC)}, NONE),
    ("clock-a-year-ahead", days(1, 2, 3, 8, 9), {"now": NOW + timedelta(days=365)}, NONE),
    ("clock-in-2038", days(1, 2, 3, 8, 9), {"now": datetime(2038, 1, 19, tzinfo=UTC)}, NONE),
    ("the-newest-is-older-than-everything-allowed", days(7.1, 8, 9, 10), {}, NONE),
    ("the-newest-is-just-young-enough", days(7, 8, 9, 10), {}, {"d"}),
    ("a-snapshot-is-as-good-a-witness", [thing("s", 1, "rollback"), *days(8, 9, 10, 11)], {}, {"d"}),
    ("jumped-since-the-last-time", days(1, 2, 3, 8, 9), JUMPED, NONE),
    ("taken-while-the-clock-was-in-1970", [*days(1, 2, 3), *many(("z", 20000, 9), ("y", 2, 8))], {}, NONE),
    ("taken-with-the-clock-a-month-behind", many(("a", 1, 5), ("b", 40, 4), ("c", 1.5, 3), ("d", 1.5, 2)), {}, NONE),
    ("a-backup-from-2099-stops-all", [*days(1, 2, 3, 8), thing("z", -26000, sequence=1)], {}, NONE),
    ("another-ones-from-2099-does-not", [*days(1, 2, 3, 8), ANOTHER_ONES], {}, {"d"}),
    ("a-journal-from-the-future-stops-all", [*days(1, 2, 3, 8), thing("j", -2, "journal")], {}, NONE),
    ("it-tells-how-old-one-that-stays-is", many(*AS_20, ("c", 20, 3), b=CRITICAL), ONE, NONE),
    ("it-tells-how-old-one-that-goes-is", many(NEW, ("b", 60, 4), ("c", 31, 3), b=CRITICAL), ONE, {"b", "c"}),
    ("past-its-time-anyway", [*many(NEW, ("c", 20, 3)), thing("s", 40, "rollback", sequence=4)], ONE, {"c"}),
    ("one-that-tells-it-is-enough", many(*AS_20, ("c", 20, 3), ("d", 20, 2), b=CRITICAL), ONE, {"c"}),
    ("another-that-stays-tells-it", many(*AS_20, ("c", 20, 3), ("d", 20, 2), b=CRITICAL, c=CRITICAL), ONE, {"d"}),
    ("the-sequence-is-the-order", many(("n", 9, 9), ("a", 1, 4), ("b", 2, 3), ("c", 3, 2), ("d", 8, 1)), {}, {"d"}),
    ("daylight-saving-does-not-matter", days(1, 2, 3, 7 - HOUR, 7 + HOUR), {}, {"e"}),
]  # fmt: skip


def test_the_table_has_at_least_forty_cases():
    assert len(CASES) >= 40
    assert sum("clock" in name or "2099" in name or "jumped" in name for name, *_rest in CASES) >= 8


@pytest.mark.parametrize(("items", "about", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_goes(items, about, expected):
    assert gone(items, **about) == expected


@pytest.mark.parametrize(("items", "about", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_model_says_the_same(items, about, expected):
    assert model(numbered(items), **about) == expected


# ---------------------------------------------------------------------- the model


def model(items, policy=WEEK, in_use=None, jumped="", now=NOW):
    """The ids that go, by the rules as an operator would say them: in days, kind by kind; no code is shared."""
    ours = [item for item in items if not item.problem and item.created is not None]
    dated = [item for item in ours if item.kind != "leftover"]
    backups = [item for item in ours if item.kind in ("deploy", "rollback", "data")]
    # "A clock in doubt removes nothing."
    if jumped or any((item.created - now).total_seconds() > 300 for item in dated):
        return set()
    if backups and all((now - item.created).total_seconds() / 3600 > policy.hours for item in backups):
        return set()

    def before(item):
        return sorted((one for one in ours if 0 < one.sequence < item.sequence), key=lambda one: one.sequence)

    def age(item):
        """Days; what was made later than another is not older than it."""
        return (now - max(one.created for one in [item, *before(item)])).total_seconds() / 86400

    records = policy.record_days
    kinds = {"data": policy.data_hours / 24, "journal": records, "log": records, "leftover": 1}

    def allowed(item):
        return max(kinds.get(item.kind, policy.hours / 24), policy.critical_days if item.critical else 0) + 1e-9

    def born_in_a_dream(item):
        return age(item) > (now - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds() / 86400 - 1e-9

    known = [item for item in ours if not born_in_a_dream(item)]
    removed = set()
    for kind in ("deploy", "rollback", "data", "journal", "log", "leftover"):
        same = sorted((item for item in known if item.kind == kind), key=lambda item: (-item.sequence, age(item)))
        always = {"journal": policy.minimum, "log": policy.minimum, "leftover": 0}.get(kind, max(1, policy.minimum))
        removed |= {item.id for item in same[always:] if age(item) > allowed(item) and item.id not in (in_use or {})}
    verified = [item for item in known if item.verified and item.kind in ("deploy", "rollback", "data")]
    if verified:
        removed.discard(max(verified, key=lambda item: (item.sequence, -age(item))).id)
    # "And the one that tells the age of another stays as long as this matters."
    for item in sorted(known, key=lambda item: item.sequence):
        if item.id in removed or age(item) > allowed(item):
            continue
        latest = max((one.created for one in before(item)), default=item.created)
        tell = [one.id for one in before(item) if one.created == latest > item.created]
        if tell and removed.issuperset(tell):
            removed.remove(tell[0])
    return removed


@st.composite
def stores(draw):
    """Any mixture of backups, journals, logs and leftovers, with clocks that went wrong here and there."""
    count = draw(st.integers(0, 14))
    items = []
    for number in range(1, count + 1):
        kind = draw(st.sampled_from(["deploy", "deploy", "rollback", "data", "journal", "log", "leftover"]))
        minutes = draw(st.integers(-20, 60 * 24 * 45))
        items.append(
            Item(
                kind,
                f"{kind}-{number}",
                (f"/b/{number}",),
                NOW - timedelta(minutes=minutes, seconds=number),
                number if kind in retention.BACKUPS else 0,
                draw(st.booleans()),
                draw(st.booleans()),
                draw(st.sampled_from(["", "", "", "", "belongs to another"])),
            )
        )
    used = {item.id: "rollback-x" for item in items if draw(st.integers(0, 9)) == 0}
    policy = Policy(*[draw(st.integers(1, limit)) for limit in (400, 400, 40, 40)], draw(st.integers(0, 5)))
    return items, policy, used


@given(stores())
def test_any_store_is_pruned_as_the_model_says(case):
    items, policy, used = case
    found, _stopped = retention.decide(items, NOW, policy, used)
    assert {item.item.id for item in found if item.remove} == model(items, policy, used)


@given(stores(), st.integers(-(10**6), 10**6))
def test_what_is_protected_never_goes_whatever_the_clock_says(case, hours):
    items, policy, used = case
    found, _stopped = retention.decide(items, NOW + timedelta(hours=hours), policy, used)
    going = {item.item.id for item in found if item.remove}
    assert going.isdisjoint(used)
    assert going.isdisjoint({item.id for item in items if item.problem})
    for kind in retention.BACKUPS:
        usable = [item for item in items if item.kind == kind and not item.problem]
        assert not usable or max(usable, key=lambda item: item.sequence).id not in going


@given(stores(), st.integers(0, 24 * 60))
def test_what_is_pruned_more_often_loses_nothing_more(case, hours):
    items, policy, used = case
    later = NOW + timedelta(hours=hours)
    once, in_doubt = retention.decide(items, later, policy, used)
    first, _stopped = retention.decide(items, NOW, policy, used)
    left = [item.item for item in first if not item.remove]
    again, _stopped = retention.decide(left, later, policy, used)
    twice = {item.item.id for item in [*first, *again] if item.remove}
    assert in_doubt or twice <= {item.item.id for item in once if item.remove}


def test_the_age_of_what_stays_does_not_change_with_what_went():
    """Of two from a time of a wrong clock, the one whose date was right goes first, and would take the knowledge."""
    items = many(NEW, ("b", 40, 4), ("c", 20, 3), b=CRITICAL)
    first, _stopped = retention.decide(items, NOW, ONE["policy"], {})
    assert [(row.item.id, row.why) for row in first if not row.remove] == [
        ("a", "the newest usable deploy backup"),
        ("b", "marked critical, 20 d 0 h of 30 days old"),
        ("c", "its date tells how old b is, which stays"),
    ]
    assert retention.decide([row.item for row in first if not row.remove], NOW, ONE["policy"], {})[0] == first


# ---------------------------------------------------------------------- what people read


def test_every_line_says_why():
    items = numbered([*mixed([1, 2, 3, 8, 9], b={"verified": True}, e={"critical": True}), thing("z", 1, problem="no")])
    found, stopped = retention.decide(items, NOW, WEEK, {})
    assert retention.lines(found, stopped) == [
        "STAYS  a  the newest usable deploy backup",
        "STAYS  b  the newest verified one",
        "STAYS  c  one of the newest 3 deploy backups",
        "GOES   d  8 d 0 h old, stays for 168 h",
        "STAYS  e  marked critical, 9 d 0 h of 30 days old",
        "STAYS  z  no",
        "1 of 6 go",
    ]


def test_a_clock_in_doubt_is_said_last_of_all():
    found, stopped = retention.decide(numbered(days(8, 9)), NOW, WEEK, {})
    assert stopped == (
        "the newest backup is 8 d 0 h old, older than the whole retention: this host's clock jumped ahead, "
        "or no backups are taken any more"
    )
    assert retention.lines(found, stopped)[-2:] == [
        f"NOTHING GOES: {stopped}",
        "0 of 2 go",
    ]

"""Damaged dumps: refused with the live data untouched, or restored exactly; never a partial result."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from redis_lab import same

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError

KEYS = 40


@pytest.fixture(scope="module")
def sample(lab, tmp_path_factory):
    """A good dump with its content, and other live data."""
    lab.empty()
    lab.fill(1, KEYS)
    content = lab.content()
    path = lab.dump(tmp_path_factory.mktemp("dump") / "good.rdb")
    with open(path, "rb") as handle:
        good = handle.read()
    return good, content


@st.composite
def damages(draw):
    """Return a function that cuts, flips, extends or swaps bytes of a dump."""
    kind = draw(st.sampled_from(["cut", "flip", "swap", "insert", "extend"]))
    place = draw(st.floats(0, 0.999))
    other = draw(st.floats(0, 0.999))
    bit = draw(st.integers(0, 7))
    extra = draw(st.binary(min_size=1, max_size=8))
    note(f"{kind} at {place} of the length (swap: with {other}; flip: bit {bit}; insert, extend: {extra!r})")

    def damage(good: bytes) -> bytes:
        first, second = int(place * len(good)), int(other * len(good))
        changed = bytearray(good)
        if kind == "cut":
            return bytes(changed[:first])
        if kind == "flip":
            changed[first] ^= 1 << bit
        elif kind == "swap":
            changed[first], changed[second] = changed[second], changed[first]
        elif kind == "insert":
            changed[first:first] = extra
        else:
            changed += extra
        return bytes(changed)

    return damage


@settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(damage=damages())
def test_refused_untouched_or_restored_exactly(lab, sample, tmp_path_factory, damage):
    refused_or_exact(lab, sample, tmp_path_factory, damage)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(damage=damages())
def test_refused_untouched_or_restored_exactly_for_many_damages(lab, sample, tmp_path_factory, damage):
    refused_or_exact(lab, sample, tmp_path_factory, damage)


def refused_or_exact(lab, sample, tmp_path_factory, damage) -> None:
    """Restore a damaged dump: nothing changed, or everything is there."""
    good, content = sample
    path = tmp_path_factory.mktemp("damaged") / "damaged.rdb"
    path.write_bytes(damage(good))
    lab.empty()
    lab.fill(500, 510)
    before = lab.content(counters=True)
    refused = ""
    try:
        lab.job("restore", str(path)).run()
    except RecoveryError as exc:
        refused = exc.msg
    if refused:
        assert "cannot load the dump" in refused
        same(before, lab.content(counters=True))
    else:
        same(content, lab.content())
    assert lab.scratch() == []


@pytest.mark.parametrize("version", [b"001i", b"0001"], ids=["no-number", "before-checksums"])
def test_a_header_that_hides_a_damage_from_redis(lab, sample, tmp_path_factory, version):
    """Redis takes either for version 1, whose dumps have no checksum, and loads the changed byte."""
    refused_or_exact(lab, sample, tmp_path_factory, lambda good: good[:5] + version + good[9:].replace(b"i-0", b"j-0"))


@pytest.mark.parametrize(
    ("header", "reason"),
    [(b"REDIS0099", "version"), (b"NOTREDIS0", "signature"), (b"", "")],
    ids=["newer-version", "no-dump", "empty-file"],
)
def test_another_kind_of_file(lab, sample, tmp_path, header, reason):
    good, _content = sample
    path = tmp_path / "other.rdb"
    path.write_bytes(header + good[9:] if header else b"")
    before = lab.content(counters=True)
    with pytest.raises(RecoveryError) as caught:
        lab.job("restore", str(path)).run()
    assert reason in caught.value.msg.lower()
    same(before, lab.content(counters=True))


def test_a_module_type_is_refused(lab, tmp_path):
    """A value of a module's type (opcode 7), which no Redis without that module can load."""
    path = tmp_path / "module.rdb"
    module_id = (0x81).to_bytes(1, "big") + bytes.fromhex("4a5b6c7d8e9f0001")
    path.write_bytes(b"REDIS0009" + b"\xfe\x00" + b"\x07" + b"\x01k" + module_id + b"\x00" + b"\xff" + bytes(8))
    before = lab.content(counters=True)
    with pytest.raises(RecoveryError, match="cannot load the dump"):
        lab.job("restore", str(path)).run()
    same(before, lab.content(counters=True))

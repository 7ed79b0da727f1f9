"""Whether a dump's first bytes would switch off Redis' own look at the checksum."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_header

FIELD = b"\xfa\tredis-ver"
DATABASE = b"\xfe\x00"


@pytest.mark.parametrize(
    "start",
    [
        b"REDIS0012" + FIELD,
        b"REDIS0010" + FIELD,
        b"REDIS0007" + FIELD,
        b"REDIS0006" + DATABASE,
        b"REDIS0002" + DATABASE,
        b"REDIS0003\xff",
        b"REDIS0099" + FIELD,
        b"NOTREDIS0" + FIELD,
        b"REDIS00",
        b"",
    ],
)
def test_redis_itself_will_tell(start):
    assert redis_header.fault(start) == ""


@pytest.mark.parametrize("version", [b"001p", b"0 10", b"001\xfa", b"-010", b"\x00010", b"+001"])
def test_a_version_that_is_no_number(version):
    assert "no number" in redis_header.fault(b"REDIS" + version + FIELD)


@pytest.mark.parametrize("version", [b"0000", b"0001", b"0002", b"0004"])
def test_a_version_without_checksum_before_fields_of_a_later_one(version):
    assert f"version {int(version)}, which has no checksum" in redis_header.fault(b"REDIS" + version + FIELD)

"""After a breach the backup's secrets must not return: named variables keep their live values."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups import kept_secrets

OLD = b"# release\nKONG_LOG_LEVEL=notice\nREDIS_PASSWORD=old\nAPI_KEY='old key'\n"
LIVE = b"KONG_LOG_LEVEL=debug\nREDIS_PASSWORD=new\nAPI_KEY='new key'\n"


def test_only_the_named_ones_stay():
    kept = kept_secrets.values(LIVE, ["REDIS_PASSWORD"])
    assert kept == {"REDIS_PASSWORD": "new"}
    assert kept_secrets.merged(OLD, LIVE, kept) == OLD.replace(b"REDIS_PASSWORD=old", b"REDIS_PASSWORD=new")


def test_a_value_with_a_blank_stays_readable():
    assert kept_secrets.merged(OLD, LIVE, ["API_KEY"]) == OLD.replace(b"'old key'", b"'new key'")


@pytest.mark.parametrize(
    "value",
    [
        b"redis://:${P}@redis:6379",
        b'"redis://:${P}@redis # no comment"',
        b'"-----BEGIN\nA=no assignment\n-----END" # key',
    ],
    ids=["a-reference", "in-quotes", "several-lines"],
)
def test_a_value_stays_as_it_is_written(value):
    """Compose fills references in, and in single quotes it would not."""
    live = b"P=new\nAPI_KEY=" + value + b"\nLAST=1\n"
    referred = b"P=new\n" if b"${P}" in value else b""
    assert kept_secrets.merged(OLD, live, ["API_KEY"]) == referred + OLD.replace(b"'old key'", value)
    assert kept_secrets.merged(live, OLD, ["API_KEY"]) == b"P=new\nAPI_KEY='old key'\nLAST=1\n"


def test_what_a_value_refers_to_comes_before_it_where_the_backup_lacks_it():
    """Compose would otherwise fill in nothing: an empty password."""
    live = b"A=1\nB=${A}\nREDIS_PASSWORD=${B}\n"
    assert kept_secrets.merged(b"\xef\xbb\xbfREDIS_PASSWORD=old\n", live, ["REDIS_PASSWORD"]) == (
        b"\xef\xbb\xbfA=1\nB=${A}\nREDIS_PASSWORD=${B}\n"
    )


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ({"REDIS_PASSWORD": "new", "A": "b"}, {"REDIS_PASSWORD"}),
        ({"CACHE_PASSWORD": "new"}, {"CACHE_PASSWORD"}),
        ({"A": "b"}, set()),
    ],
    ids=["its-name", "another-name", "none"],
)
def test_variables_that_carry_it(now, found):
    assert kept_secrets.concerned(now, {"REDIS_PASSWORD": "new"}) == found


def test_an_empty_kept_value_concerns_no_other_variable():
    assert kept_secrets.concerned({"A": "", "REDIS_PASSWORD": ""}, {"REDIS_PASSWORD": ""}) == {"REDIS_PASSWORD"}


def test_a_name_that_is_not_there_is_refused():
    (guard,) = kept_secrets.unknown(["REDIS_PASSWORD", "TYPO"], {"REDIS_PASSWORD": "new"}, "config/p.env")
    assert (guard.name, guard.waivable) == ("unknown_secret", False)
    assert "TYPO" in guard.reason

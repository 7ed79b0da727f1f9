"""Secrets: which names hold them, what is shown of a value, and what never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils import redact
from ansible_collections.kong_masking.recovery.plugins.module_utils.redact import MASK

SECRET_NAMES = (
    "REDIS_PASSWORD",
    "DB_PASS",
    "PGPASSWD",
    "DB_PWD",
    "REDIS_PASSWORDS",
    "passphrase",
    "KONG_PG_PASSWORD",
    "ANTHROPIC_API_KEY",
    "anthropic_api_key",
    "apiKey",
    "apikey",
    "x-api-key",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "SIGNING_KEY",
    "encryption-key",
    "API_KEYS",
    "KEY",
    "GITHUB_TOKEN",
    "redis_auth_token",
    "Authorization",
    "AUTH",
    "CLIENT_SECRET",
    "credentials",
    "SENTRY_DSN",
    "SESSION_COOKIE",
    "PRIVATE_PEM",
    "bearer",
)
PLAIN_NAMES = (
    "KONG_LOG_LEVEL",
    "KONG_ADMIN_LISTEN",
    "MONKEY",
    "KEYBOARD",
    "TURKEY_MODE",
    "PASSENGER_COUNT",
    "REDIS_HOST",
    "KONG_DECLARATIVE_CONFIG",
    "name",
    "mapping_ttl",
    "",
)
SECRETS = st.text(st.sampled_from("abcdefghijkmnpqrstuvwxyz0123456789!§$%&/?äöü @:"), min_size=8, max_size=40).filter(
    lambda text: len(text.strip()) >= 8 and text not in "(unset)"
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_names(name):
    assert redact.is_secret_name(name) is True


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_plain_names(name):
    assert redact.is_secret_name(name) is False


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("KONG_LOG_LEVEL", "debug", "debug"),
        ("REDIS_PASSWORD", "x", MASK),
        ("REDIS_PASSWORD", "", ""),
        ("REDIS_PASSWORD", None, ""),
        ("REDIS_PASSWORD", 7, MASK),
        ("plugins.aws-masker.config.redis_password", "s3cret", MASK),
        ("plugins.key-auth.config.anonymous", "guest", "guest"),
        ("retries", 3, "3"),
        ("config.add.headers.0", "x-api-key:sk-ant-abc", f"x-api-key:{MASK}"),
        ("config.add.headers.0", "x-api-key: sk-ant-abc", f"x-api-key:{MASK}"),
        ("config.add.headers.0", "Authorization: Bearer abc", f"Authorization:{MASK}"),
        ("config.add.headers.0", "x-trace:on", "x-trace:on"),
        ("NOTE", "sk0123456789abcdefghijkl", MASK),
        ("image", "docker.io/library/redis:7.2-alpine-longer", "docker.io/library/redis:7.2-alpine-longer"),
        ("URL", "redis://:s3cret@redis:6379/0", f"redis://{MASK}@redis:6379/0"),
        ("URL", "https://bob:s3cret@host/path", f"https://{MASK}@host/path"),
        ("URL", "https://host/path", "https://host/path"),
        ("command", "redis-server --requirepass s3cret --save 60 1", f"redis-server --requirepass {MASK} --save 60 1"),
        ("command", "curl --user-token='s3 cret' --fail", f"curl --user-token={MASK} --fail"),
        ("command", "nginx -s reload --no-auth --key", "nginx -s reload --no-auth --key"),
    ],
)
def test_shown(name, value, expected):
    assert redact.shown(name, value) == expected


@pytest.mark.parametrize(
    "value",
    ["redis://:pa@s3cret@redis:6379", "redis://:pa/s3cret@redis:6379", "https://host/v1?api_key=s3cret"],
    ids=["at-sign-in-password", "slash-in-password", "query"],
)
def test_a_secret_inside_a_url_is_masked(value):
    assert "s3cret" not in redact.shown("URL", value)


def test_secret_values_longest_first_and_none_too_short():
    env = {"A_PASSWORD": "secret", "B_TOKEN": "secret-and-more", "C_KEY": "short", "D": "plain-value"}
    assert redact.secret_values(env) == ["secret-and-more", "secret"]


def test_the_password_inside_a_url_is_scrubbed_from_free_text_too():
    hidden = redact.secret_values({"REDIS_URL": "redis://:s3cret-pw@redis:6379/0"})
    assert "s3cret-pw" not in redact.scrub("NOAUTH: s3cret-pw is wrong", hidden)


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("AUTH s3cret-1 failed", ["s3cret-1"], f"AUTH {MASK} failed"),
        ("s3cret-1 s3cret-1", ["s3cret-1"], f"{MASK} {MASK}"),
        ("abcdef-ghi abcdef", ["abcdef-ghi", "abcdef"], f"{MASK} {MASK}"),
        ("dial redis://u:p@h", [], f"dial redis://{MASK}@h"),
        ("nothing", ["secret"], "nothing"),
    ],
)
def test_scrub(text, secrets, expected):
    assert redact.scrub(text, secrets) == expected


def test_scrub_tree_reaches_keys_and_lists():
    tree = {"k-s3cret": ["s3cret", ("s3cret", 1)], "n": None, "m": {"x": "a s3cret b"}}
    expected = {f"k-{MASK}": [MASK, [MASK, 1]], "n": None, "m": {"x": f"a {MASK} b"}}
    assert redact.scrub_tree(tree, ["s3cret"]) == expected


@pytest.mark.parametrize(
    ("value", "flat"),
    [
        ({"a": {"b": 1}, "c": 2}, {"a.b": 1, "c": 2}),
        (
            {"plugins": [{"name": "cors", "config": {"x": 1}}]},
            {"plugins.cors.name": "cors", "plugins.cors.config.x": 1},
        ),
        ({"paths": ["/a", "/b"]}, {"paths.0": "/a", "paths.1": "/b"}),
        (7, {"": 7}),
    ],
    ids=["nested", "named-items", "list", "scalar"],
)
def test_flatten(value, flat):
    assert redact.flatten(value) == flat


def test_changes_in_order_of_name():
    assert redact.changes({"B": "1", "A": "x", "C": "s", "P": ""}, {"B": "1", "A": "y", "D": "", "P": None}) == [
        {"name": "A", "old": "x", "new": "y"},
        {"name": "C", "old": "s", "new": "(unset)"},
        {"name": "D", "old": "(unset)", "new": ""},
        {"name": "P", "old": "", "new": ""},
    ]


@given(st.sampled_from([name for name in SECRET_NAMES if name not in ("DB_PWD", "REDIS_PASSWORDS")]), SECRETS, SECRETS)
def test_a_secret_never_appears_in_changes(name, old, new):
    for rows in (
        redact.changes({name: old}, {name: new}),
        redact.changes({name: old}, {}),
        redact.changes({}, {name: new}),
        redact.changes(redact.flatten({"config": {name: old}}), redact.flatten({"config": {name: new}})),
        redact.changes(redact.flatten({"headers": [f"{name}:{old}"]}), redact.flatten({"headers": [f"{name}: {new}"]})),
    ):
        seen = " ".join(row["old"] + " " + row["new"] for row in rows)
        assert old.strip() not in seen
        assert new.strip() not in seen


def test_a_list_below_a_secret_name_is_secret():
    rows = redact.changes({}, redact.flatten({"config": {"client_secrets": ["first-s", "second-s"]}}))
    assert [row["new"] for row in rows] == [MASK, MASK]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (
            ["redis-server", "--requirepass", "s3cret", "--save", ""],
            ["redis-server", "--requirepass", MASK, "--save", ""],
        ),
        (["CMD", "redis-cli", "-a", "s3cret", "ping"], ["CMD", "redis-cli", "-a", MASK, "ping"]),
        (["CMD-SHELL", "redis-cli -h redis -a s3cret ping"], ["CMD-SHELL", f"redis-cli -h redis -a {MASK} ping"]),
        (["redis-server", "--requirepass=s3cret"], ["redis-server", f"--requirepass:{MASK}"]),
        (["ls", "-a", "/data"], ["ls", "-a", "/data"]),
        (["server", "--port", 6379, "--auth"], ["server", "--port", "6379", "--auth"]),
    ],
    ids=["server", "client", "client-in-one-line", "one-word", "another-a", "no-value"],
)
def test_a_command_in_a_list_shows_no_secret(command, shown):
    rows = redact.changes({}, redact.flatten({"command": command}))
    assert [row["new"] for row in rows] == shown


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("plugins:\n- config:\n    anthropic_api_key: sk-ant-abcdef\n", {"sk-ant-abcdef"}),
        ('broken: [\n  redis_password: "hidden-word"\n', {"hidden-word"}),
        ('headers:\n  - "x-api-key:hidden-word"\n', {"hidden-word"}),
        ('{"plugins":[{"name":"aws-masker","redis_password":"hidden-word"}]}', {"hidden-word"}),
        ("retries: 3\nname: aws-masker\n", set()),
        ("redis_password: in one line", set()),
    ],
    ids=["yaml", "broken", "header", "json", "none", "no-document"],
)
def test_secret_fields_of_a_document(document, found):
    assert set(redact.field_secrets(document)) == found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("_format_version: '3.0'\nplugins:\n- config:\n    redis_password: pw\n", MASK),
        ('{"plugins":[{"redis_password":"pw"}]}', MASK),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", MASK),
        ("server {\n  listen 80;\n}", "server {\n  listen 80;\n}"),
    ],
    ids=["yaml", "json", "key", "no-secret"],
)
def test_a_document_in_one_variable(value, expected):
    """As Kong takes its configuration: KONG_DECLARATIVE_CONFIG_STRING."""
    assert redact.shown("KONG_DECLARATIVE_CONFIG_STRING", value) == expected
    if "redis_password" in value:
        longer = value.replace("pw", "hunter-live-9")
        assert "hunter-live-9" in redact.secret_values({"KONG_DECLARATIVE_CONFIG_STRING": longer})

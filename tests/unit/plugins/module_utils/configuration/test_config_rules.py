"""What is wrong with an environment file: each rule at its edges, and never a secret in a finding."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.config_rules import (
    ERROR,
    WARNING,
    lines,
    refusals,
    used_without_default,
    validate,
)


def found(text, environment="staging", required=(), used=()):
    """Return (level, variable, refuses) of each finding."""
    return [(item.level, item.name, item.refuses) for item in validate(text.encode(), environment, required, used)]


@pytest.mark.parametrize(
    ("line", "level", "refuses"),
    [
        ("REDIS_PORT=6379", None, False),
        ("REDIS_PORT=1024", None, False),
        ("REDIS_PORT=65535", None, False),
        ("REDIS_PORT=1023", ERROR, False),
        ("REDIS_PORT=65536", ERROR, True),
        ("REDIS_PORT=0", ERROR, True),
        ("REDIS_PORT=-1", ERROR, True),
        ("REDIS_PORT=six", ERROR, True),
        ("REDIS_PORT=127.0.0.1:6379", None, False),
        ("REDIS_PORT=[::1]:6379", None, False),
        ("REDIS_PORT=8100-8110", None, False),
        ("REDIS_PORT=127.0.0.1:99999", ERROR, True),
        ("REDIS_PORT=8100-99999", ERROR, True),
        ("KONG_HTTP_PORT=8000,8443", None, False),
        ("KONG_HTTP_PORT=8000,80", WARNING, False),
        ("KONG_HTTP_PORT=8000,99999", ERROR, True),
        ("DB_PORT=tcp://172.17.0.2:5432", None, False),
        ("DB_PORT=tcp://172.17.0.2:543210", ERROR, True),
        ("BILLING_PORT=http", WARNING, False),
        ("BILLING_PORT=-1", ERROR, True),
        ("PROXY_PORT=${NGINX_PORT}", None, False),
        ("PROXY_PORT=80", WARNING, False),
        ("PROXY_PORT=443", WARNING, False),
        ("SMTP_PORT=587", None, False),
        ("IMPORTANT=1", None, False),
        ("REDIS_MEMORY_LIMIT=256m", None, False),
        ("REDIS_MEMORY_LIMIT=1g", None, False),
        ("REDIS_MEMORY_LIMIT=0", None, False),
        ("REDIS_MEMORY_LIMIT=256x", ERROR, True),
        ("REDIS_MEMORY_LIMIT=lots", ERROR, True),
        ("REDIS_MEMORY_LIMIT=5m", ERROR, True),
        ("NODE_MEMORY=--max-old-space-size=4096", WARNING, False),
        ("NODE_MEMORY=12x", ERROR, True),
        ("REDIS_MEMORY_LIMIT=512", WARNING, False),
        ("REDIS_MEMORY_LIMIT=${LIMIT}m", None, False),
        ("REDIS_MAXMEMORY=1mb", None, False),
        ("KONG_MEM_CACHE_SIZE=128m", None, False),
        ("STACK_SUBNET=172.28.0.0/16", None, False),
        ("STACK_SUBNET=fd00::/64", None, False),
        ("STACK_SUBNET=172.28.0.1/16", WARNING, False),
        ("STACK_SUBNET=172.28.0.0/33", ERROR, True),
        ("STACK_SUBNET=172.28.0", ERROR, True),
        ("AWS_SUBNET=subnet-0a1b2c3d", None, False),
        ("AWS_SUBNET=subnet-0a1b2c3d,10.0.0.0/33", ERROR, True),
        ("STACK_SUBNET=300.1.1.1/16", ERROR, True),
        ("ALLOWED_CIDR=10.0.0.0/8,nonsense", ERROR, True),
        ("DOCKER_NETWORK=gateway_net", None, False),
        ("DOCKER_NETWORK=172.28.0.0/16", None, False),
        ("TRUSTED_NETWORK=10.0.0.0/8,192.168.0.0/16", None, False),
        ("TRUSTED_NETWORK=10.0.0.0/8,192.168.0.0/36", ERROR, True),
        ("DOCKER_NETWORK=two words", ERROR, True),
        ("DOCKER_NETWORK=-x", ERROR, True),
        ("NETWORK_NAME=${COMPOSE_PROJECT_NAME}_net", None, False),
        ("REDIS_PASSWORD=a-long-password", None, False),
        ("REDIS_PASSWORD=short", WARNING, False),
        ("ANTHROPIC_API_KEY=sk-ant-api03-abc_DEF", None, False),
        ("ANTHROPIC_API_KEY=sk-other", WARNING, False),
        ("ANTHROPIC_API_KEY=sk-ant-a b", ERROR, False),
        ("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", None, False),
        ("AWS_ACCESS_KEY_ID=nonsense", WARNING, False),
        ("KONG_LOG_LEVEL=debug", None, False),
        ("GREETING=$(touch /tmp/x)", WARNING, False),
        ("this is no assignment", ERROR, False),
        ("export KONG_LOG_LEVEL=notice", None, False),
        ("# a comment", None, False),
        ("", None, False),
    ],
)
def test_a_value(line, level, refuses):
    rows = found(f"{line}\n")
    assert [(row[0], row[2]) for row in rows] == ([] if level is None else [(level, refuses)])


@pytest.mark.parametrize("line", ["KONG_LOG_LEVEL=debug", "LOG_LEVEL=TRACE", "DEBUG=true", "MASKER_DEBUG=1"])
def test_debug_logs_are_an_error_in_production_and_no_reason_to_refuse_a_backup(line):
    assert [(level, refuses) for level, _name, refuses in found(line, "production")] == [(ERROR, False)]
    assert found(line, "development") == []


@pytest.mark.parametrize("text", ["OTHER=1\n", "REDIS_PASSWORD=\n", "REDIS_PASSWORD=''\n", "REDIS_PASSWORD= \n"])
def test_a_required_variable_must_have_a_value(text):
    assert (ERROR, "REDIS_PASSWORD", True) in found(text, required=["REDIS_PASSWORD"])


@pytest.mark.parametrize("value", ["changeme", "your-key-here", "<secret>", "xxxx"])
def test_a_placeholder_is_no_value(value):
    rows = found(f"SECRET_WORD={value}\n", required=["SECRET_WORD"])
    assert (ERROR, "SECRET_WORD", False) in rows


def test_a_variable_that_compose_takes_and_nobody_gives_is_a_warning():
    assert found("A=1\n", used=["A", "B"]) == [(WARNING, "B", False)]


def test_the_last_of_two_counts_and_that_is_said():
    (only,) = validate(b"A=1\nB=2\nA=3\n", "staging")
    assert only.text == "A stands in lines 1 and 3; the last one counts"


def test_no_finding_holds_a_secret():
    text = (
        b"REDIS_PASSWORD=s3cret\nANTHROPIC_API_KEY=s3cret key\nAPI_TOKEN_PORT=s3cret-port\nAPI_KEY_NETWORK=s3cret !\n"
    )
    rows = validate(text, "production", ["MISSING"])
    assert len(rows) >= 5
    assert "s3cret" not in json.dumps([item.as_dict() for item in rows])
    assert "s3cret" not in "\n".join(lines(rows))


def test_errors_come_first_and_those_that_refuse_before_the_others():
    rows = validate(b"REDIS_PASSWORD=short\nKONG_LOG_LEVEL=debug\nREDIS_PORT=99999\n", "production")
    assert [(item.level, item.refuses) for item in rows] == [(ERROR, True), (ERROR, False), (WARNING, False)]
    assert [item.name for item in refusals(rows)] == ["REDIS_PORT"]


def test_a_windows_file_with_a_byte_order_mark_is_read():
    assert found("\ufeffREDIS_PORT=6379\r\nREDIS_PASSWORD=a-long-password\r\n") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a: ${A}", {"A"}),
        ("a: $A", {"A"}),
        ("a: ${A:-1}", set()),
        ("a: ${A-1}", set()),
        ("a: ${A:?needed}", {"A"}),
        ("a: $$A", set()),
        ("a: $${A}", set()),
        ("# ${A}", set()),
    ],
)
def test_what_a_compose_file_takes_without_a_default(text, names):
    assert used_without_default(text.encode()) == names


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_value_in_quotes_may_have_several_lines(quote):
    text = f"TLS_KEY={quote}-----BEGIN-----\nMIIB\n-----END-----{quote}\nREDIS_PORT=six\n"
    assert found(text) == [(ERROR, "REDIS_PORT", True)]

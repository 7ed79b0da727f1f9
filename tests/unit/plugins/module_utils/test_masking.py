"""The evidence that an identifier leaves masked, and what is no evidence."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import masking
from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving

ID = "i-0123456789abcdef0"
ALIAS = "AWS_EC2_017"
PREFIX = "aws_masker:"
BY_KONG = [("X-Kong-Upstream-Latency", "3")]


class Client:
    """As much of redis-py as is asked."""

    def __init__(self, keys):
        self.keys = keys

    def delete(self, *names):
        for name in names:
            self.keys.pop(name, None)


class Data:
    """As much of RedisData as is asked, over a dict."""

    def __init__(self, keys=None):
        self.keys = {} if keys is None else keys
        self.client = Client(self.keys)

    def text(self, key):
        return self.keys.get(key, "")


def pair(identifier, alias=ALIAS, original=None):
    return {masking.reverse_key(PREFIX, identifier): alias, f"{PREFIX}map:{alias}": original or identifier}


@pytest.mark.parametrize(
    ("seen", "reply", "good", "text"),
    [
        (f"probe {ALIAS}", f"echo {ID}", True, "masked at the upstream, unmasked for the client"),
        (f"probe {ID}", f"echo {ID}", False, "the upstream saw the identifier in clear"),
        (f"{ALIAS} {ID}", f"echo {ID}", False, "the upstream saw the identifier in clear"),
        ("AWS_EC2_000", f"echo {ID}", False, "an alias ending in 000"),
        (f"probe {ALIAS}", f"echo {ALIAS}", False, "did not get its identifier back"),
        ("", "", False, "did not get its identifier back"),
    ],
    ids=["masked", "in-clear", "both", "without-redis", "not-unmasked", "empty"],
)
def test_judge_echo(seen, reply, good, text):
    verdict, found = masking.judge_echo(ID, seen.encode(), reply.encode())
    assert verdict is good
    assert text in found


@pytest.mark.parametrize(
    ("alias", "original", "reply", "good", "text"),
    [
        (ALIAS, ID, "{}", True, "a fresh pair of mappings and a complete reply"),
        ("", "", "{}", False, "no mapping was made"),
        ("AWS_EC2_000", ID, "{}", False, "ends in 000"),
        (ALIAS, "", "{}", False, "disagree"),
        (ALIAS, "i-other", "{}", False, "disagree"),
        (ALIAS, ID, '{"cut', False, "no complete JSON document"),
        (ALIAS, ID, "", False, "no complete JSON document"),
    ],
    ids=["good", "no-mapping", "without-redis", "no-map-entry", "other-map-entry", "cut-off", "empty"],
)
def test_judge_redis(alias, original, reply, good, text):
    verdict, found = masking.judge_redis(ID, alias, original, 200, reply.encode())
    assert verdict is good
    assert text in found


def test_identifiers_are_fresh_and_of_the_right_form():
    found = {masking.new_identifier() for _number in range(200)}
    assert len(found) == 200
    assert all(re.fullmatch(r"i-[0-9a-f]{17}", item) for item in found)


def sent_identifier(body):
    """Return the identifier in a request body."""
    return re.search(r"i-[0-9a-f]{17}", body.decode()).group()


class TestRun:
    """The whole check against a proxy on loopback."""

    @staticmethod
    def run(post, evidence, data=None, seen=None):
        table = {("POST", "/v1/messages"): post, ("GET", "/__seen"): seen}
        with serving(table) as server:
            probe = masking.Probe(server.url, "/v1/messages", {"x-api-key": "k"}, timeout=2.0)
            try:
                return masking.run(probe, evidence, server.url, data, PREFIX)
            finally:
                TestRun.requests = server.requests

    @staticmethod
    def echo(_path, body):
        return Answer(200, json.dumps({"text": sent_identifier(body)}).encode(), BY_KONG)

    def test_echo(self):
        assert self.run(self.echo, "echo", seen=Answer(200, ALIAS.encode()))[0] is True
        (_post, path, headers, _body), (_get, asked, *_rest) = self.requests
        assert path == "/v1/messages"
        assert headers["x-api-key"] == "k"
        assert asked == f"/__seen?probe={headers['X-Probe-Id']}"

    def test_echo_that_saw_nothing(self):
        found = self.run(self.echo, "echo", seen=Answer(404))
        assert found == (False, "the request did not reach the upstream")

    def test_redis_and_the_probes_own_pair_is_removed(self):
        others = {f"{PREFIX}map:AWS_EC2_001": "i-somebody", f"{PREFIX}cnt:ec2": "17"}
        data = Data(dict(others))

        def post(path, body):
            data.keys.update(pair(sent_identifier(body)))
            return self.echo(path, body)

        assert self.run(post, "redis", data) == (True, "a fresh pair of mappings and a complete reply")
        assert data.keys == others

    def test_a_pair_that_is_somebody_elses_stays(self):
        data = Data()

        def post(path, body):
            data.keys.update(pair(sent_identifier(body), original="i-somebody"))
            return self.echo(path, body)

        assert self.run(post, "redis", data)[0] is False
        assert data.keys[f"{PREFIX}map:{ALIAS}"] == "i-somebody"

    def test_redis_away(self):
        assert self.run(self.echo, "redis")[0] is False

    def test_off(self):
        with pytest.raises(NotMeasured, match="masking_probe is off"):
            self.run(self.echo, "off")
        assert self.requests == []

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503, 529])
    def test_a_provider_that_refuses_measures_nothing(self, status):
        with pytest.raises(NotMeasured, match=f"answers {status}"):
            self.run(Answer(status, b"", BY_KONG), "redis", Data())

    @pytest.mark.parametrize("status", [401, 404, 429, 500, 502, 503])
    def test_the_same_status_by_the_stack_itself_is_a_failure(self, status):
        assert self.run(Answer(status), "redis", Data()) == (False, f"status {status} through the proxy")

    def test_a_closed_connection_is_a_failure(self):
        assert self.run(None, "redis", Data()) == (False, "ConnectionError through the proxy")

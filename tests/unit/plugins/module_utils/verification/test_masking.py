"""The evidence that an identifier leaves masked, and what is no evidence."""

from __future__ import annotations

import json
import re

import pytest
import requests

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_answers import CUT
from ansible_collections.kong_masking.recovery.plugins.module_utils.stand_ins import plain_requests
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import masking
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.masking_kinds import Identifier
from ansible_collections.kong_masking.recovery.tests.unit.replay import (
    STACK_FIXTURES,
    Answer,
    masking_chain,
    recorded,
    serving,
    waits,
)

ID = "i-0123456789abcdef0"
ITEM = Identifier("ec2", ID, ID)
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
    verdict, found = masking.judge_echo(ITEM, seen.encode(), reply.encode())
    assert verdict is good
    assert text in found


@pytest.mark.parametrize(
    ("alias", "original", "good", "text"),
    [
        (ALIAS, ID, True, "a fresh pair of mappings and a complete reply"),
        ("", "", False, "no mapping was made"),
        ("AWS_EC2_000", ID, False, "ends in 000"),
        (ALIAS, "", False, "disagree"),
        (ALIAS, "i-other", False, "disagree"),
    ],
    ids=["good", "no-mapping", "without-redis", "no-map-entry", "other-map-entry"],
)
def test_judge_redis(alias, original, good, text):
    verdict, found = masking.judge_redis(ITEM, alias, original)
    assert verdict is good
    assert text in found


@pytest.mark.parametrize(
    ("headers", "reply", "length", "text"),
    [
        ({}, b'{"a": 1}', None, ""),
        ({"Content-Length": "8"}, b'{"a": 1}', 8, ""),
        ({"Content-Length": "9"}, b'{"a": 1}', 8, "8 bytes of the 9"),
        ({}, b'{"a": ', None, "no complete JSON document"),
        ({}, b"", None, "no complete JSON document"),
        ({"Content-Length": "6"}, b'{"a": ', None, "6 bytes came as announced"),
        ({"Content-Length": "7"}, b'{"a": ', None, "no complete JSON document (6 bytes)"),
        ({"Content-Length": "5"}, b"hello", None, "no complete JSON document (5 bytes)"),
        ({"Content-Length": "6", "Content-Encoding": "gzip"}, b'{"a": ', None, "no complete JSON document"),
    ],
    ids=["complete", "right-length", "short", "cut-off", "empty", "grew", "broke-off", "no-json", "compressed"],
)
def test_a_reply_that_is_cut_short_is_noticed(headers, reply, length, text):
    found = masking.reply_problem(headers, reply, length)
    assert text in found
    assert bool(found) is bool(text)


# Of a healthy chain, or of one whose Redis went away: in each of them an alias became a longer identifier.
CUT_SHORT = {
    "B1-original-script-probe",
    "C-AKIAIOSFODNN7EXAMPLE",
    "C-arn_aws_iam__123456789012_role_MyRole",
    "C-i-1234567890abcdef0",
    "C-subnet-1234567890abcdef0",
    "C-vol-1234567890abcdef0",
    "C-vpc-12345678",
    "C-vpc-1234567890abcdef0",
    "E0-warm",
    "E1-redis-down-warm",
    "E1b-redis-down-warm-1",
    "E1b-redis-down-warm-2",
    "E1b-redis-down-warm-3",
    "E1b-redis-down-warm-4",
    "E1b-redis-down-warm-5",
    "E1b-redis-down-warm-6",
    "E1c-redis-down-warm-later",
    "E3-redis-back",
    "E3b-redis-back-later",
    "E3c-redis-back-40s",
    "G0-warm",
    "G1-redis-down-warm-i-1234567890abcdef0",
    "G1-redis-down-warm-i-1234567890abcdef5",
    "G2-redis-back",
    "G3-redis-hang",
    "G5-cold-redis-up-15",
    "H7-accept-encoding",
    "H8a",
    "H8b",
}
RECORDED = sorted(path.stem for path in (STACK_FIXTURES / "e2e-masking" / "3.9.1").glob("*.http"))


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_reply_of_a_proxy_that_speaks_http_1_0_to_kong(name):
    """Cut is what was unmasked to something longer than its alias and was not laid out anew: the body grew."""
    kept = masking_chain(name)
    problem = masking.reply_problem(dict(kept.headers), kept.body)
    assert problem.startswith(CUT) is (name in CUT_SHORT)
    assert bool(problem) is (name in CUT_SHORT)
    if problem:
        assert "nginx needs proxy_http_version 1.1" in problem
        assert f"({len(kept.body)} bytes came as announced" in problem


def test_how_many_recorded_replies_are_cut():
    assert len(CUT_SHORT) == 29


def test_a_compressed_reply_that_the_client_saw_keeps_its_alias():
    """The plugin does not unmask what it cannot read, so that such a reply is no evidence of masking."""
    seen = (STACK_FIXTURES / "e2e-masking" / "3.9.1" / "H9-gzip-client-saw.json").read_bytes()
    item = Identifier("ec2", "i-1234567890abcdef0", "i-1234567890abcdef0")
    assert masking.judge_echo(item, b"AWS_EC2_001", seen)[0] is False


@pytest.mark.parametrize(
    ("given", "sent_as"),
    [({}, "identity"), ({"Accept-Encoding": "gzip"}, "gzip"), ({"accept-encoding": "br"}, "br")],
    ids=["usual", "the-operators", "the-operators-in-small"],
)
@pytest.mark.parametrize("library", [requests, plain_requests], ids=["requests", "stand-in"])
@pytest.mark.parametrize("how", ["run", "once"])
def test_no_compressed_reply_is_asked_for_unless_the_operator_does(monkeypatch, library, given, sent_as, how):
    monkeypatch.setattr(masking.web, "requests", library)
    monkeypatch.setattr(masking, "requests", library)
    with serving({("POST", "/v1/messages"): Answer(200, b"{}")}) as server:
        check = masking.MaskingCheck("redis", "", Data(), [PREFIX])
        probe = masking.Probe(server.url, "/v1/messages", given)
        check.run(probe, ["ec2"]) if how == "run" else check.once(probe)
    ((_method, _path, headers, _body),) = server.requests
    assert [value for name, value in headers.items() if name.lower() == "accept-encoding"] == [sent_as]


def reply_of(name):
    """Return (status, headers, body) of a recorded answer of Kong's proxy."""
    answer = recorded("3.9.1", name)
    return answer.status, dict(answer.headers), answer.body


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("082-proxy-ok", ""),
        ("084-proxy-upstream-refused", "upstream: Kong gets no answer out of it"),
        ("085-proxy-upstream-unresolvable", "upstream: Kong gets no answer out of it (name resolution failed)"),
        ("080-proxy-no-route", ""),
        ("083-proxy-method-not-in-route", ""),
    ],
)
def test_whose_fault_a_recorded_answer_is(name, text):
    found = masking.upstream_trouble(*reply_of(name))
    assert found.startswith(text)
    assert bool(found) is bool(text)


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ('{"text": "{identifiers}"}', b'{"text": "i-0123456789abcdef0"}'),
        ({"text": "look at {identifiers}"}, b'{"text": "look at i-0123456789abcdef0"}'),
    ],
    ids=["text", "mapping"],
)
def test_a_body_of_the_users_own(template, body):
    assert masking.body_for([ITEM], template) == body


def sent(body):
    """Return the text of the message in a request body."""
    return json.loads(body)["messages"][0]["content"]


def sent_identifier(body):
    """Return the identifier in a request body."""
    return re.search(r"i-[0-9a-f]{17}", body.decode()).group()


class TestRun:
    """The whole check against a proxy on loopback."""

    @staticmethod
    def run(post, evidence, data=None, seen=None, kinds=("ec2",), ask=None, timeout=2.0):
        table = {("POST", "/v1/messages"): post, ("GET", "/__seen"): seen}
        with serving(table) as server:
            probe = masking.Probe(server.url, "/v1/messages", {"x-api-key": "k"}, timeout=timeout)
            try:
                verdict = masking.MaskingCheck(evidence, server.url, data, [PREFIX]).run(probe, kinds)
                return verdict.of(kinds if ask is None else ask)
            finally:
                TestRun.requests = server.requests

    @staticmethod
    def echo(_path, body):
        return Answer(200, json.dumps({"text": sent(body)}).encode(), BY_KONG)

    @staticmethod
    def masking_into(data, status=200):
        """A gateway that masks: it makes a pair and answers."""

        def post(path, body):
            data.keys.update(pair(sent_identifier(body)))
            answer = TestRun.echo(path, body)
            answer.status = status
            return answer

        return post

    def test_echo(self):
        assert self.run(self.echo, "echo", seen=Answer(200, ALIAS.encode()))[0] is True
        (_post, path, headers, _body), (_get, asked, *_rest) = self.requests
        assert path == "/v1/messages"
        assert headers["x-api-key"] == "k"
        assert asked == f"/__seen?probe={headers['X-Probe-Id']}"

    def test_echo_that_saw_nothing(self):
        found = self.run(self.echo, "echo", seen=Answer(404))
        assert found == (False, "ec2: the request did not reach the upstream")

    def test_echo_with_a_reply_that_is_cut_short(self):
        def cut(path, body):
            answer = self.echo(path, body)
            return Answer(200, answer.body[:-2], BY_KONG)

        good, found = self.run(cut, "echo", seen=Answer(200, ALIAS.encode()))
        assert good is False
        assert found.startswith(f"ec2: {CUT}")

    def test_a_mapping_in_another_redis_is_noticed(self):
        good, found = self.run(self.echo, "echo", Data(), seen=Answer(200, ALIAS.encode()))
        assert (good, found) == (
            False,
            "ec2: masked, but its mapping is not in this Redis: Kong has another one, or another database",
        )

    def test_the_kinds_that_leak_are_named(self):
        last = []

        def post(path, body):
            last.append(sent(body))
            return self.echo(path, body)

        def seen(_path, _body):
            address = last[0].split()[-1]
            return Answer(200, f"{ALIAS} {address}".encode())

        kinds = ("ec2", "private_ip")
        assert self.run(post, "echo", seen=seen, kinds=kinds, ask=["ec2"])[0] is True
        last.clear()
        found = self.run(post, "echo", seen=seen, kinds=kinds)
        assert found == (False, "private_ip: the upstream saw the identifier in clear")

    def test_redis_says_nothing_about_private_addresses(self):
        data = Data()
        with pytest.raises(NotMeasured):
            self.run(self.masking_into(data), "redis", data, kinds=("ec2", "private_ip"), ask=["private_ip"])

    def test_redis_and_the_probes_own_pair_is_removed(self):
        others = {f"{PREFIX}map:AWS_EC2_001": "i-somebody", f"{PREFIX}cnt:ec2": "17"}
        data = Data(dict(others))
        found = self.run(self.masking_into(data), "redis", data)
        assert found == (True, "a fresh pair of mappings and a complete reply (ec2)")
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

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503, 529])
    def test_a_provider_that_refuses_measures_nothing(self, status):
        data = Data()
        with pytest.raises(NotMeasured, match=f"upstream: the provider behind Kong answers {status}"):
            self.run(self.masking_into(data, status), "redis", data)
        assert data.keys == {}

    @pytest.mark.parametrize("seen", [None, b"AWS_EC2_017", b""], ids=["redis", "echo", "echo-saw-nothing"])
    def test_a_provider_that_is_silent_measures_nothing(self, seen):
        data = Data()

        def post(path, body):
            self.masking_into(data)(path, body)
            return waits()

        with pytest.raises(NotMeasured, match="upstream: no answer within"):
            self.run(post, "redis" if seen is None else "echo", data, Answer(200, seen or b""), timeout=0.3)
        assert data.keys == {}

    def test_a_leak_counts_also_when_the_provider_is_silent(self):
        assert self.run(waits, "redis", Data(), timeout=0.3) == (False, "ec2: no mapping was made for the identifier")

    def test_a_leak_counts_also_when_the_provider_refuses(self):
        assert self.run(Answer(529, b"", BY_KONG), "redis", Data()) == (
            False,
            "ec2: no mapping was made for the identifier",
        )

    @pytest.mark.parametrize("evidence", ["redis", "echo"])
    def test_a_limit_of_the_gateways_own_measures_nothing(self, evidence):
        """The probes themselves may reach it: a good rollback would be taken back for its own requests."""
        with pytest.raises(NotMeasured, match="own limit on requests"):
            self.run(Answer(429), evidence, Data(), Answer(200))

    @pytest.mark.parametrize("status", [401, 404, 500, 502, 503])
    def test_the_same_status_by_the_stack_itself_is_a_failure(self, status):
        assert self.run(Answer(status), "redis", Data()) == (False, f"ec2: status {status} at the masking request")

    def test_a_closed_connection_is_a_failure(self):
        assert self.run(None, "redis", Data()) == (False, "ec2: ConnectionError at the masking request")

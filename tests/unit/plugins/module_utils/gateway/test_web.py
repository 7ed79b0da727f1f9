"""Requests by address that ask for a name."""

from __future__ import annotations

from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway import web
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving

NAME = "api.example.com"


def hosts(server):
    return [headers["Host"] for _method, _path, headers, _body in server.requests]


def test_the_name_is_asked_for_where_one_is_given():
    with serving({("GET", "/"): Answer(200)}) as server:
        url = web.base(server.place)
        web.get(url, 2.0)
        web.get(url, 2.0, NAME)
        assert hosts(server) == [f"{server.place[0]}:{server.place[1]}", NAME]


def test_what_leads_to_the_name_leads_to_the_same_place():
    moved = Answer(301, headers=[("Location", f"http://{NAME}/new")])
    with serving({("GET", "/old"): moved, ("GET", "/new"): Answer(200, b"here")}) as server:
        url = f"{web.base(server.place)}/old"
        assert web.get(url, 2.0, NAME).content == b"here"
        assert hosts(server) == [NAME, NAME]
        assert web.get(url, 2.0).status_code == 301

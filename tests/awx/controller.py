"""As much of AWX's API as awx.awx needs to make things: a store behind the addresses that its modules use."""

from __future__ import annotations

import itertools
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
SURVEY = {"name": "", "description": "", "spec": []}


class Controller:
    """The stored objects by endpoint, and the server in front of them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {"organizations": {}}
        self.surveys: dict[str, dict[str, Any]] = {}
        self.links: dict[str, list[int]] = {}
        self.ids = itertools.count(1)
        self.make("organizations", {"name": "Default"})
        controller = self

        class Handler(BaseHTTPRequestHandler):
            """Hands every request to the store."""

            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size) or b"{}") if size else {}
                status, content = controller.handle(self.command, self.path, body)
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def make(self, endpoint: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Store a new object and answer it as AWX shows it."""
        number = next(self.ids)
        url = f"/api/v2/{endpoint}/{number}/"
        kind = endpoint.removesuffix("s") if endpoint != "inventories" else "inventory"
        related = {name: f"{url}{name}/" for name in ("survey_spec", "credentials")}
        for name in ("success_nodes", "failure_nodes", "always_nodes"):
            related[name] = f"{url}{name}/"
        made = {**fields, "id": number, "url": url, "type": kind, "related": related}
        self.objects.setdefault(endpoint, {})[number] = made
        return made

    def found(self, endpoint: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        """The objects whose fields are those asked for."""
        names = TEMPLATES if endpoint == "unified_job_templates" else (endpoint,)
        everything = [one for name in names for one in self.objects.get(name, {}).values()]
        return [one for one in everything if all(str(one.get(key)) == value for key, value in asked.items())]

    def handle(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """One request."""
        parts = urlsplit(path)
        where = parts.path.removeprefix("/api/v2/").strip("/").split("/")
        endpoint = where[0]
        if len(where) == 1:
            if method == "POST":
                return 201, self.make(endpoint, body)
            results = self.found(endpoint, dict(parse_qsl(parts.query)))
            return 200, {"count": len(results), "next": None, "previous": None, "results": results}
        one = self.objects[endpoint][int(where[1])]
        if len(where) == 2:
            if method == "PATCH":
                one.update(body)
            return 200, one
        return self.below(method, one, where[2], body)

    def below(self, method: str, one: dict[str, Any], what: str, body: dict[str, Any]) -> tuple[int, Any]:
        """A survey, an approval, or the associations of one object."""
        key = f"{one['url']}{what}"
        if what == "survey_spec":
            if method == "POST":
                self.surveys[key] = body
            return 200, self.surveys.get(key, SURVEY)
        if what == "create_approval_template":
            made = self.make("workflow_approval_templates", body)
            one["unified_job_template"] = made["id"]
            one["related"]["unified_job_template"] = made["url"]
            return 201, made
        linked = self.links.setdefault(key, [])
        if method == "POST":
            linked.append(body["id"])
            return 204, {}
        return 200, {"count": len(linked), "next": None, "results": [{"id": number} for number in linked]}

    def names(self, endpoint: str) -> list[str]:
        """What there is of a kind, by name."""
        return sorted(one["name"] for one in self.objects.get(endpoint, {}).values())

    def survey(self, template: str) -> dict[str, Any]:
        """A template's survey by variable."""
        (one,) = self.found("job_templates", {"name": template}) or self.found(
            "workflow_job_templates", {"name": template}
        )
        spec = self.surveys[f"{one['url']}survey_spec"]["spec"]
        return {question["variable"]: question for question in spec}

    def after(self, identifier: str) -> dict[str, list[str]]:
        """Which workflow nodes follow a node, by the way that leads there."""
        nodes = self.objects["workflow_job_template_nodes"]
        (node,) = self.found("workflow_job_template_nodes", {"identifier": identifier})
        ways = ("success_nodes", "failure_nodes", "always_nodes")
        followers = {way: [nodes[i]["identifier"] for i in self.links.get(f"{node['url']}{way}", [])] for way in ways}
        return {re.sub("_nodes", "", way): names for way, names in followers.items() if names}

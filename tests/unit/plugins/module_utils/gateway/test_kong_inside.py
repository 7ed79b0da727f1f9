"""An Admin API that listens inside its container only is asked there, with whatever tool the image has."""

from __future__ import annotations

import shutil
import socket
import subprocess

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway import kong_inside
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_admin import KongAdmin, KongUnavailable
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import recorded, serving


class Engine:
    """Runs the command on this machine instead of inside a container."""

    def __init__(self, hidden=()):
        self.hidden = hidden

    def execute(self, _container, command, _env=None):
        shell = "".join(f"{name}() {{ return 127; }}\n" for name in self.hidden)
        hide = f'command() {{ case "$2" in {"|".join(self.hidden) or "-"}) return 1;; esac; builtin command "$@"; }}\n'
        done = subprocess.run(["bash", "-c", hide + shell + command[2], *command[3:]], capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("hidden", [(), ("bash",)], ids=["bash", "curl"])
def test_the_admin_api_is_asked_inside(hidden):
    if "bash" in hidden:
        assert shutil.which("curl")
    answers = {("GET", "/"): recorded("3.9.1", "001-GET-root"), ("GET", "/status"): recorded("3.9.1", "003-GET-status")}
    with serving(answers) as server:
        session = kong_inside.session(Engine(hidden), samples.container("kong"))
        client = KongAdmin(f"http://127.0.0.1:{server.place[1]}", session=session)
        assert client.facts().version == "3.9.1"
        assert client.loaded_hash() == "1a9184771897f978257e8468322fe853"


def test_an_image_without_any_tool_is_named():
    session = kong_inside.session(Engine(("bash", "curl", "wget")), samples.container("kong"))
    with pytest.raises(KongUnavailable):
        KongAdmin("http://127.0.0.1:1", session=session).facts()


def test_nothing_is_written_that_way():
    session = kong_inside.session(Engine(), samples.container("kong"))
    with pytest.raises(KongUnavailable):
        KongAdmin("http://127.0.0.1:1", session=session).post_config(b"x")


@pytest.mark.parametrize("data", [b"", b"garbage", b"HTTP/1.0 200 OK"])
def test_what_is_no_answer_is_none(data):
    with pytest.raises(ValueError, match="no HTTP answer"):
        kong_inside.read_answer(data[:0] or b"x")


def test_an_answer_is_read():
    assert kong_inside.read_answer(b"HTTP/1.1 404 Not Found\r\nVia: kong/3.9.1\r\n\r\nbody") == (
        404,
        {"Via": "kong/3.9.1"},
        b"body",
    )


def test_a_kong_that_accepts_and_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(kong_inside, "SCRIPT", kong_inside.SCRIPT.replace("timeout 10", "timeout 0.3"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session = kong_inside.session(Engine(), samples.container("kong"))
        with pytest.raises(KongUnavailable):
            KongAdmin(f"http://127.0.0.1:{silent.getsockname()[1]}", session=session).facts()

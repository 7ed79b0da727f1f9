"""The checks of Kong itself: what it shows is held against its file, and what it does not show is not measured."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import answer
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_look import KongLook
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.kong_checks import KongChecks
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import (
    ENTITIES,
    KONG_FILE,
    LISTEN,
    PLUGIN,
    SHOWN,
)
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import MASKING as KONG
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import admin_answers as admin


class Rows(samples.SmallEngine):
    """An engine that lists these processes: pid, parent, state."""

    rows = ((10, 1, "S"), (11, 10, "S"), (12, 10, "S"))

    def processes(self, _container):
        return [(*row, "nginx") for row in self.rows]


@pytest.fixture
def stack(tmp_path):
    made = disk.lay_out(tmp_path)
    disk.put(made, KONG_FILE, KONG)
    return made


def ask(stack, name, answers=None, backup=None, rows=None, running=False, answer_inside=None, **kong):
    """Return (status, what was found) of one check."""
    kong.setdefault("env", {**LISTEN, "KONG_DECLARATIVE_CONFIG": "/etc/kong/kong.yml"})
    with serving(admin() if answers is None else answers) as server:
        found = disk.containers(stack, kong={"ports": {"8001/tcp": server.place}, **kong})
        engine = Rows(*found.values(), answers={"sh": answer_inside} if answer_inside else None)
        engine.rows = Rows.rows if rows is None else rows
        look = KongLook(stack, engine, Runner(), running)
        look.refresh()
        made = KongChecks(look, backup or {})
        check = answer(next(item for item in made.questions() if item.name == name))
    return check.status, check.found


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (None, ("passed", "2 worker processes")),
        (((10, 1, "Ss"),), ("failed", "no worker process")),
        (((10, 1, "S"), (11, 10, "Z")), ("failed", "no worker process")),
        (((10, 1, "S"), (11, 10, "T"), (12, 10, "S")), ("failed", "1 of 3 processes: 11 is stopped")),
        (((10, 1, "t"), (11, 10, "Tl")), ("failed", "2 of 2 processes: 10 is stopped, 11 is stopped")),
        ((), ("not_measured", "the engine lists no processes")),
    ],
    ids=["two", "master-alone", "zombie", "one-stopped", "all-stopped", "nobody-can-tell"],
)
def test_workers(stack, rows, found):
    assert ask(stack, "kong_workers", rows=rows) == found


@pytest.mark.parametrize(
    ("name", "version", "found"),
    [
        ("kong_admin", "3.9.1", ("passed", "Kong 3.9.1")),
        ("kong_version", "3.9.1", ("passed", "3.9.1")),
        ("kong_version", "2.8.5", ("passed", "2.8.5")),
        ("kong_db_less", "3.9.1", ("passed", "database off")),
    ],
)
def test_what_a_recorded_kong_says_about_itself(stack, name, version, found):
    assert ask(stack, name, admin(version=version)) == found


@pytest.mark.parametrize(
    ("name", "root", "found"),
    [
        ("kong_version", {"version": "2.7.2"}, ("failed", "2.7.2")),
        ("kong_version", {"version": "2.8.0.1-enterprise-edition"}, ("passed", "2.8.0.1-enterprise-edition")),
        ("kong_db_less", {"version": "3.9.1", "configuration": {"database": "postgres"}},
         ("failed", "database postgres")),
    ],
    ids=["too-old", "enterprise", "with-a-database"],
)  # fmt: skip
def test_what_another_kong_says(stack, name, root, found):
    answers = {**admin(), ("GET", "/"): Answer(200, json.dumps(root).encode())}
    assert ask(stack, name, answers) == found


@pytest.mark.parametrize("name", ["kong_admin", "kong_routes", "masking_plugin", "kong_configuration_hash"])
def test_a_kong_that_was_told_to_say_nothing_is_not_measured(stack, name):
    env = {"KONG_ADMIN_LISTEN": "off", "KONG_DECLARATIVE_CONFIG": "/etc/kong/kong.yml"}
    status, found = ask(stack, name, env=env)
    assert (status, found) == ("not_measured", "KONG_ADMIN_LISTEN is off: Kong tells nothing about itself")


@pytest.mark.parametrize("name", ["kong_workers", "kong_admin", "kong_file"])
def test_a_kong_that_does_not_run_fails(stack, name):
    assert ask(stack, name, state="exited") == ("failed", "gateway-kong-1 is exited.")


class TestFile:
    @pytest.mark.parametrize(
        ("content", "found"),
        [
            (KONG, ("passed", KONG_FILE)),
            (b'_format_version: "3.0"\n',
             ("failed", f"{KONG_FILE} holds no service and no route: Kong would answer 404 to everything")),
            (b"services: [\n", ("failed", f"{KONG_FILE} is no valid YAML (line 2).")),
        ],
        ids=["good", "empty", "broken"],
    )  # fmt: skip
    def test_it_can_be_read_and_holds_something(self, stack, content, found):
        disk.put(stack, KONG_FILE, content)
        assert ask(stack, "kong_file") == found

    def test_a_file_that_is_gone_is_said_before_kong_starts_anew(self, stack):
        os.unlink(stack.path(KONG_FILE))
        missing = f"{stack.path(KONG_FILE)} is not there: Kong would not start again."
        assert ask(stack, "kong_file") == ("failed", missing)


HASH = disk.md5(KONG)


class TestHash:
    @pytest.mark.parametrize(
        ("shown", "version", "found"),
        [
            (HASH, "3.9.1", ("passed", f"{HASH}; {KONG_FILE} has {HASH}")),
            (SHOWN, "3.9.1", ("failed", f"{SHOWN}; {KONG_FILE} has {HASH}")),
            ("0" * 32, "3.9.1", ("failed", f"nothing loaded; {KONG_FILE} has {HASH}")),
            ("0" * 32, "2.8.5", ("not_measured", "this Kong shows no hash before the first POST /config")),
            (SHOWN, "2.8.5", ("failed", f"{SHOWN}; {KONG_FILE} has {HASH}")),
        ],
        ids=["of-the-file", "of-another", "nothing", "an-old-kong-cannot-tell", "an-old-kong-that-was-told"],
    )
    def test_it_is_that_of_the_file(self, stack, shown, version, found):
        assert ask(stack, "kong_configuration_hash", admin(shown, version)) == found

    @pytest.mark.parametrize(("shown", "status"), [(KONG, "passed"), (KONG.strip(), "passed"), (b"x", "failed")])
    def test_kong_strips_what_it_is_given_in_a_variable(self, stack, shown, status):
        env = {**LISTEN, "KONG_DECLARATIVE_CONFIG_STRING": KONG.decode()}
        assert ask(stack, "kong_configuration_hash", admin(disk.md5(shown)), env=env)[0] == status

    def test_a_file_is_not_stripped(self, stack):
        assert ask(stack, "kong_configuration_hash", admin(disk.md5(KONG.strip())))[0] == "failed"

    def test_its_own_export_has_another_hash_and_is_no_evidence_against_it(self, stack):
        answers = {**admin(SHOWN), ("GET", "/config"): Answer(200, json.dumps({"config": "a: 1"}).encode())}
        assert ask(stack, "kong_configuration_hash", answers, running=True) == ("passed", f"serves {SHOWN}")


@pytest.mark.parametrize(
    ("name", "entities", "found"),
    [
        ("kong_services", {}, ("passed", "1 services")),
        ("kong_services", {"services": []}, ("failed", "missing: llm")),
        ("kong_services", {"services": [{"name": "more"}, {"name": "llm"}]}, ("passed", "1 services")),
        ("kong_routes", {"routes": [{"id": "r", "name": None}]}, ("failed", "missing: all")),
        ("masking_plugin", {}, ("passed", "route all; the file says route all")),
        ("masking_plugin", {"plugins": []}, ("failed", "not enabled anywhere; the file says route all")),
        ("masking_plugin", {"plugins": [{**ENTITIES["plugins"][0], "enabled": False}]},
         ("failed", "not enabled anywhere; the file says route all")),
        ("masking_plugin", {"plugins": [{"name": "aws-masker", "enabled": True, "route": None}]},
         ("failed", "everywhere; the file says route all")),
        ("kong_upstreams", {}, ("passed", "none is declared")),
    ],
    ids=["services", "service-missing", "further-ones", "route-missing", "plugin", "plugin-missing", "plugin-off",
         "plugin-elsewhere", "no-upstreams"],
)  # fmt: skip
def test_what_is_loaded_is_what_the_file_declares(stack, name, entities, found):
    assert ask(stack, name, admin(**entities)) == found


def test_a_file_without_the_masking_plugin_is_never_good(stack):
    disk.put(stack, KONG_FILE, disk.KONG)
    found = ask(stack, "masking_plugin", admin(plugins=[]))
    assert found == ("failed", "not enabled anywhere; the file says nowhere")


def test_targets_that_kong_gave_up_are_named(stack):
    health = [{"target": "a:80", "health": "HEALTHY"}, {"target": "b:80", "health": "UNHEALTHY"}]
    answers = admin(upstreams=[{"id": "u", "name": "pool"}, {"id": "v", "name": "spare"}])
    for name, rows in (("pool", health), ("spare", [])):
        answers["GET", f"/upstreams/{name}/health"] = Answer(200, json.dumps({"data": rows}).encode())
    assert ask(stack, "kong_upstreams", answers) == ("failed", "pool: b:80 UNHEALTHY")


class TestReachable:
    @pytest.mark.parametrize(
        ("inside", "found"),
        [
            ((0, b"", b""), ("passed", "up:8080")),
            ((0, b"up is an unknown name\n", b""), ("failed", "up is an unknown name")),
            ((97, b"", b""), ("not_measured", "gateway-kong-1 has no tool to look a name up with")),
        ],
        ids=["reached", "unknown", "no-tool"],
    )
    def test_from_inside_kong(self, stack, inside, found):
        assert ask(stack, "upstream_reachable", answer_inside=inside) == found

    def test_what_kong_balances_itself_is_no_name_to_look_up(self, stack):
        found = ask(stack, "upstream_reachable", admin(upstreams=[{"name": "up"}]), answer_inside=(0, b"", b""))
        assert found == ("not_measured", "no service names a host")

    def test_each_place_is_asked_once(self, stack):
        services = [{"name": f"s{number}", "host": "up"} for number in range(3)]
        assert ask(stack, "upstream_reachable", admin(services=services), answer_inside=(0, b"", b""))[1] == "up:80"


class TestCode:
    LUA = "/usr/local/share/lua/5.1/kong/plugins/aws-masker"

    @pytest.fixture
    def mounted(self, stack):
        """Mount the code where Kong looks for it."""
        folder = stack.path(os.path.dirname(PLUGIN))
        return {"mounts": (*disk.containers(stack)["kong"].mounts[:1], samples.bind(folder, self.LUA))}

    def test_code_in_the_image_is_that_of_the_image(self, stack, mounted):
        assert ask(stack, "plugin_code") == ("passed", "in image kong")
        backup = {"services": {"kong": {"image_id": "sha256:older"}}}
        assert ask(stack, "plugin_code", backup=backup) == ("failed", "image kong; the backup has older")
        assert ask(stack, "plugin_code", backup=backup, **mounted) == ("failed", "image kong; the backup has older")

    @pytest.mark.parametrize(
        ("code", "modified", "good", "text"),
        [
            (b"-- masks\n", disk.BEFORE, True, "as Kong read it at its start"),
            (b"-- masks\n", disk.STARTED + 60, False, "it still runs the older code"),
            (b"local A = {VERSION = '9.9'}\n", disk.BEFORE, False, "holds 9.9"),
            (b"-- other\n", disk.BEFORE, False, "not as in the backup: handler.lua"),
        ],
        ids=["as-read", "changed-since", "another-version", "not-the-backups"],
    )
    def test_mounted_code_is_what_kong_read_and_what_the_backup_holds(self, stack, mounted, code, modified, good, text):
        root = {"version": "3.9.1", "plugins": {"available_on_server": {"aws-masker": {"version": "1.0.0"}}}}
        answers = {**admin(), ("GET", "/"): Answer(200, json.dumps(root).encode())}
        backup = disk.backed_up(stack) if "backup" in text else None
        disk.put(stack, PLUGIN, code, modified)
        status, found = ask(stack, "plugin_code", answers, backup, **mounted)
        assert (status == "passed", text in found) == (good, True), found

    def test_a_kong_that_names_no_version_is_judged_by_the_rest(self, stack, mounted):
        status, _found = ask(stack, "plugin_code", {}, **mounted)
        assert status == "passed"


def test_one_cause_fails_one_check(stack):
    """Each question stands after those that it needs, so that the first cause is named."""
    look = KongLook(stack, samples.SmallEngine(), Runner())
    seen = {"container_kong", "link_kong_redis"}
    for question in KongChecks(look, {}).questions():
        assert set(question.needs) <= seen, question.name
        seen.add(question.name)

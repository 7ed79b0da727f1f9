"""What runs goes into a backup, not what lies on disk; what nobody can know any more is said."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_store import BackupWriter
from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.capture import Capture
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner, Stamp
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import MINE, manifest, store
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, recorded, serving
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import COMPOSE, ENV, KONG_FILE, NGINX, PLUGIN

LATER = disk.STARTED + 600
NOW = disk.STARTED + 3600
EDITED = b"edited and not deployed\n"
EDITED_ENV = disk.FILES[ENV].replace(b"notice", b"debug")
INSIDE = {"/etc/nginx/nginx.conf": b"worker_processes 1;\n"}


@pytest.fixture
def stack(tmp_path):
    return disk.lay_out(tmp_path)


def saved(
    stack, contents, backup_id="deploy-20260701-120000", complete=True, kong=None, exact=None, networks=None, **changes
):
    """Write an older backup that holds contents; changes: service → fields in which its record differs."""
    where = store(stack.backup_dir)
    writer = BackupWriter(where, backup_id, MINE)
    for path, data in contents.items():
        writer.add(f"files/{path}", data, target=path)
    writer.add("config.env", b"of nobody\n")
    services = {
        name: {
            "container_id": item.id,
            "image_id": item.image_id,
            "config_hash": item.config_hash,
            "compose_version": item.compose_version,
            **changes.get(name, {}),
        }
        for name, item in disk.containers(stack).items()
    }
    services.update({name: item for name, item in changes.items() if name not in services})
    about = {"services": services, "complete": complete, "kong": kong or {}, "sequence": int(backup_id[7:15])}
    about.update({} if exact is None else {"exact": exact}, networks=networks or {})
    writer.finish(manifest(backup_id, **about), {})


def capture(stack, found=None, further=(), **engine):
    where, found = store(stack.backup_dir), found or disk.containers(stack)
    older = where.listing("production", "gateway", ["gw1"], datetime.now(UTC))
    made = disk.TalkingEngine(*found.values(), **{"admin": {}, **engine})
    compose = disk.SmallCompose(stack)
    return Capture(stack, made, Runner(), compose, found, older, where.manifest, lambda: NOW).configuration(further)


def origins(captured):
    """Return path → origin of what is not simply what runs and lies on disk."""
    return {path: item.origin for path, item in captured.files.items() if item.origin != "running"}


def content(captured, path):
    return captured.files[path].data


def lacking(captured):
    """Return the gaps beside that the containers were not made from the Compose file that lies there."""
    return [line for line in captured.gaps if not line.endswith("than the files say")]


UNKNOWN_KONG = f"Kong does not show what it serves: {KONG_FILE} is judged by the time of its last change alone"


def test_what_equals_the_disk_is_taken_as_it_is_and_data_are_no_configuration(stack):
    captured = capture(stack)
    assert sorted(captured.files) == sorted([COMPOSE, ENV, KONG_FILE, NGINX, PLUGIN])
    assert {path: content(captured, path) for path in captured.files} == {
        path: Runner().read(stack.path(path)) for path in captured.files
    }
    assert (origins(captured), captured.ahead, captured.gaps, captured.notes) == ({}, {}, [], [UNKNOWN_KONG])
    assert captured.directories == ["kong/plugins/aws-masker"]
    assert ".env" in captured.absent
    assert "docker-compose.override.yml" in captured.absent


def test_a_file_of_kong_that_nothing_counts_is_lacking(stack):
    """It lies among the stack's own logs."""
    file = "logs/kong/kong.yml"
    disk.put(stack, file, disk.KONG)
    env = {**disk.containers(stack)["kong"].env, "KONG_DECLARATIVE_CONFIG": "/own/kong.yml"}
    mounts = (samples.bind(stack.path("logs/kong"), "/own"),)
    captured = capture(stack, disk.containers(stack, kong={"env": env, "mounts": mounts}))
    assert f"{file}, Kong's own file, is not among the configuration that is backed up" in captured.lacks


@pytest.mark.parametrize("kind", ["volume", "bind"])
def test_a_file_of_kong_from_a_volume_or_another_directory_is_lacking(stack, tmp_path_factory, kind):
    env = {**disk.containers(stack)["kong"].env, "KONG_DECLARATIVE_CONFIG": "/own/kong.yml"}
    mounts = (samples.Mount(kind, str(tmp_path_factory.mktemp("elsewhere")), "/own", writable=True),)
    captured = capture(stack, disk.containers(stack, kong={"env": env, "mounts": mounts}))
    told = f"/own/kong.yml, Kong's own file, comes from a volume or from outside {stack.dir}"
    assert [line for line in captured.lacks if line.startswith(told)]
    assert lacking(captured) == []


@pytest.mark.parametrize(
    ("declared", "knows", "shown", "lacks"),
    [
        ({}, False, "ab" * 16, True),
        ({}, False, "0" * 32, False),
        ({}, True, "ab" * 16, False),
        ({"KONG_DECLARATIVE_CONFIG": "/kong.yml"}, True, "ab" * 16, False),
        ({"KONG_DECLARATIVE_CONFIG_STRING": "{}"}, False, "ab" * 16, False),
    ],
    ids=["posted", "nothing-loaded", "in-its-kong.conf", "in-its-image", "in-a-variable"],
)
def test_a_configuration_that_kong_was_given_by_its_admin_api_alone_is_lacking(stack, declared, knows, shown, lacks):
    """A new container would not have it."""
    known = disk.containers(stack)["kong"]
    told_it = ("KONG_DECLARATIVE_CONFIG", "KONG_ADMIN_LISTEN")
    env = {name: value for name, value in known.env.items() if name not in told_it}
    found = disk.containers(stack, kong={"env": {**env, **declared}, "mounts": ()})
    about = json.loads(recorded("3.9.1", "001-GET-root").body)
    about["configuration"] = {"declarative_config": "/kong.yml"} if knows else {}
    root = {("GET", "/"): Answer(200, json.dumps(about).encode())}
    captured = capture(stack, found, admin={**disk.kong_answers(shown), **root})
    told = f"Kong serves a configuration ({shown}) that its Admin API was given, in no file"
    assert (told in captured.lacks) is lacks


def test_an_older_backup_that_lacks_something_still_knows_what_ran(stack):
    """What it holds is what ran; only of what was guessed nothing is taken."""
    disk.put(stack, NGINX, EDITED, LATER)
    running = {NGINX: INSIDE["/etc/nginx/nginx.conf"]}
    saved(stack, running, complete=False, exact=True)
    assert (content(capture(stack), NGINX), lacking(capture(stack))) == (running[NGINX], [])
    saved(stack, {NGINX: b"guessed\n"}, "deploy-20260702-120000", complete=False)
    assert content(capture(stack), NGINX) == running[NGINX]


@pytest.mark.parametrize("declared", [KONG_FILE, "current.yml"], ids=["a-file", "a-link"])
def test_kongs_file_in_the_stacks_own_directory_is_taken(stack, declared):
    os.symlink(KONG_FILE, stack.path("current.yml"))
    env = {**disk.containers(stack)["kong"].env, "KONG_DECLARATIVE_CONFIG": f"/kong/{declared}"}
    found = disk.containers(stack, kong={"env": env, "mounts": (samples.bind(stack.dir, "/kong"),)})
    captured = capture(stack, found)
    assert (content(captured, KONG_FILE), lacking(captured), captured.directories) == (disk.KONG, [], [])
    assert (captured.kong["file"], captured.kong["configuration_hash"]) == (KONG_FILE, disk.SHOWN)
    assert captured.links == ({} if declared == KONG_FILE else {declared: KONG_FILE})


def test_data_and_logs_below_configuration_are_in_no_backup_and_lack_nothing(stack):
    """They are written while the container runs, and so are newer than its start."""
    disk.put(stack, "nginx/logs/access.log", b"GET /\n", LATER)
    mounts = (
        samples.bind(stack.path("nginx"), "/etc/nginx"),
        samples.bind(stack.path("nginx/logs"), "/var/log/nginx", writable=True),
    )
    captured = capture(stack, disk.containers(stack, nginx={"mounts": mounts}))
    assert (NGINX in captured.files, "nginx/logs/access.log" in captured.files) == (True, False)
    assert (lacking(captured), captured.spared) == ([], ["nginx/logs"])


def test_further_files_are_taken_where_there_are_any(stack):
    disk.put(stack, "scripts/run.sh", b"#!/bin/sh\n")
    captured = capture(stack, further=["scripts/run.sh", "scripts/none.sh"])
    assert content(captured, "scripts/run.sh") == b"#!/bin/sh\n"
    assert "scripts/none.sh" not in captured.files


class TestReplacedByRename:
    """The container still sees the old file."""

    @pytest.mark.parametrize("modified", [disk.BEFORE, LATER], ids=["an-old-file", "a-new-one"])
    def test_what_it_sees_is_kept_and_what_lies_on_disk_is_kept_apart(self, stack, modified):
        disk.put(stack, NGINX, EDITED, modified)
        captured = capture(stack, seen={("nginx", "/etc/nginx/nginx.conf"): b"old\n"})
        assert (content(captured, NGINX), captured.ahead) == (b"old\n", {NGINX: EDITED})
        assert captured.notes[0] == f"{NGINX} on disk is ahead of what runs; the running content is kept (running)"
        assert (origins(captured), captured.gaps) == ({}, [])

    def test_what_it_sees_and_cannot_be_read_is_a_gap(self, stack):
        captured = capture(
            stack,
            seen={("nginx", "/etc/nginx/nginx.conf"): b"old\n"},
            answers={"cat": (1, b"", b"cat: permission denied")},
        )
        assert captured.gaps == [f"{NGINX} as nginx sees it could not be read"]
        assert content(captured, NGINX) == disk.FILES[NGINX]

    def test_what_is_gone_from_the_disk_is_still_what_runs(self, stack):
        os.unlink(stack.path(NGINX))
        captured = capture(stack, seen={("nginx", "/etc/nginx/nginx.conf"): b"old\n"})
        assert (content(captured, NGINX), captured.ahead, captured.gaps) == (b"old\n", {}, [])
        assert captured.notes[0] == f"{NGINX} is gone from the disk; what nginx still sees is kept"
        assert captured.files[NGINX].stamp == Stamp(0o644, os.getuid(), os.getgid())


NOBODY_KNOWS = f"{NGINX} was edited after nginx last read it, and no backup holds what it read"
OLD = {NGINX: b"as read\n"}
OTHER = {"container_id": "another"}


class TestEditedInPlace:
    """The container sees the edited file, its process has read another one."""

    @pytest.mark.parametrize(
        ("backups", "found"),
        [
            ([], None),
            ([{}], "deploy-20260701-120000"),
            ([{"nginx": OTHER}], "deploy-20260701-120000"),
            ([{"nginx": {**OTHER, "config_hash": "x"}}], None),
            ([{"nginx": {**OTHER, "image_id": "x"}}], None),
            ([{"complete": False}], None),
            ([{}, {"nginx": OTHER}], "deploy-20260701-120000"),
            ([{"nginx": OTHER}, {"nginx": OTHER}], "deploy-20260702-120000"),
            ([{}, {}], "deploy-20260702-120000"),
        ],
        ids=[
            "no-backup", "same-container", "same-definition", "another-definition", "another-image", "incomplete",
            "the-very-container-first", "the-newest-of-alike", "the-newest-of-the-container",
        ],
    )  # fmt: skip
    def test_it_comes_from_a_backup_of_this_container_else_of_its_definition(self, stack, backups, found):
        for day, about in enumerate(backups, 1):
            saved(stack, {NGINX: f"as read on day {day}".encode()}, f"deploy-2026070{day}-120000", **about)
        disk.put(stack, NGINX, EDITED, LATER)
        captured = capture(stack)
        if found:
            assert content(captured, NGINX) == f"as read on day {found[14]}".encode()
            assert (captured.gaps, captured.ahead) == ([], {NGINX: EDITED})
            assert origins(captured) == {NGINX: f"from {found}"}
        else:
            assert (captured.gaps, captured.ahead, origins(captured)) == ([NOBODY_KNOWS], {}, {})

    @pytest.mark.parametrize(
        ("modified", "age", "gap"),
        [
            (disk.STARTED + 1.5, None, False),
            (disk.STARTED + 2.5, None, True),
            (LATER, NOW - LATER - 60, False),
            (LATER, NOW - LATER + 60, True),
        ],
        ids=["while-it-started", "after-its-start", "before-a-reload", "after-the-last-reload"],
    )
    def test_a_reload_reads_the_files_anew(self, stack, modified, age, gap):
        disk.put(stack, NGINX, EDITED, modified)
        assert capture(stack, workers={"nginx": [age, age + 60] if age else []}).gaps == ([NOBODY_KNOWS] if gap else [])

    def test_a_container_that_does_not_run_has_read_nothing(self, stack):
        disk.put(stack, NGINX, EDITED, LATER)
        captured = capture(stack, disk.containers(stack, nginx={"state": "exited"}))
        assert (captured.gaps, content(captured, NGINX)) == ([], EDITED)

    @pytest.mark.parametrize("saved_before", [True, False], ids=["a-backup-has-it", "nobody-has-it"])
    def test_kongs_file_too_where_kong_shows_no_hash(self, stack, saved_before):
        """Edit, back up, deploy: the file on disk is the next release's."""
        if saved_before:
            saved(stack, {KONG_FILE: disk.KONG})
        disk.put(stack, KONG_FILE, EDITED_KONG, LATER)
        captured = capture(stack)
        if saved_before:
            assert (content(captured, KONG_FILE), captured.gaps) == (disk.KONG, [])
            assert (captured.ahead, captured.kong["configuration_hash"]) == ({KONG_FILE: EDITED_KONG}, MD5)
        else:
            assert captured.gaps == [
                f"{KONG_FILE} was edited after kong last read it, and no backup holds what it read"
            ]
        assert (captured.notes[-1], captured.kong["proven"]) == (UNKNOWN_KONG, False)


class TestDefinitions:
    """Compose files and environment as deployed."""

    def test_the_newest_complete_backup_of_the_same_deployment_has_them(self, stack):
        compose = Runner().read(stack.path(COMPOSE))
        saved(stack, {ENV: b"A=1\n"}, "deploy-20260701-120000")
        saved(stack, {ENV: disk.FILES[ENV], COMPOSE: compose}, "deploy-20260702-120000")
        saved(stack, {ENV: b"A=3\n"}, "deploy-20260703-120000", complete=False)
        saved(stack, {ENV: b"A=4\n"}, "deploy-20260704-120000", kong={}, redis={"config_hash": "x"})
        saved(stack, {ENV: b"A=5\n"}, "deploy-20260705-120000", redis={"compose_version": "2.21.0"})
        saved(
            stack, {ENV: b"A=6\n"}, "deploy-20260706-120000", client={"config_hash": "x", "compose_version": "2.40.0"}
        )
        disk.put(stack, ENV, EDITED_ENV)
        captured = capture(stack)
        assert origins(captured) == {ENV: "from deploy-20260702-120000"}
        assert (content(captured, ENV), captured.ahead, captured.gaps) == (disk.FILES[ENV], {ENV: EDITED_ENV}, [])

    def test_a_file_that_was_deployed_and_is_gone_from_the_disk_comes_from_there_too(self, stack):
        saved(stack, {ENV: disk.FILES[ENV]})
        os.unlink(stack.path(ENV))
        disk.put(stack, ".env", b"KONG_LOG_LEVEL=debug\nKONG_MEMORY=512m\n")
        captured = capture(samples.stack(stack.dir))
        assert (content(captured, ENV), origins(captured)) == (disk.FILES[ENV], {ENV: "from deploy-20260701-120000"})
        assert (captured.files[ENV].stamp.mode, ENV in captured.absent, captured.gaps) == (0o600, False, [])
        note = f"{ENV} is gone from the disk; what was deployed is kept (from deploy-20260701-120000)"
        assert note in captured.notes

    def test_without_a_backup_each_variable_gets_the_value_that_the_container_got(self, stack):
        disk.put(stack, ENV, b"# edited\n" + EDITED_ENV.replace(b"512m", b"1g"))
        disk.put(stack, "compose.override.yml", b"KONG_LOG_LEVEL: of-no-variable\n")
        captured = capture(stack)
        expected = b"# edited\n" + disk.FILES[ENV].replace(b"512m", b"536870912")
        assert (content(captured, ENV), origins(captured)) == (expected, {ENV: "reconstructed"})
        assert captured.gaps == []

    def test_a_list_of_variables_is_as_good_as_a_mapping(self, stack):
        text = disk.SERVICES.replace("ROOT", stack.dir).replace(
            '{REDIS_PASSWORD: "${REDIS_PASSWORD}"}', '["REDIS_PASSWORD=${REDIS_PASSWORD}", TZ]'
        )
        disk.put(stack, COMPOSE, text.encode())
        edited = disk.FILES[ENV].replace(b"pass-of-the-file", b"next")
        disk.put(stack, ENV, edited)
        captured = capture(stack)
        assert content(captured, ENV) == disk.FILES[ENV]
        assert (origins(captured), captured.ahead, captured.gaps) == ({ENV: "reconstructed"}, {ENV: edited}, [])

    def test_what_no_variable_explains_is_a_gap_by_name_and_without_its_value(self, stack):
        settings = samples.settings(memory=512 << 20, ports={"8000/tcp": [{"HostPort": "8000"}]})
        env = {**disk.containers(stack)["kong"].env, "API_TOKEN": "canary-s3cret"}
        captured = capture(stack, disk.containers(stack, kong={"settings": settings, "env": env}))
        assert captured.gaps == [
            "kong runs with another env.API_TOKEN than the files say",
            "kong runs with another ports than the files say",
        ]
        assert "canary" not in json.dumps([captured.gaps, captured.notes])
        assert origins(captured) == {}

    def test_a_service_that_the_files_do_not_have_is_a_gap(self, stack):
        found = {**disk.containers(stack), "client": samples.container("client")}
        assert capture(stack, found).gaps == ["client runs with another service than the files say"]

    @pytest.mark.parametrize("older", [True, False], ids=["in-an-older-backup", "in-none"])
    def test_a_network_that_was_edited_and_not_deployed(self, stack, older):
        """Compose would make it anew for the first service that is rolled back to this."""
        deployed = {path: disk.Runner().read(stack.path(path)) for path in (COMPOSE, ENV)}
        if older:
            saved(stack, deployed)
        edited = deployed[COMPOSE] + b"networks: {default: {name: gateway_default, internal: true}}\n"
        disk.put(stack, COMPOSE, edited)
        own = {"com.docker.compose.project": "gateway"}
        captured = capture(stack, nets=[{"Name": "gateway_default", "Labels": own, "Internal": False}])
        if older:
            assert (content(captured, COMPOSE), captured.ahead, captured.gaps) == (
                deployed[COMPOSE],
                {COMPOSE: edited},
                [],
            )
        else:
            assert captured.gaps == ["network gateway_default runs with another internal than the files say"]

    @pytest.mark.parametrize("noted", ["one", "two"])
    def test_an_older_backup_of_another_network_was_another_deployment(self, stack, noted):
        deployed = {path: disk.Runner().read(stack.path(path)) for path in (COMPOSE, ENV)}
        label = "com.docker.compose."
        now = {f"{label}project": "gateway", f"{label}config-hash": "one", f"{label}version": "2.40.0"}
        record = {"gateway_default": {"config_hash": noted, "compose_version": "2.40.0"}}
        saved(stack, deployed, networks=record)
        disk.put(stack, ENV, EDITED_ENV)
        captured = capture(stack, nets=[{"Name": "gateway_default", "Labels": now}])
        told = "reconstructed" if noted == "two" else "from deploy-20260701-120000"
        assert origins(captured) == {ENV: told}

    def test_what_was_deployed_with_other_files_is_said_beside_what_differs(self, stack):
        deployed = tuple(stack.path(name) for name in (COMPOSE, "docker-compose.prod.yml"))
        settings = samples.settings(memory=512 << 20, ports={"8000/tcp": [{"HostPort": "8000"}]})
        kong = {"settings": settings, "compose_files": deployed}
        captured = capture(stack, disk.containers(stack, kong=kong))
        assert captured.gaps == ["kong runs with another ports than the files say"]
        assert captured.notes[0] == (
            f"some services were deployed with {COMPOSE}, docker-compose.prod.yml, and {COMPOSE} is read here: "
            "set stack_compose_files"
        )

    def test_files_that_compose_cannot_read_are_a_gap_and_nothing_is_guessed(self, stack):
        disk.put(stack, COMPOSE, b"services: [\n")
        captured = capture(stack)
        problem = "yaml: line 1: did not find expected node content"
        assert (captured.gaps, origins(captured)) == ([f"compose runs with another {problem} than the files say"], {})


def kong_server(*answer):
    return serving(disk.kong_answers(*answer))


EDITED_KONG = disk.KONG.replace(b"llm", b"next")
MD5 = disk.md5(disk.KONG)


class TestKong:
    """The file is the one whose MD5 Kong shows."""

    @staticmethod
    def ask(stack, server):
        return capture(stack, disk.containers(stack, kong={"ports": {"8001/tcp": server.place}}))

    def test_the_file_on_disk_is_proven_by_its_hash(self, stack):
        disk.put(stack, KONG_FILE, disk.KONG, LATER)
        with kong_server(MD5) as server:
            captured = self.ask(stack, server)
        assert captured.kong == {"file": KONG_FILE, "version": "3.9.1", "configuration_hash": MD5, "proven": True}
        assert (captured.notes, captured.gaps) == ([], [])

    @pytest.mark.parametrize(
        ("backup", "found"),
        [
            ({"kong": {"configuration_hash": MD5, "file": KONG_FILE}}, "from deploy-20260701-120000"),
            ({"kong": {"configuration_hash": MD5, "file": "elsewhere.yml"}}, "reconstructed"),
            ({"kong": {"configuration_hash": "0f", "file": KONG_FILE}}, "reconstructed"),
        ],
        ids=["backup", "backup-of-another-file", "backup-of-another-configuration"],
    )
    def test_what_it_serves_comes_from_a_backup_else_from_kong_itself(self, stack, backup, found):
        saved(stack, {KONG_FILE: disk.KONG}, **backup)
        disk.put(stack, KONG_FILE, EDITED_KONG)
        with kong_server(MD5, "_format_version: '3.0'\n") as server:
            captured = self.ask(stack, server)
        proven = found != "reconstructed"
        assert content(captured, KONG_FILE) == (disk.KONG if proven else b"_format_version: '3.0'\n")
        assert (origins(captured), captured.ahead) == ({KONG_FILE: found}, {KONG_FILE: EDITED_KONG})
        assert (captured.kong["proven"], captured.gaps) == (proven, [])

    @pytest.mark.parametrize("listen", [None, "127.0.0.1:8001"], ids=["default", "loopback"])
    def test_it_is_asked_inside_its_container_where_it_listens_there_only(self, stack, listen):
        env = {name: value for name, value in disk.containers(stack)["kong"].env.items() if name != "KONG_ADMIN_LISTEN"}
        given = {"KONG_ADMIN_LISTEN": listen} if listen else {}
        put_listen = f'KONG_ADMIN_LISTEN: "{listen}"' if listen else ""
        compose = Runner().read(stack.path(COMPOSE)).replace(b'KONG_ADMIN_LISTEN: "0.0.0.0:8001"', put_listen.encode())
        disk.put(stack, COMPOSE, compose)
        saved(stack, {KONG_FILE: disk.KONG}, kong={"configuration_hash": MD5, "file": KONG_FILE})
        disk.put(stack, KONG_FILE, EDITED_KONG, LATER)
        found = disk.containers(stack, kong={"env": {**env, **given}})
        captured = capture(stack, found, admin=disk.kong_answers(MD5))
        assert (content(captured, KONG_FILE), captured.ahead) == (disk.KONG, {KONG_FILE: EDITED_KONG})
        assert (captured.kong["proven"], captured.kong["version"], captured.gaps) == (True, "3.9.1", [])

    def test_a_backup_that_holds_something_else_under_that_hash_is_not_believed(self, stack):
        saved(stack, {KONG_FILE: b"another"}, kong={"configuration_hash": MD5, "file": KONG_FILE})
        disk.put(stack, KONG_FILE, EDITED_KONG)
        with kong_server(MD5) as server:
            captured = self.ask(stack, server)
        assert captured.gaps == [f"Kong serves a configuration ({MD5}) that is neither on disk nor in a backup"]
        assert (content(captured, KONG_FILE), captured.kong["proven"]) == (EDITED_KONG, False)
        assert captured.kong["configuration_hash"] == disk.md5(EDITED_KONG)

    def test_a_kong_that_loaded_nothing_serves_no_other_file(self, stack):
        with kong_server("0" * 32) as server:
            captured = self.ask(stack, server)
        assert (captured.gaps, captured.notes, captured.kong["proven"]) == ([], [UNKNOWN_KONG], False)

    def test_without_a_mounted_file_there_is_nothing_to_prove(self, stack):
        captured = capture(stack, disk.containers(stack, kong={"mounts": ()}))
        assert captured.kong == {"file": "", "version": "", "configuration_hash": "", "proven": False}
        assert not [text for text in captured.notes if "Kong" in text]

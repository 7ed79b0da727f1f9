"""What a plan compares: the target out of a real backup, the live state out of files, an engine and answers."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import pytest
import yaml

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError, RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans import target_files
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan_input import PlanInput
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples, small_redis
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import SETTINGS, decided, steps
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import COMPOSE, ENV, KONG_FILE, NGINX, PLUGIN

EDITED_ENV = disk.FILES[ENV].replace(b"notice", b"debug")
SECRET = "pass-of-the-file"
NEW_SECRET = "canary-new-pass"
MOUNTS = {"kong": [KONG_FILE, os.path.dirname(PLUGIN)], "nginx": [NGINX], "redis": ["redis/data"]}
ABOUT = ("sha256", "mode", "uid", "gid")


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def stack(tmp_path):
    return disk.lay_out(tmp_path)


@pytest.fixture(scope="module")
def places():
    """Where a healthy stack answers."""
    with disk.answering() as found:
        yield found


def look(stack, backup, found=None, keep=(), engine=None):
    made = engine or samples.SmallEngine(*(found or disk.containers(stack)).values())
    return PlanInput(stack, made, Runner(), disk.SmallCompose(stack), backup, keep)


def guards(live):
    return [(guard.name, guard.reason) for guard in live["guards"]]


def plan_of(made, **settings):
    target = made.target()
    return build_plan(target, made.live(target, "keep", "mappings"), {**SETTINGS, "kong_file": KONG_FILE, **settings})


def test_what_equals_the_backup_needs_nothing(stack, places):
    made = look(stack, disk.backed_up(stack), disk.well(stack, places))
    target = made.target()
    live = made.live(target, "keep", "mappings")
    assert live.pop("services") == {
        name: {
            "image_id": f"sha256:{name}",
            "config_hash": f"hash-{name}",
            "compose_version": "2.40.0",
            "depends_on": [],
            "mounts": mounts,
            "differs": [],
            "trouble": "",
            "state": "running",
            "running": True,
            "stale_files": [],
            "restart_policy": "always",
            "read_at_start": [],
        }
        for name, mounts in (
            ("kong", [KONG_FILE, os.path.dirname(PLUGIN)]),
            ("nginx", [NGINX]),
            ("redis", ["redis/data"]),
        )
    }
    assert live.pop("files") == {
        path: {name: about[name] for name in ("sha256", "mode", "uid", "gid")}
        for path, about in target["files"].items()
    }
    assert live.pop("data")["line"] == "DATA: KEEP - 7 live mappings stay"
    assert live == {
        "depends_on": {"kong": [], "nginx": ["kong"], "redis": []},
        "declared": {},
        "handed_over": {},
        "jobs": [],
        "extra_files": [],
        "mounted_singly": [KONG_FILE, os.path.dirname(PLUGIN), NGINX, "redis/data"],
        "images": {f"gateway-{name}": f"sha256:{name}" for name in ("kong", "nginx", "redis")},
        "present_images": {"sha256:kong", "sha256:nginx", "sha256:redis"},
        "kong_hash": disk.md5(disk.KONG),
        "kong_loads": True,
        "guards": [],
        "warnings": [],
        "network": True,
        "other_networks": {},
        "guests": [],
        "passengers": [],
        "blocked": [],
        "redis_closed": {},
    }
    assert steps(plan_of(made)) == []


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"kong": {"env": {"KONG_LOG_LEVEL": "debug"}, "config_hash": "x"}}, {"kong": "recreate", "nginx": "reload"}),
        ({"nginx": {"image_id": "sha256:new"}}, {"nginx": "recreate"}),
        ({"nginx": {"state": "exited"}}, {"nginx": "start"}),
        ({"nginx": {"ports": {}}}, {"nginx": "restart"}),
    ],
    ids=["variables", "image", "stopped", "silent"],
)
def test_what_differs_is_seen(stack, places, changes, kinds):
    engine = samples.SmallEngine(*disk.well(stack, places, **changes).values(), images={"old": "sha256:nginx"})
    assert decided(plan_of(look(stack, disk.backed_up(stack), engine=engine))) == kinds


def test_images_are_those_that_the_target_or_its_tags_name_and_this_host_has(stack, places):
    tags = {"gateway-kong": "sha256:built", "gateway-nginx": "sha256:gone"}
    found = disk.well(stack, places, nginx={"image_id": "sha256:new"})
    engine = samples.SmallEngine(*found.values(), images={"built": "sha256:built"})
    made = look(stack, disk.backed_up(stack, tags=tags), engine=engine)
    live = made.live(made.target(), "keep", "mappings")
    assert live["images"]["gateway-nginx"] == "sha256:new"
    assert live["present_images"] == {"sha256:kong", "sha256:redis", "sha256:built"}


def test_compose_reads_what_the_backups_own_compose_files_name_and_nothing_else(stack, places):
    services = disk.SERVICES.replace("ROOT", stack.dir)
    more = (
        "  client: {image: c, env_file: [.env.client, config/client.vars], extends: {file: base/b.yml, service: x}}\n"
    )
    named = {
        COMPOSE: f"{services}{more}include: [redis/compose.yml]\n".encode(),
        ".env.client": b"A=1\n",
        "config/client.vars": b"B=1\n",
        "base/b.yml": b"services: {x: {env_file: b.env}}\n",
        "base/b.env": b"C=1\n",
        "redis/compose.yml": b"services: {}\ninclude: [../docker-compose.yml]\n",
        "docker-compose.override.yml": b"services: {}\n",
    }
    others = {"nginx/rules.yml": b"a: 1\n", "extra.env": b"A=1\n", "notes.txt": b"x"}
    backup = disk.backed_up(stack, files={**named, **others})
    disk.put(stack, COMPOSE, b"services: {}\n")
    made = look(stack, backup, disk.well(stack, places))
    live = made.live(made.target(), "keep", "mappings")
    assert (guards(live), made.definitions.read) == ([], [sorted([ENV, *named])])


class TestEnvironmentFile:
    """The backup's counts, whatever is on disk now: its loss may be the incident."""

    def test_a_lost_one_comes_back_and_is_the_one_that_compose_reads(self, stack, places):
        disk.put(stack, ".env", EDITED_ENV)
        backup = disk.backed_up(stack, files={".env": EDITED_ENV})
        os.unlink(stack.path(ENV))
        made = look(samples.stack(stack.dir), backup, disk.well(stack, places))
        plan = plan_of(made)
        assert (steps(plan), plan["refusals"], plan["env_file"]) == ([f"write_file {ENV}"], [], ENV)

    def test_one_that_the_backup_does_not_have_is_taken_away_and_not_read(self, stack, places):
        backup = disk.backed_up(stack, files={".env": disk.FILES[ENV]}, absent=[ENV])
        backup["files"] = [item for item in backup["files"] if item.get("target") != ENV]
        disk.put(stack, ".env", disk.FILES[ENV])
        disk.put(stack, ENV, EDITED_ENV)
        made = look(samples.stack(stack.dir), backup, disk.well(stack, places))
        plan = plan_of(made)
        assert steps(plan)[-1:] == [f"remove_file {ENV}"]
        assert (plan["env_file"], ENV in made.definitions.read[0], plan["refusals"]) == (".env", False, [])


class TestFiles:
    def test_what_differs_lacks_or_is_too_much_on_disk(self, stack, places):
        backup = disk.backed_up(stack, absent=["compose.override.yml", ".env.local"])
        disk.put(stack, ENV, EDITED_ENV)
        os.unlink(stack.path(NGINX))
        disk.put(stack, "kong/plugins/aws-masker/new.lua", b"")
        disk.put(stack, "compose.override.yml", b"services: {}\n")
        os.rename(stack.path(COMPOSE), stack.path("elsewhere.yml"))
        os.symlink("elsewhere.yml", stack.path(COMPOSE))
        made = look(stack, backup, disk.well(stack, places))
        live = made.live(made.target(), "keep", "mappings")
        assert live["files"][ENV]["sha256"] == sha(EDITED_ENV)
        assert NGINX not in live["files"]
        assert live["files"][COMPOSE]["sha256"] == made.target()["files"][COMPOSE]["sha256"]
        assert live["extra_files"] == ["compose.override.yml", "kong/plugins/aws-masker/new.lua"]

    @pytest.mark.parametrize("known", ["recorded", "written-now", "neither"])
    def test_data_below_a_mounted_directory_are_not_taken_away(self, stack, places, known):
        folder, file = "kong/plugins/aws-masker/logs", "kong/plugins/aws-masker/logs/access.log"
        disk.put(stack, file, b"data")
        backup = {**disk.backed_up(stack), "spared": [folder] if known == "recorded" else []}
        client = {"mounts": (samples.bind(stack.path(folder), "/logs", True),)} if known == "written-now" else {}
        made = look(stack, backup, {**disk.well(stack, places), "client": samples.container("client", **client)})
        live = made.live(made.target(), "keep", "mappings")
        assert live["extra_files"] == ([file] if known == "neither" else [])

    def test_no_rollback_takes_backups_away_wherever_they_lie(self, stack, places):
        """An older record knows nothing of it: its directory held them."""
        stack = dataclasses.replace(stack, backup_dir=stack.path("kong/plugins/aws-masker/backups"))
        disk.put(stack, "kong/plugins/aws-masker/backups/pre-deploy/deploy-1/manifest.json", b"{}")
        made = look(stack, disk.backed_up(stack), disk.well(stack, places))
        assert made.live(made.target(), "keep", "mappings")["extra_files"] == []

    def test_a_file_that_a_container_sees_otherwise_is_stale(self, stack, places):
        engine = samples.SmallEngine(
            *disk.well(stack, places).values(), seen={("nginx", "/etc/nginx/nginx.conf"): b"older\n"}
        )
        plan = plan_of(look(stack, disk.backed_up(stack), engine=engine))
        assert plan["services"]["nginx"] == {
            "do": "restart",
            "why": [f"{NGINX} was replaced under the running container"],
        }

    @pytest.mark.parametrize(
        ("path", "content", "edited"),
        [
            (None, b"", []),
            (NGINX, b"broken\n", [NGINX]),
            (NGINX, None, [NGINX]),
            ("kong/plugins/aws-masker/new.lua", b"", ["kong/plugins/aws-masker/new.lua"]),
            (KONG_FILE, b"_format_version: '3.0'\n", [KONG_FILE]),
            # What acts only when it is deployed shows in what runs.
            (ENV, EDITED_ENV, []),
            ("compose.override.yml", b"services: {}\n", []),
        ],
        ids=["nothing", "edited", "gone", "added", "kongs-file", "environment", "override"],
    )
    def test_what_is_edited_of_the_mounted_files(self, stack, places, path, content, edited):
        backup = disk.backed_up(stack)
        if content is None:
            os.unlink(stack.path(path))
        elif path:
            disk.put(stack, path, content)
        assert target_files.edited(stack, Runner(), disk.well(stack, places), backup) == edited

    def test_a_record_that_leads_elsewhere_edits_nothing(self, stack, places):
        backup = disk.backed_up(stack)
        backup["files"][0]["target"] = "../elsewhere"
        assert target_files.edited(stack, Runner(), disk.well(stack, places), backup) == []

    @pytest.mark.parametrize("path", ["../elsewhere", "/etc/passwd", "STACK/x", "a/../../b", "nginx/./x", "out/x"])
    @pytest.mark.parametrize("kind", ["target", "absent", "directories"])
    def test_a_manifest_never_leads_out_of_the_stack(self, stack, tmp_path_factory, path, kind):
        os.symlink(tmp_path_factory.mktemp("elsewhere"), stack.path("out"))
        backup, path = disk.backed_up(stack), path.replace("STACK", stack.dir)
        if kind == "target":
            backup["files"][0]["target"] = path
        else:
            backup[kind] = [path]
        with pytest.raises(DamagedBackupError, match="which is outside"):
            plan_of(look(stack, backup))


class TestKeptSecrets:
    """After a breach the backup's password must not return."""

    def test_the_target_is_the_backups_file_with_the_live_value(self, stack, places):
        backup = disk.backed_up(stack)
        live_env = EDITED_ENV.replace(SECRET.encode(), NEW_SECRET.encode())
        disk.put(stack, ENV, live_env)
        redis = {"env": {"REDIS_PASSWORD": NEW_SECRET}, "config_hash": "of-the-new-password"}
        made = look(stack, backup, disk.well(stack, places, redis=redis), ["REDIS_PASSWORD"])
        target = made.target()
        wanted = disk.FILES[ENV].replace(SECRET.encode(), NEW_SECRET.encode())
        about = target["files"][ENV]
        assert (about["sha256"], about["source_sha256"]) == (sha(wanted), sha(disk.FILES[ENV]))
        assert about["keep"] == ["REDIS_PASSWORD"]
        live = made.live(target, "keep", "mappings")
        assert (live["services"]["redis"]["config_hash"], live["services"]["redis"]["differs"]) == ("hash-redis", [])
        assert live["services"]["kong"]["config_hash"] == "hash-kong"
        diff = made.settings_diff({"actions": [{"action": "write_file", "path": ENV}]})
        assert diff == {ENV: [{"name": "KONG_LOG_LEVEL", "old": "debug", "new": "notice"}]}
        os.unlink(stack.path(NGINX))
        assert made.settings_diff({"actions": [{"action": "write_file", "path": NGINX}]}) == {}

    def test_a_name_that_the_live_file_does_not_have_is_refused(self, stack, places):
        made = look(stack, disk.backed_up(stack), disk.well(stack, places), ["NO_SUCH", "REDIS_PASSWORD"])
        live = made.live(made.target(), "keep", "mappings")
        assert guards(live) == [("unknown_secret", f"keep_secrets names NO_SUCH, which {ENV} does not have.")]


class TestOriginalLayout:
    """A configuration file alone: it goes to where the stack reads its environment from."""

    @staticmethod
    def backup(stack, content):
        folder = os.path.join(stack.backup_dir, "pre-deploy", disk.ID)
        os.makedirs(folder)
        with open(os.path.join(folder, "config.env"), "wb") as handle:
            handle.write(content)
        where = disk.store(stack.backup_dir)
        (row,) = where.listing("production", "gateway", ["gw1"], disk.NOW)
        return {**row, "files": where.prove(row)}

    @pytest.mark.parametrize("beside", [True, False], ids=["with-.env", "without-.env"])
    def test_it_has_the_owners_that_the_files_have_now(self, stack, beside):
        backup = self.backup(stack, EDITED_ENV)
        if beside:
            disk.put(stack, ".env", b"KONG_LOG_LEVEL=warn\n")
            os.chmod(stack.path(".env"), 0o640)
        found = look(stack, backup).target()["files"]
        about = {"sha256": sha(EDITED_ENV), "source": "config.env", "uid": os.getuid(), "gid": os.getgid()}
        expected = {ENV: {**about, "mode": os.stat(stack.path(ENV)).st_mode & 0o777}}
        assert found == {**expected, **({".env": {**about, "mode": 0o640}} if beside else {})}

    @pytest.mark.parametrize("absolute", [True, False])
    @pytest.mark.parametrize("same", [True, False])
    def test_one_that_is_read_outside_the_stack_is_never_written(self, stack, absolute, same):
        """Not even while Compose is asked: that is before the snapshot, in check mode too."""
        backup = self.backup(stack, EDITED_ENV)
        outside = os.path.join(os.path.dirname(stack.dir), "shared.env")
        Runner().write(outside, EDITED_ENV if same else disk.FILES[ENV])
        named = outside if absolute else "../shared.env"
        elsewhere = dataclasses.replace(stack, env_file=named, wanted_env_file=named)
        if same:
            assert look(elsewhere, backup).files.files == {}
        else:
            with pytest.raises(RecoveryError, match=r"lies outside .* where nothing is written") as caught:
                look(elsewhere, backup)
            assert f"cp {backup['path']}/config.env {outside}" in caught.value.hint
        assert Runner().read(outside) == (EDITED_ENV if same else disk.FILES[ENV])

    def test_without_an_environment_file_of_its_own_it_goes_to_the_one_that_compose_reads(self, stack):
        backup = self.backup(stack, EDITED_ENV)
        assert list(look(dataclasses.replace(stack, env_file="", wanted_env_file=""), backup).files.files) == [".env"]

    def test_an_env_that_is_a_link_to_it_stays_one(self, stack):
        backup = self.backup(stack, disk.FILES[ENV])
        disk.put(stack, ENV, disk.FILES[ENV] + b"NEWER=1\n")
        os.symlink(ENV, stack.path(".env"))
        made = look(stack, backup)
        now = made.files.now()
        assert [path for path, item in made.files.files.items() if now[path]["sha256"] != item["sha256"]] == [ENV]

    def test_an_env_beside_it_keeps_the_variables_that_it_alone_has(self, stack):
        backup = self.backup(stack, EDITED_ENV)
        disk.put(stack, ".env", b"OWN='a b'\nKONG_LOG_LEVEL=warn\nREDIS_PASSWORD='pass-of-the-file'\n")
        made = look(stack, backup)
        wanted = b"OWN='a b'\nKONG_LOG_LEVEL=debug\nREDIS_PASSWORD='pass-of-the-file'\n"
        assert (made.files.content(".env"), made.files.files[".env"]["sha256"]) == (wanted, sha(wanted))
        assert made.files.content(ENV) == EDITED_ENV

    def test_who_holds_what_its_services_need_is_named(self, stack, places):
        """It recorded no ports and no names: the definition says them."""
        backup = self.backup(stack, disk.FILES[ENV])
        ports = [{"host_ip": "127.0.0.1", "target": 80, "published": "8085", "protocol": "tcp"}]
        text = yaml.safe_load(Runner().read(stack.path(COMPOSE)))
        text["services"]["nginx"].update(container_name="claude-nginx", ports=ports)
        disk.put(stack, COMPOSE, yaml.safe_dump(text).encode())
        found = {name: item for name, item in disk.well(stack, places).items() if name != "nginx"}
        engine = samples.SmallEngine(*found.values())
        engine.strangers = [
            {"Names": ["/claude-nginx"], "Labels": {}},
            {"Names": ["/web"], "Ports": [{"IP": "0.0.0.0", "PublicPort": 8085, "Type": "tcp"}]},
        ]
        made = look(stack, backup, engine=engine)
        assert [name for name, _why in guards(made.live(made.target(), "keep", "mappings"))] == [
            "name_taken",
            "port_taken",
        ]

    def test_a_file_that_is_gone_is_made_private(self, stack):
        backup = self.backup(stack, EDITED_ENV)
        os.unlink(stack.path(ENV))
        assert look(stack, backup).target()["files"][ENV]["mode"] == 0o600

    def test_services_are_compared_with_what_compose_makes_of_it(self, stack, places):
        backup = self.backup(stack, EDITED_ENV)
        made = look(stack, backup, disk.well(stack, places))
        live = made.live(made.target(), "keep", "mappings")
        assert {name: item["differs"] for name, item in live["services"].items()} == {
            "kong": ["env.KONG_LOG_LEVEL"],
            "nginx": [],
            "redis": [],
        }


@pytest.mark.parametrize(
    ("listen", "kind"), [("0.0.0.0:8001", "reload"), ("127.0.0.1:8001", "restart")], ids=["outside", "inside"]
)
def test_a_kong_that_takes_no_configuration_from_outside_is_started_anew(stack, places, listen, kind):
    """Its Admin API is asked inside its container, where nothing is loaded."""
    shown = disk.md5(b"of the next release")
    env = {**disk.containers(stack)["kong"].env, "KONG_ADMIN_LISTEN": listen}
    backup = disk.backed_up(stack, disk.containers(stack, kong={"env": env}))
    with serving({**disk.kong_answers(shown), ("GET", "/v1/messages"): Answer(200)}) as server:
        where = {"8000/tcp": server.place, "8001/tcp": server.place}
        found = disk.well(stack, places, kong={"env": env, "ports": where})
        engine = disk.TalkingEngine(*found.values(), admin=disk.kong_answers(shown))
        plan = plan_of(look(stack, backup, engine=engine))
    assert plan["services"]["kong"] == {"do": kind, "why": ["serves another configuration"]}


class TestRedisIsClosed:
    """A release put its password where nobody here reads it: the stack serves, and goes on doing so."""

    @staticmethod
    def plan(stack, places, read, **about):
        then = {"redis": {"mappings": 7}} if read else {"redis": {}}
        with small_redis.serving_redis({"PING": b"-NOAUTH Authentication required.\r\n"}) as (where, _asked):
            closed = {"env": {}, "ports": small_redis.place(where), **about}
            return plan_of(look(stack, disk.backed_up(stack, **then), disk.well(stack, places, redis=closed)))

    def test_it_is_left_alone_and_kong_is_not_stopped_for_it(self, stack, places):
        plan = self.plan(stack, places, read=False)
        assert (steps(plan), plan["refusals"]) == ([], [])
        assert any("stack_redis_password" in text for text in plan["warnings"])

    @pytest.mark.parametrize("read", [False, True], ids=["never-read", "read-when-it-was-backed-up"])
    def test_a_release_before_it_is_refused_only_where_nobody_could_tell_that_it_is_back(self, stack, places, read):
        plan = self.plan(stack, places, read, config_hash="hash-of-the-next-release")
        assert decided(plan)["redis"] == "recreate"
        assert [item["name"] for item in plan["refusals"]] == ([] if read else ["redis_closed"])


def test_a_redis_that_has_lost_its_network_is_made_anew_whoever_could_read_it_before(stack, places):
    """Nobody reaches it without an address; that it listens inside is no reason to leave it there."""
    lost = {"addresses": {}, "ports": {}}
    plan = plan_of(look(stack, disk.backed_up(stack, redis={}), disk.well(stack, places, redis=lost)))
    assert [item["name"] for item in plan["refusals"]] == []
    assert decided(plan)["redis"] in ("recreate", "restart")


class TestJob:
    """A one-shot job that is done is not run again; a service that ran and stopped looks like one, and is."""

    @staticmethod
    def plan(stack, places, then, now):
        job = {"restart_policy": "no", "settings": samples.settings(restart="no")}
        before = {**disk.containers(stack), "init": samples.container("init", **job, **then)}
        found = {**disk.well(stack, places), "init": samples.container("init", **job, **now)}
        return plan_of(look(stack, disk.backed_up(stack, before), found))

    def test_one_that_was_done_stays_so(self, stack, places):
        found = self.plan(stack, places, {"state": "exited"}, {"state": "exited"})
        assert (steps(found), decided(found)) == ([], {})

    @pytest.mark.parametrize("state", ["running", "exited"])
    def test_one_that_failed_is_started(self, stack, places, state):
        assert steps(self.plan(stack, places, {"state": state}, {"state": "exited", "exit_code": 3})) == ["&start init"]

    def test_one_that_ran_is_started(self, stack, places):
        assert steps(self.plan(stack, places, {}, {"state": "exited"})) == ["&start init"]

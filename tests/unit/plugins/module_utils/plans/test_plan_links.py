"""A stack whose names are links: taken, compared and brought back as what they are."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.capture import Capture
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.apply import PlanExecutor
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan_input import PlanInput
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import SETTINGS, steps
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import ENV, KONG_FILE, NGINX

V1, V2 = "nginx/v1.conf", "nginx/v2.conf"
SEEN = {("nginx", "/etc/nginx/nginx.conf"): disk.FILES[NGINX]}


@pytest.fixture(scope="module")
def places():
    """Where a healthy stack answers."""
    with disk.answering() as found:
        yield found


@pytest.fixture
def stack(tmp_path):
    """A stack whose .env and whose proxy's configuration are links, and whose secrets are private."""
    stack = disk.lay_out(tmp_path)
    os.chmod(stack.path(ENV), 0o600)
    os.symlink(ENV, stack.path(".env"))
    os.rename(stack.path(NGINX), stack.path(V1))
    os.symlink("v1.conf", stack.path(NGINX))
    return stack


def captured(stack, places, **seen):
    found = disk.well(stack, places)
    compose, where = disk.SmallCompose(stack), disk.store(stack.backup_dir)
    engine = samples.SmallEngine(*found.values(), **seen)
    return Capture(
        stack, engine, Runner(), compose, found, [], where.manifest, lambda: disk.STARTED + 60
    ).configuration()


def backed_up(stack, places, **about):
    taken = captured(stack, places)
    files = {path: item.data for path, item in taken.files.items()}
    return disk.backed_up(stack, files=files, **{"links": taken.links, "absent": taken.absent, **about})


def planned(stack, places, backup, **engine):
    made = samples.SmallEngine(*disk.well(stack, places).values(), **engine)
    look = PlanInput(stack, made, Runner(), disk.SmallCompose(stack), backup)
    target = look.target()
    plan = build_plan(target, look.live(target, "keep", "mappings"), {**SETTINGS, "kong_file": KONG_FILE})
    look.settings_diff(plan)
    return plan


def carried_out(stack, backup, plan):
    """Execute the file actions of a plan."""
    executor = PlanExecutor(stack, samples.SmallEngine(), Runner(), ("docker", "compose"), backup["path"], 1.0)
    executor.execute([item for item in plan["actions"] if "path" in item])


def flip(stack, path, text):
    os.unlink(stack.path(path))
    os.symlink(text, stack.path(path))


def mode(stack, path):
    return stat.S_IMODE(os.stat(stack.path(path)).st_mode)


def test_a_link_is_taken_with_the_mode_of_its_file_and_the_file_behind_it_too(stack, places):
    taken = captured(stack, places)
    assert taken.links == {".env": ENV, NGINX: V1}
    assert {taken.files[path].stamp.mode for path in (".env", ENV)} == {0o600}
    assert (V1 in taken.files, taken.gaps) == (True, [])


def test_what_equals_the_backup_needs_nothing(stack, places):
    assert steps(planned(stack, places, backed_up(stack, places))) == []


class TestFlippedAndNotDeployed:
    """Edit, back up, deploy: the container has mounted what the link led to before."""

    def test_what_runs_is_where_it_led(self, stack, places):
        disk.put(stack, V2, b"next\n")
        flip(stack, NGINX, "v2.conf")
        taken = captured(stack, places, seen=SEEN)
        assert (taken.links[NGINX], taken.files[V1].data, taken.gaps) == (V1, disk.FILES[NGINX], [])
        assert (V2 in taken.files, taken.ahead) == (False, {V2: b"next\n"})
        assert taken.notes == [
            f"{NGINX} leads to {V2} on disk, which is ahead of what runs; kept is that it led to {V1}"
        ]

    def test_where_that_file_is_gone_its_content_is_kept_under_the_new_name(self, stack, places):
        disk.put(stack, V2, b"next\n")
        flip(stack, NGINX, "v2.conf")
        os.unlink(stack.path(V1))
        taken = captured(stack, places, seen=SEEN)
        assert (taken.links[NGINX], taken.files[V2].data) == (V2, disk.FILES[NGINX])
        assert (taken.ahead, taken.gaps) == ({V2: b"next\n"}, [])


class TestFlipped:
    def test_what_ran_comes_back_and_the_proxy_is_restarted_for_it(self, stack, places):
        backup = backed_up(stack, places)
        disk.put(stack, V2, b"broken\n")
        flip(stack, NGINX, "v2.conf")
        plan = planned(stack, places, backup)
        assert steps(plan) == [f"write_file {NGINX}", "restart nginx", "ready nginx"]
        assert plan["actions"][0]["why"] == f"leads to {V2}, in the backup to {V1}"
        carried_out(stack, backup, plan)
        assert os.readlink(stack.path(NGINX)) == "v1.conf"
        assert steps(planned(stack, places, backup)) == []

    def test_the_file_is_whole_before_the_link_leads_to_it(self, stack, places):
        backup = backed_up(stack, places)
        disk.put(stack, V2, b"broken\n")
        flip(stack, NGINX, "v2.conf")
        os.unlink(stack.path(V1))
        plan = planned(stack, places, backup)
        assert steps(plan)[:2] == [f"write_file {V1}", f"write_file {NGINX}"]
        carried_out(stack, backup, plan)
        assert Runner().read(stack.path(NGINX)) == disk.FILES[NGINX]

    def test_a_link_to_a_directory_too(self, stack, places):
        os.rename(stack.path("kong/plugins/aws-masker"), stack.path("kong/plugins/v1"))
        os.symlink("v1", stack.path("kong/plugins/aws-masker"))
        backup = backed_up(stack, places, directories=["kong/plugins/v1"])
        assert steps(planned(stack, places, backup)) == []
        disk.put(stack, "kong/plugins/v2/handler.lua", b"-- leaks\n")
        flip(stack, "kong/plugins/aws-masker", "v2")
        plan = planned(stack, places, backup)
        assert steps(plan)[:2] == ["write_file kong/plugins/aws-masker", "restart kong"]
        carried_out(stack, backup, plan)
        assert os.readlink(stack.path("kong/plugins/aws-masker")) == "v1"
        assert Runner().read(stack.path("kong/plugins/v2/handler.lua")) == b"-- leaks\n"

    def test_what_is_a_file_now_becomes_the_link_again_and_keeps_its_secrets(self, stack, places):
        backup = backed_up(stack, places)
        os.unlink(stack.path(".env"))
        disk.put(stack, ".env", b"KONG_LOG_LEVEL=debug\n")
        plan = planned(stack, places, backup)
        assert (steps(plan), plan["actions"][0]["why"]) == (["write_file .env"], f"is no link, in the backup to {ENV}")
        carried_out(stack, backup, plan)
        assert (os.readlink(stack.path(".env")), mode(stack, ENV)) == (ENV, 0o600)

    def test_what_was_a_file_and_is_a_link_now_becomes_the_file_again(self, stack, places):
        os.unlink(stack.path(NGINX))
        disk.put(stack, NGINX, disk.FILES[NGINX])
        backup = backed_up(stack, places)
        disk.put(stack, V2, b"broken\n")
        flip(stack, NGINX, "v2.conf")
        plan = planned(stack, places, backup)
        assert steps(plan) == [f"write_file {NGINX}", "restart nginx", "ready nginx"]
        carried_out(stack, backup, plan)
        assert (os.path.islink(stack.path(NGINX)), Runner().read(stack.path(V2))) == (False, b"broken\n")

    def test_a_directory_in_its_place_is_not_taken_away(self, stack, places):
        backup = backed_up(stack, places)
        os.unlink(stack.path(NGINX))
        disk.put(stack, f"{NGINX}/kept", b"x")
        (refusal,) = planned(stack, places, backup)["refusals"]
        assert (refusal["name"], refusal["waivable"]) == ("link_blocked", False)


class TestOlderBackup:
    """It knows no links, and of a link it holds the content and the link's own mode."""

    @pytest.fixture
    def backup(self, stack, places):
        found = backed_up(stack, places)
        del found["links"]
        for item in found["files"]:
            if item.get("target") == ".env":
                item["mode"] = 0o777
        return found

    def test_links_that_show_the_same_stay(self, stack, places, backup):
        assert steps(planned(stack, places, backup)) == []

    def test_the_file_behind_a_link_is_written_and_the_link_stays(self, stack, places, backup):
        disk.put(stack, ENV, disk.FILES[ENV].replace(b"notice", b"debug"))
        plan = planned(stack, places, backup)
        assert steps(plan)[0] == f"write_file {ENV}"
        assert "write_file .env" not in steps(plan)
        carried_out(stack, backup, plan)
        assert (os.path.islink(stack.path(".env")), mode(stack, ".env")) == (True, 0o600)

    @pytest.mark.parametrize("there", [0o640, None], ids=["there", "gone"])
    def test_secrets_are_never_opened_to_everybody(self, stack, places, backup, there):
        os.unlink(stack.path(".env"))
        if there:
            disk.put(stack, ".env", b"A=1\n")
            os.chmod(stack.path(".env"), there)
        carried_out(stack, backup, planned(stack, places, backup))
        assert mode(stack, ".env") == (there or 0o600)


def test_a_link_that_leads_out_is_compared_by_what_it_shows_and_replaced_never_followed(
    stack, places, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("elsewhere") / "secret.env"
    outside.write_bytes(disk.FILES[ENV])
    outside.chmod(0o600)
    flip(stack, ".env", str(outside))
    backup = backed_up(stack, places)
    assert (backup["links"], steps(planned(stack, places, backup))) == ({NGINX: V1}, [])
    outside.write_bytes(b"A=of-another\n")
    plan = planned(stack, places, backup)
    assert steps(plan) == ["write_file .env"]
    carried_out(stack, backup, plan)
    assert (os.path.islink(stack.path(".env")), mode(stack, ".env")) == (False, 0o600)
    assert outside.read_bytes() == b"A=of-another\n"


@pytest.mark.parametrize(
    "led",
    [{"nginx/x": "../elsewhere"}, {"nginx/x": "/etc/passwd"}, {"../x": V1}, {"nginx/x": "a/../../b"}, {"out/x": V1}],
)
def test_a_manifest_never_makes_a_link_that_leads_out(stack, places, tmp_path_factory, led):
    os.symlink(tmp_path_factory.mktemp("elsewhere"), stack.path("out"))
    with pytest.raises(DamagedBackupError, match="which is outside"):
        planned(stack, places, backed_up(stack, places, links=led))

"""Links inside a mounted directory: backed up, compared and brought back as what they are."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.capture import Capture
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import tree_links
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.apply import PlanExecutor
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan_input import PlanInput
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import SETTINGS, steps
from ansible_collections.kong_masking.recovery.tests.unit.stack_on_disk import KONG_FILE

SITE, ENABLED, CURRENT = "nginx/sites-available/kong.conf", "nginx/sites-enabled/kong.conf", "nginx/current"
OUT, ALONE = "nginx/modules", "nginx/mime.types"


@pytest.fixture(scope="module")
def places():
    """Where a healthy stack answers."""
    with disk.answering() as found:
        yield found


@pytest.fixture
def stack(tmp_path):
    """A stack whose proxy mounts a whole directory with links in it, as nginx of a distribution has them."""
    stack = disk.lay_out(tmp_path)
    mounted(stack, "nginx", "/etc/nginx")
    disk.put(stack, SITE, b"server {}\n")
    disk.put(stack, ALONE, b"types {}\n")
    link(stack, ENABLED, "../sites-available/kong.conf")
    link(stack, CURRENT, "sites-available")
    return stack


def mounted(stack, folder, inside):
    """Have the proxy's definition mount a directory."""
    single = "source: ROOT/nginx/nginx.conf, target: /etc/nginx/nginx.conf"
    text = disk.SERVICES.replace(single, f"source: ROOT/{folder}, target: {inside}").replace("ROOT", stack.dir)
    disk.put(stack, disk.COMPOSE, text.encode())


def link(stack, path, text, pointed=disk.BEFORE):
    full = stack.path(path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    if os.path.lexists(full):
        os.unlink(full)
    os.symlink(text, full)
    os.utime(full, (pointed, pointed), follow_symlinks=False)


def running(stack, places, folder="nginx", inside="/etc/nginx"):
    mounts = (samples.bind(stack.path(folder), inside),)
    return disk.well(stack, places, nginx={"mounts": mounts})


def captured(stack, places, older=(), **mount):
    found = running(stack, places, **mount)
    where = disk.store(stack.backup_dir)
    engine = samples.SmallEngine(*found.values())
    capture = Capture(
        stack, engine, Runner(), disk.SmallCompose(stack), found, older, where.manifest, lambda: disk.STARTED + 60
    )
    return capture.configuration()


def backed_up(stack, places):
    taken = captured(stack, places)
    files = {path: item.data for path, item in taken.files.items()}
    about = {"links": taken.links, "absent": taken.absent, "directories": taken.directories}
    notes = {"notes": taken.lacks, "complete": not taken.lacks}
    return disk.backed_up(stack, running(stack, places), files=files, **about, **notes)


def planned(stack, places, backup):
    engine = samples.SmallEngine(*running(stack, places).values())
    look = PlanInput(stack, engine, Runner(), disk.SmallCompose(stack), backup)
    target = look.target()
    live = look.live(target, "keep", "mappings")
    tree_links.compare(stack, look.containers, backup, target, live)
    return build_plan(target, live, {**SETTINGS, "kong_file": KONG_FILE})


def carried_out(stack, backup, plan):
    """Execute the file actions of a plan."""
    executor = PlanExecutor(stack, samples.SmallEngine(), Runner(), ("docker", "compose"), backup["path"], 1.0)
    executor.execute([item for item in plan["actions"] if "path" in item])


def tree(stack):
    """Return path → what a link says or a file holds, of everything below nginx."""
    found = {}
    for parent, folders, names in os.walk(stack.path("nginx")):
        for full in (os.path.join(parent, name) for name in [*folders, *names]):
            if os.path.islink(full):
                found[os.path.relpath(full, stack.dir)] = os.readlink(full)
            elif os.path.isfile(full):
                found[os.path.relpath(full, stack.dir)] = Runner().read(full)
    return found


def test_links_are_taken_as_links_and_what_equals_the_backup_needs_nothing(stack, places):
    taken = captured(stack, places)
    assert taken.links == {ENABLED: SITE, CURRENT: os.path.dirname(SITE)}
    assert ({ENABLED, CURRENT} & set(taken.files), taken.gaps) == (set(), [])
    plan = planned(stack, places, backed_up(stack, places))
    assert (steps(plan), plan["warnings"]) == ([], [])


def pointed_elsewhere(stack):
    disk.put(stack, "nginx/sites-available/v2.conf", b"broken\n")
    link(stack, ENABLED, "../sites-available/v2.conf")


def taken_away(stack):
    os.unlink(stack.path(ENABLED))
    os.unlink(stack.path(CURRENT))


def made_files(stack):
    taken_away(stack)
    disk.put(stack, ENABLED, b"server {}\n")


def added(stack):
    link(stack, "nginx/sites-enabled/added.conf", "../sites-available/kong.conf")
    link(stack, "nginx/added", "sites-enabled")


def file_made_a_link(stack):
    """It shows the same as before, by a file that the rollback takes away."""
    disk.put(stack, "nginx/mime.new", b"types {}\n")
    link(stack, ALONE, "mime.new")


def file_made_a_link_that_leads_out(stack):
    disk.put(stack, "nginx/mime.new", b"types {}\n")
    link(stack, ALONE, stack.path("nginx/mime.new"))


def leads_out(stack):
    link(stack, ENABLED, "/etc/hostname")


CHANGES = [
    pointed_elsewhere,
    taken_away,
    made_files,
    added,
    file_made_a_link,
    file_made_a_link_that_leads_out,
    leads_out,
]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_done_to_them_comes_back_exactly(stack, places, change):
    backup, before = backed_up(stack, places), tree(stack)
    change(stack)
    assert tree(stack) != before
    plan = planned(stack, places, backup)
    assert plan["refusals"] == []
    carried_out(stack, backup, plan)
    assert tree(stack) == before
    assert steps(planned(stack, places, backup)) == []


class TestLeadsOut:
    """A link that no backup holds stops neither a backup nor a plan."""

    @pytest.fixture
    def out(self, stack):
        link(stack, OUT, "/usr/lib/nginx/modules")
        return stack

    def test_the_backup_says_that_it_lacks_it(self, out, places):
        taken = captured(out, places)
        assert [line.split(",")[0] for line in taken.lacks] == [f"{OUT} is a link to /usr/lib/nginx/modules"]
        assert OUT not in {**taken.links, **taken.files}

    def test_a_plan_says_it_once_and_leaves_it(self, out, places):
        backup = backed_up(out, places)
        plan = planned(out, places, backup)
        assert (steps(plan), plan["refusals"]) == ([], [])
        assert plan["warnings"] == backup["notes"] != []

    def test_one_that_came_later_is_warned_of_and_left(self, stack, places):
        backup = backed_up(stack, places)
        link(stack, OUT, "/usr/lib/nginx/modules")
        plan = planned(stack, places, backup)
        assert [line.split(",")[0] for line in plan["warnings"]] == [f"{OUT} is a link to /usr/lib/nginx/modules"]
        assert (steps(plan), plan["refusals"]) == ([], [])

    def test_a_file_of_the_definition_is_taken_with_its_content(self, stack, places, tmp_path_factory):
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "production.env"
        elsewhere.write_bytes(disk.FILES[disk.ENV])
        link(stack, disk.ENV, str(elsewhere))
        mounted(stack, "config", "/env")
        taken = captured(stack, places, folder="config", inside="/env")
        assert (taken.files[disk.ENV].data, taken.gaps) == (disk.FILES[disk.ENV], [])


def test_a_link_in_place_of_a_directory_refuses_because_files_would_be_written_behind_it(stack, places):
    backup = backed_up(stack, places)
    os.rename(stack.path("nginx/sites-available"), stack.path("nginx/sites-v2"))
    link(stack, "nginx/sites-available", "sites-v2")
    (refusal,) = planned(stack, places, backup)["refusals"]
    assert (refusal["name"], refusal["waivable"]) == ("link_blocked", False)
    assert refusal["hint"] == f"Take the link away: rm {stack.path('nginx/sites-available')}"


class TestPointedAndNotLoaded:
    """The proxy has read what the link led to before."""

    def test_where_it_led_is_taken_from_an_older_backup(self, stack, places):
        older = backed_up(stack, places)
        disk.put(stack, "nginx/sites-available/v2.conf", b"next\n")
        link(stack, ENABLED, "../sites-available/v2.conf", disk.STARTED + 30)
        taken = captured(stack, places, [older])
        assert (taken.links[ENABLED], taken.gaps) == (SITE, [])
        (note,) = taken.notes
        assert note.startswith(f"{ENABLED} leads to nginx/sites-available/v2.conf on disk, which is ahead of what runs")
        assert note.endswith(f"kept is that it led to {SITE} (from {older['id']})")

    @pytest.mark.parametrize("known", [True, False], ids=["its-file-is-gone", "no-backup"])
    def test_otherwise_nobody_knows(self, stack, places, known):
        older = [backed_up(stack, places)] if known else []
        disk.put(stack, "nginx/sites-available/v2.conf", b"next\n")
        os.unlink(stack.path(SITE))
        link(stack, ENABLED, "../sites-available/v2.conf", disk.STARTED + 30)
        assert captured(stack, places, older).gaps == [
            f"{ENABLED} was pointed elsewhere after nginx last read it, and where it led is not known"
        ]

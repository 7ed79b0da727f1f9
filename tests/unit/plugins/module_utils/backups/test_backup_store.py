"""The listing: every entry of the backup directory, usable or with the reason why not."""

from __future__ import annotations

import json
import os
import signal

import pytest

from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import ID, KEY, listing, store, written

OTHER = "deploy-20260728-120000"


@pytest.fixture
def where(tmp_path):
    return store(tmp_path)


def place(where, name=ID, folder="pre-deploy"):
    """Return the path of an entry, its folder made."""
    parent = os.path.join(where.root, folder)
    os.makedirs(parent, exist_ok=True)
    return os.path.join(parent, name)


def put(path, name, text):
    """Write one file of an entry."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    with open(os.path.join(path, name), "w", encoding="utf-8") as handle:
        handle.write(text)


def reasons(where, **other):
    """Return id → reason."""
    return {item["id"]: item["reason"] for item in listing(where, **other)}


def test_an_empty_directory_and_none(where, tmp_path):
    assert listing(where) == []
    assert listing(store(tmp_path / "absent")) == []


def test_a_usable_one_has_everything_but_its_files(where):
    path = written(where)
    (found,) = listing(where)
    assert (found["id"], found["usable"], found["reason"], found["path"]) == (ID, True, "", path)
    assert (found["sequence"], found["verified"], found["age_seconds"]) == (7, True, 11520)
    assert "files" not in found


def test_all_kinds_are_listed_by_sequence(where):
    written(where, "data-20260727-120000", sequence=1)
    written(where, OTHER, sequence=3)
    written(where, "rollback-20260729-120000", sequence=2)
    assert [item["id"] for item in listing(where)] == [OTHER, "rollback-20260729-120000", "data-20260727-120000"]


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"environment": "staging"}, "belongs to environment staging"),
        ({"project": "my-gateway"}, "belongs to project my-gateway"),
        ({"host": "gw2"}, "was taken on host gw2"),
        ({"format": 2}, "has format 2, this version reads 1"),
        ({"id": OTHER}, f"carries the manifest of {OTHER}"),
    ],
    ids=["environment", "project", "host", "format", "copied-manifest"],
)
def test_a_manifest_that_does_not_fit(where, about, reason):
    path = written(where)
    with open(os.path.join(path, "manifest.json"), encoding="utf-8") as handle:
        document = json.load(handle)
    put(path, "manifest.json", json.dumps({**document, **about}))
    assert reasons(where) == {ID: reason}


@pytest.mark.parametrize("field", ["sequence", "created", "environment", "files", "complete"])
def test_a_manifest_that_lacks_a_field(where, field):
    path = written(where)
    with open(os.path.join(path, "manifest.json"), encoding="utf-8") as handle:
        document = json.load(handle)
    del document[field]
    put(path, "manifest.json", json.dumps(document))
    assert reasons(where) == {ID: f"has a manifest that lacks '{field}'"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("manifest.json", "{"), ("manifest.json", ""), ("manifest.json", "[]"), ("marks.json", "no JSON")],
    ids=["cut-off", "empty", "list", "marks"],
)
def test_an_unreadable_document(where, name, text):
    put(written(where), name, text)
    assert reasons(where) == {ID: f"has an unreadable {name}"}


class TestStrays:
    def test_a_file(self, where):
        place(where)
        with open(place(where, "notes.txt"), "w", encoding="utf-8") as handle:
            handle.write("x")
        assert reasons(where) == {"notes.txt": "is a stray file, not a backup"}

    def test_a_link_to_a_good_backup(self, where):
        os.symlink(written(where), place(where, OTHER))
        assert reasons(where) == {ID: "", OTHER: "is a symbolic link"}

    def test_a_dangling_link(self, where):
        os.symlink("/nowhere", place(where))
        assert reasons(where) == {ID: "is a symbolic link"}

    def test_an_unfinished_one(self, where):
        put(place(where, f".unfinished-{ID}"), "config.env", "A=1\n")
        assert reasons(where) == {f".unfinished-{ID}": "was never finished"}

    @pytest.mark.parametrize("name", ["deploy-1", "backup", "..deploy", f"{ID}.bak", f"{ID}\n"])
    def test_a_bad_id(self, where, name):
        put(place(where, name), "config.env", "A=1\n")
        assert reasons(where) == {name: "has a name that is no backup id"}

    def test_the_wrong_folder(self, where):
        os.rename(written(where), place(where, folder="rollback-state"))
        assert reasons(where) == {ID: "lies in rollback-state/, where a deploy backup does not belong"}

    def test_a_directory_that_everybody_may_write_to(self, where):
        os.chmod(written(where), 0o777)
        assert reasons(where) == {ID: "is a directory that everybody may write to"}

    def test_a_pipe(self, where):
        os.mkfifo(place(where))
        assert reasons(where) == {ID: "is a stray file, not a backup"}

    @pytest.mark.parametrize("name", ["manifest.json", "marks.json"])
    def test_a_pipe_in_place_of_a_document_does_not_hang_the_listing(self, where, name):
        path = os.path.join(written(where), name)
        os.unlink(path)
        os.mkfifo(path)

        def hang(*_args):
            raise AssertionError(f"the listing hangs on {name}")

        before = signal.signal(signal.SIGALRM, hang)
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        try:
            assert [item["usable"] for item in listing(where)] == [False]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_a_nameless_row_has_what_the_table_shows(self, where):
        os.mkdir(place(where))
        (found,) = listing(where)
        assert (found["kind"], found["created"], found["sequence"], found["usable"]) == (
            "deploy",
            "2026-07-29T12:00:00Z",
            0,
            False,
        )


class TestOriginalLayout:
    """The guide's three files, in the poor states in which the field has them."""

    @pytest.mark.parametrize(
        ("files", "reason"),
        [
            ({"config.env": "A=1\n"}, ""),
            ({"config.env": "A=1\n", "services-state.json": ""}, ""),
            ({"config.env": "A=1\n", "services-state.json": "{}", "redis-backup.rdb": "REDIS"}, ""),
            ({}, "has neither manifest nor config.env: it is no backup"),
            ({"config.env": ""}, "has neither manifest nor config.env: it is no backup"),
            (
                {"redis-backup.rdb": "REDIS"},
                "has neither manifest nor config.env: it is no backup",
            ),
        ],
        ids=["config-alone", "empty-state", "all-three", "nothing", "empty-config", "data-alone"],
    )
    def test_usable(self, where, files, reason):
        path = place(where)
        os.makedirs(path, mode=0o700)
        for name, text in files.items():
            put(path, name, text)
        (found,) = listing(where)
        assert (found["reason"], found["usable"]) == (reason, not reason)
        if not reason:
            assert (found["layout"], found["size"]) == ("original", sum(map(len, files.values())))

    @pytest.mark.parametrize("up", ["..", "../.."], ids=["backups", "deploy/backups"])
    def test_a_dump_that_the_script_left_beside_the_live_data_is_named(self, tmp_path, up):
        where = store(tmp_path / "deploy" / "backups")
        path = place(where)
        put(path, "config.env", "A=1\n")
        dump = os.path.normpath(os.path.join(where.root, up, f"redis/data/backup-{ID}.rdb"))
        os.makedirs(os.path.dirname(dump), exist_ok=True)
        put(os.path.dirname(dump), os.path.basename(dump), "REDIS")
        (found,) = listing(where)
        wanted = f"it holds no Redis data; a dump of that time is {dump}, to use it: cp {dump} {path}/redis-backup.rdb"
        assert found["notes"][-1] == wanted

    def test_prove_returns_the_guides_files_and_no_other(self, where):
        path = place(where)
        put(path, "config.env", "A=1\n")
        put(path, "README", "more\n")
        (found,) = listing(where)
        files = where.prove(found)
        assert [(item["path"], item["size"]) for item in files] == [("config.env", 4)]


class TestSequence:
    def test_of_an_empty_store(self, where):
        assert where.next_sequence() == 1

    def test_counts_everybodys(self, where):
        written(where, OTHER, sequence=41, environment="staging")
        written(where, "data-20260727-120000", sequence=3)
        put(place(where, "rubbish", "rollback-state"), "manifest.json", "{")
        assert where.next_sequence() == 42

    def test_a_number_that_is_none_does_not_count(self, where):
        put(place(where, "rubbish"), "manifest.json", '{"sequence": "many"}')
        assert where.next_sequence() == 1


def test_signing_keys_without_content_do_not_count(tmp_path):
    assert store(tmp_path, ["", KEY, None]).keys == [KEY]

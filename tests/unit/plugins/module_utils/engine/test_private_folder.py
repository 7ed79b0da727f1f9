"""Copies of live data do not stay on the disk, not even after a kill."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import private_folder

KILLED = """
import os, sys
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.private_folder import private_folder
with private_folder(sys.argv[1]) as folder:
    open(os.path.join(folder, "dump.rdb"), "w").close()
    os.kill(os.getpid(), 9)
"""


def test_it_is_private_and_gone_at_the_end(tmp_path):
    with private_folder.private_folder(str(tmp_path)) as folder:
        assert os.stat(folder).st_mode & 0o777 == 0o700
        assert os.path.dirname(folder) == str(tmp_path)
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_swept(tmp_path):
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {"PYTHONPATH": path, "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)
    assert [os.listdir(tmp_path / name) for name in os.listdir(tmp_path)] == [["dump.rdb"]]
    assert private_folder.sweep(str(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


def test_the_folder_of_a_living_process_and_foreign_ones_stay(tmp_path):
    for name in ("kong-masking-recovery-notes", "other-1-2-abc"):
        (tmp_path / name).mkdir()
    with private_folder.private_folder(str(tmp_path)) as folder:
        assert private_folder.sweep(str(tmp_path)) == 0
        assert os.path.isdir(folder)
    assert sorted(os.listdir(tmp_path)) == ["kong-masking-recovery-notes", "other-1-2-abc"]


def test_a_number_that_another_process_has_got_meanwhile_is_no_owner(tmp_path):
    (tmp_path / f"kong-masking-recovery-{os.getpid()}-1-abc").mkdir()
    assert private_folder.sweep(str(tmp_path)) == 1

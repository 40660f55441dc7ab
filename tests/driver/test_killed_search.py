"""A real search that is killed at random moments, and one whose disk is full: both continue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compress.archive import read_archive
from compress.testing.killed_search import SMALL, front_of, repeated_jobs, trials_of

pytestmark = pytest.mark.slow

_PROGRAM = """
import sys
from pathlib import Path
import compress.driver.search
from compress.testing.killed_search import SMALL, killed, undisturbed
whole, out, weights, data = sys.argv[1:]
settings = SMALL | {"weights": weights, "data": data, "trials": 8}
import os
os.environ["COMPRESS_HOME"] = whole + "-home"
seconds = undisturbed(Path(whole), settings)
os.environ["COMPRESS_HOME"] = out + "-home"
found = list(killed(Path(out), settings, within=(0.2, 0.4 * seconds), most=8, run=0, seed=1))
assert found
assert not [kill for kill in found if kill.lost or kill.repeated], found
"""
"""In a process of its own, which has computed nothing yet: others are forked from it."""


def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(tmp_path: Path, nano_weights: str, data: str) -> None:
    whole, out = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(whole), str(out), nano_weights, data]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert trials_of(out) == trials_of(whole)
    assert front_of(out) == front_of(whole)
    assert repeated_jobs(out) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("file systems can only be mounted by root, and not in every container")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_what_was_there(small_disk: Path, nano_weights: str, data: str) -> None:
    """Checkpoints fill it: what the study has stays readable, and once there is room it ends as it would have."""
    out = small_disk / "run"
    settings = SMALL | {"weights": nano_weights, "data": data, "trials": 6}
    command = [sys.executable, "-m", "compress", "search", "--out", str(out)]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    room = small_disk / "other files"
    room.write_bytes(bytes(600_000))
    full = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    said = " ".join(full.stderr.split())
    assert full.returncode == 1, said
    assert "Traceback" not in said
    assert "the same command" in said
    assert "space" in said
    before = trials_of(out)
    room.unlink()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    again = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert again.returncode in (0, 3), again.stderr
    after = trials_of(out)
    ended = {number: row for number, row in before.items() if row[0] in ("COMPLETE", "FAIL", "PRUNED")}
    assert {number: after[number] for number in ended} == ended
    assert len([r for r in read_archive(out).records if r.status == "done"]) == 6

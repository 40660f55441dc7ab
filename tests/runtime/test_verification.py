"""A self-test ends at its limits of memory and time, and says which it was."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from compress.core import CompressError, FileError
from compress.runtime import BundleNetwork, open_bundle, verification
from compress.runtime.selftest import selftest_difference
from compress.runtime.verification import Limits, verify_apart

LIMITS = Limits(memory=1 << 30, processor_s=60, wall_s=600)


def test_it_finds_what_is_found_here(bundle_folder: Path) -> None:
    bundle = open_bundle(bundle_folder)
    here = selftest_difference(bundle.manifest["selftest"], BundleNetwork(bundle), bundle.settings, bundle.spec)
    assert verify_apart(bundle, limits=LIMITS) == here


def test_more_memory_than_it_may_have(bundle_folder: Path) -> None:
    with pytest.raises(CompressError, match="needed more than 0 MB of memory, more than its spec can need"):
        verify_apart(open_bundle(bundle_folder), limits=Limits(memory=1000, processor_s=60, wall_s=600))


def test_it_does_not_wait_for_ever(bundle_folder: Path) -> None:
    with pytest.raises(CompressError, match="did not end within 0 s"):
        verify_apart(open_bundle(bundle_folder), limits=Limits(memory=1 << 30, processor_s=60, wall_s=0))


def test_an_endless_computation_is_ended() -> None:
    """By the kernel, so that nothing that runs there can put it off."""
    script = "from compress.runtime.verification import _limit\n_limit(1 << 30, 1)\nwhile True: pass"
    ended = subprocess.run([sys.executable, "-c", script]).returncode
    assert ended == -signal.SIGXCPU


@pytest.mark.parametrize(
    ("code", "output", "message"),
    [
        (-signal.SIGXCPU, b"", "took more than 60 s of processor time"),
        (-signal.SIGSEGV, b"", r"ended the process that ran it \(SIGSEGV\); it may have 1024 MB of memory"),
        (-signal.SIGKILL, b"", r"ended the process that ran it \(SIGKILL\)"),
        (0, b"", r"ended the process that ran it \(exit code 0\)"),
        (0, b"[" * 100_000, "ended the process that ran it"),
        (0, b'{"box_px": "\xff"}', "ended the process that ran it"),
        (7, b'{"box_px": 0, "frames": 1}', "ended the process that ran it"),
        (4, b'{"error": "a graph\\u001b[2J"}', "ended the process that ran it"),
        (4, b'{"error": "a graph is wrong"}', "^a graph is wrong$"),
    ],
)
def test_how_the_process_ended_is_said(code: int, output: bytes, message: str, bundle_folder: Path) -> None:
    with pytest.raises(CompressError, match=message):
        verification._answer(open_bundle(bundle_folder), LIMITS, code, output)


def test_what_is_wrong_with_a_bundle_is_said_as_it_is_here(bundle_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))
    manifest = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(manifest | {"selftest": None}))
    with pytest.raises(FileError, match="holds no self-test"):
        verify_apart(open_bundle(folder), limits=LIMITS)


def test_a_folder_whose_name_is_no_text(bundle_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle_folder, tmp_path / "caf\udce9"))
    assert verify_apart(open_bundle(folder), limits=LIMITS).box_px < 1e-3

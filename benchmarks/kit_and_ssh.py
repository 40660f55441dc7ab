"""One profile measured in process, by a kit and over ssh on the same machine: do the three agree?

    python benchmarks/kit_and_ssh.py --host user@localhost --csv results/latency-kit-and-ssh.csv

Measured in turn: kit, ssh, in process, and all three again, so that the second kit against the first shows what the
machine's own noise is; each in a fresh process, as where its memory comes to lie is worth some per cent. Printed are
predictions of the teacher and of students drawn from a space, the 10th percentile of a frame, as ratios to the first
kit's: geometric mean, least and most. Profiles are kept nowhere.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from csv_files import write_table

from compress.core import TrackerSpec, describe
from compress.latency import Profile, p10_ms
from compress.measure import Coverage, build_profile, host, runtime_name
from compress.measure.kit.ingest import ingest
from compress.measure.kit.request import Request
from compress.measure.kit.writing import emit_kit
from compress.measure.remote_profiles import Device
from compress.measure.ssh.connection import Remote
from compress.measure.ssh.profile import remote_profile
from compress.spaces import load_space


def main() -> None:
    arguments = _arguments()
    teacher, space, rng = describe(arguments.teacher), load_space(arguments.space), random.Random(0)
    specs = [teacher, *(space.sample(teacher, rng) for _ in range(arguments.students))]
    coverage = Coverage.of_space(teacher, space)
    request = Request(Device.of("board"), teacher, coverage, rounds=arguments.rounds, provider="cpu")
    remote = Remote(arguments.host, tuple(arguments.ssh_option), arguments.ssh_config, sys.executable)
    paths: dict[str, Callable[[], Profile]] = {
        "kit": lambda: _by_kit(request),
        "ssh": lambda: remote_profile(request, remote)[0],
        "process": lambda: _in_process(teacher, coverage, arguments.rounds),
    }
    print(f"{host()}; {runtime_name()}")
    found: list[tuple[str, Profile]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COMPRESS_HOME"] = folder
        for _ in range(2):
            for name, measure in paths.items():
                found.append((name, measure()))
                _print(found[0][1], *found[-1], specs)
    if arguments.csv:
        _write(arguments.csv, found, specs)


def _by_kit(request: Request) -> Profile:
    with tempfile.TemporaryDirectory() as folder:
        emit_kit(request, Path(folder) / "kit")
        subprocess.run(
            [sys.executable, "-I", str(Path(folder) / "kit" / "measure.pyz")], check=True, capture_output=True
        )
        return ingest(Path(folder) / "kit" / "results.json")[0]


def _in_process(teacher: TrackerSpec, coverage: Coverage, rounds: int) -> Profile:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(build_profile, teacher, coverage, rounds=rounds).result()


def _print(first: Profile, name: str, profile: Profile, specs: list[TrackerSpec]) -> None:
    ratios = np.array([p10_ms(profile, spec) / p10_ms(first, spec) for spec in specs])
    print(
        f"{name:8} over the first kit {np.exp(np.log(ratios).mean()):.3f}, {ratios.min():.3f} to {ratios.max():.3f}; "
        f"error on the validation set {profile.mean_error:.1%} mean, {profile.max_error:.1%} max",
        flush=True,
    )


def _write(path: Path, found: list[tuple[str, Profile]], specs: list[TrackerSpec]) -> None:
    rows = list[list[object]]()
    for i, (name, profile) in enumerate(found):
        about = [f"{profile.mean_error:.5f}", f"{profile.max_error:.5f}", profile.device, profile.runtime]
        rows += [[i + 1, name, spec.id, f"{p10_ms(profile, spec):.5f}", *about] for spec in specs]
    columns = ["turn", "path", "spec_id", "p10_ms", "mean_error", "max_error", "device", "runtime"]
    write_table(path, columns, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True, help="this machine, as ssh reaches it")
    parser.add_argument("--ssh-config", type=Path)
    parser.add_argument("--ssh-option", action="append", default=[])
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--space", default="ostrack")
    parser.add_argument("--students", type=int, default=11)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--csv", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""The default job beside other ones, from nothing and within the same time: what it finds, and what it takes.

    python benchmarks/default_job.py --seeds 5 --csv results/default-job.csv
    python benchmarks/default_job.py --seeds 5 --arms default five --five-from ../earlier --csv results/default-job.csv

Each search begins with an empty home, so that profile, pairs and the teacher's answers are part of its time. Arms:

- `default`: `compress search` with no options;
- `halving`, `elastic`: the same with that strategy;
- `prior`, `tpe`: the same with that sampler;
- `five`: as the default was before: five students at a time, half of whom go on; as options of this version, or with
  `--five-from` as a checkout of an earlier one runs with no options.

The hypervolume is that of the front of fully trained, re-measured students: the share of the box between (0 ms, AO 1)
and (the teacher's latency, AO 0) that it dominates. The teacher is measured in the same run as the front, so that the
speed of the machine on the day cancels out; its AO is the same in all. Memory is that of all processes of a search;
pages that several share count once. A row that is in the CSV is not run again. Run it on a quiet machine: time is what
is compared.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from csv_files import write_rows

from compress.archive import Archive, read_archive, scored_by_fidelity

ROOT = Path(__file__).resolve().parents[1]
EARLIER = (
    "--sampler",
    "tpe",
    "--trials",
    "10",
    "--generation",
    "5",
    "--eta",
    "2",
    "--members",
    "2",
    "--steps",
    "480",
    "--partial",
    "0.25",
)
ARMS: dict[str, tuple[str, ...]] = {
    "default": (),
    "halving": ("--strategy", "halving"),
    "elastic": ("--strategy", "elastic"),
    "prior": ("--sampler", "prior"),
    "tpe": ("--sampler", "tpe"),
    "five": ("--strategy", "halving", "--executor", "inline", "--pool", "8192", *EARLIER),
}
FIELDS = ("seed", "arm", "wall_s", "memory_mb", "scored", "front", "hypervolume", "teacher_ms", "members", "options")


def main() -> None:
    arguments = _arguments()
    rows = _read(arguments.csv)
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        for arm in arguments.arms:
            if any((row["seed"], row["arm"]) == (str(seed), arm) for row in rows):
                continue
            rows.append(_run(arm, seed, arguments))
            print(rows[-1], flush=True)
            _write(arguments.csv, rows)


def _run(arm: str, seed: int, arguments: argparse.Namespace) -> dict[str, str]:
    """Search once, and say what was found."""
    tree = arguments.five_from if arm == "five" and arguments.five_from else ROOT
    options = [] if tree != ROOT else list(ARMS[arm])
    limited = ["--time-budget", str(arguments.minutes)] if tree == ROOT else []
    out = arguments.out / f"{arm}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="default-job-") as home:
        environment = os.environ | {"COMPRESS_HOME": home, "PYTHONPATH": str(tree)}
        command = [
            sys.executable,
            "-m",
            "compress",
            "search",
            "--quiet",
            "--seed",
            str(seed),
            "--out",
            str(out.resolve()),
        ]
        begin = time.monotonic()
        with subprocess.Popen([*command, *options, *limited], env=environment, cwd=tree) as process:
            memory = _watch(process)
        if process.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    found = {"seed": str(seed), "arm": arm, "wall_s": f"{time.monotonic() - begin:.0f}", "memory_mb": f"{memory:.0f}"}
    return found | described(read_archive(out)) | {"options": " ".join(options)}


def described(archive: Archive) -> dict[str, str]:
    """What a search found, as columns of a row."""
    front, teacher = archive.front(), archive.teacher.latency
    assert teacher is not None
    members = (f"{r.latency.mean_ms / teacher.mean_ms:.3f}:{r.ao or 0:.3f}" for r in front if r.latency)
    return {
        "scored": " ".join(f"{name}:{count}" for name, count in scored_by_fidelity(archive.records).items()),
        "front": str(len(front)),
        "hypervolume": f"{archive.hypervolume(reference_ms=teacher.mean_ms):.4f}",
        "teacher_ms": f"{teacher.mean_ms:.3f}",
        "members": " ".join(members),
    }


def _watch(process: subprocess.Popen[bytes], every_s: float = 1.0) -> float:
    """The most memory, in MB, that a process and all below it took at once, until it ends."""
    most = 0.0
    while process.poll() is None:
        most = max(most, sum(map(_proportional_mb, _tree(process.pid))))
        time.sleep(every_s)
    return most


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in found:
            yield from _tree(int(child))


def _proportional_mb(pid: int) -> float:
    """Memory of a process, of pages that several share its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    write_rows(path, rows, FIELDS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["default", "five"])
    parser.add_argument("--minutes", type=float, default=9.0, help="time budget of each search of this version")
    parser.add_argument("--five-from", type=Path, help="a checkout of an earlier version that `five` is run from")
    parser.add_argument("--out", type=Path, default=Path("results/default-job"), help="where the runs go")
    parser.add_argument("--csv", type=Path, default=ROOT / "results" / "default-job.csv", help="where the rows go")
    return parser.parse_args()


if __name__ == "__main__":
    main()

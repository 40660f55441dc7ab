"""`python -m tests.fuzz.replay KIND SEED`: makes one mutant again, runs its command, and shows the answer.

Its files stay in the folder that is printed. Several seeds may be given; `--files FOLDER` keeps the valid files there.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.fuzz.kinds import KINDS
from tests.fuzz.worker import load, tried


def main() -> int:
    """0 where nothing is wrong, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("seeds", type=int, nargs="+", metavar="SEED")
    parser.add_argument("--files", type=Path)
    given = parser.parse_args()
    root = given.files or Path(tempfile.mkdtemp(prefix="compress-fuzz-"))
    root.mkdir(parents=True, exist_ok=True)
    load()
    wrong = 0
    for seed in given.seeds:
        answer, bad, words = tried(given.kind, seed, root, keep=True)
        print(f"== {given.kind} {seed}: {answer.changed}\ncompress {' '.join(words)}")
        print(f"exit {answer.code}, {answer.seconds:.1f} s, {answer.megabytes:.0f} MB")
        print(answer.out.decode(errors="replace")[-1500:], answer.err.decode(errors="replace")[-3000:], sep="\n")
        print("\n".join(f"FAULT {each}" for each in bad) or "as it should be")
        wrong += bool(bad)
    print(f"files: {root}")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())

"""A ViT-B on ten thousand sequences: memory stays within its bound, and no pair is asked about twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from compress.core import describe
from compress.models import build, save_weights
from compress.testing.many_sequences import many_sequences
from compress.testing.process_memory import peak_bytes
from compress.testing.search_inputs import short_sequences

BOUND = 6_000_000_000

# The command as it is, which notes what of each pair the teacher is asked about.
_COMMAND = """
import hashlib, json, sys
from pathlib import Path
from compress.cli.run import main
from compress.distill import stream

asked, answered = [], stream._answered

def noting(teacher, pairs, device):
    rows = zip(pairs.template, pairs.search, pairs.boxes)
    asked.extend(hashlib.sha256(b"".join(each.tobytes() for each in row)).hexdigest() for row in rows)
    return answered(teacher, pairs, device)

stream._answered = noting
try:
    main(sys.argv[2:])
finally:
    Path(sys.argv[1]).write_text(json.dumps(asked))
"""


@pytest.mark.slow
def test_a_search_of_a_vit_b_on_ten_thousand_sequences(tmp_path: Path) -> None:
    many_sequences(tmp_path / "train", 10_000)
    (tmp_path / "test").mkdir()
    short_sequences(tmp_path / "test")
    torch.manual_seed(0)
    save_weights(build(describe("ostrack256")), tmp_path / "weights.safetensors")
    steps, words = 20, ["search", "--teacher", "ostrack256", "--weights", str(tmp_path / "weights.safetensors")]
    words += ["--train-data", f"folder:{tmp_path / 'train'}", "--data", f"folder:{tmp_path / 'test'}"]
    # The target is an estimated one, as measuring this host's profile for a ViT-B would take most of the time.
    words += ["--steps", str(steps), "--trials", "1", "--target", "agx", "--out", str(tmp_path / "run")]
    # Threads and workers for all cores, as users have them, and not the one thread of tests.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"COMPRESS_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    with (tmp_path / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, str(tmp_path / "asked.json"), *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        peak = peak_bytes(process.pid, lambda: process.poll() is None)
    text = (tmp_path / "output.txt").read_text()
    assert process.returncode == 0, text
    print(f"at most {peak / 1e9:.2f} GB resident")
    assert 1e9 < peak < BOUND
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert len(asked) == len(set(asked)) == 32 * steps

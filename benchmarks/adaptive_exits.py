"""Adaptive exiting against fixed and random exits (DyTrack, Figure 8) on the generated test sequences.

    python benchmarks/adaptive_exits.py --csv results/adaptive-exits.csv --plot docs/adaptive_exits.png

A student of ostrack-nano with exits is distilled as a search would, kept under $COMPRESS_HOME and loaded from there
the next time. Thresholds are chosen on the validation split for several mean costs, as `compress thresholds` does. Then
every policy tracks the test sequences by itself, because the exit taken changes the box and so the next crop. Random
exiting takes each exit as often as the adaptive run did, in an order drawn from a seed.

Costs are multiply-accumulates per frame over the execution paths that the frames took. Standard errors are
bootstrapped over the sequences; differences at equal cost are taken sequence by sequence, from the line between
neighbouring fixed exits and from the mean of the random draws.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from csv_files import write_table
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from compress.archive import bootstrap_error
from compress.core import ExecutionPath, ExitSpec, Store, TrackerSpec, exit_shares, mean_layers
from compress.core.cost import macs
from compress.core.writing import writing
from compress.data import CachedSequence, DataReference, Sequence, open_source, split_key
from compress.data.generated import generated_sequences
from compress.distill import pick_device
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import choose
from compress.driver.jobs import Rung, TrainingSetup
from compress.driver.teacher import keep_teacher
from compress.driver.worker import students_of
from compress.evaluate import evaluate
from compress.geometry import LoopSettings, Network, NetworkOutput
from compress.models import NumpyNetwork, Tracker, build, load_tracker
from compress.runtime.thresholds import with_thresholds

EXITS = (ExitSpec(2, adapter=2), ExitSpec(6, adapter=1), ExitSpec(12))
"""DyTrack's: behind 1/6, 1/2 and all of the layers, with adapters of 2, 1 and 0 layers."""


@dataclass(frozen=True)
class Row:
    """One policy: its thresholds or seed, the mean cost, and AO by sequence (n,)."""

    policy: str
    setting: str
    macs: float
    layers: float
    shares: tuple[float, ...]
    ao: float
    by_sequence: NDArray[np.float64]

    @property
    def ao_seq(self) -> float:
        return float(self.by_sequence.mean())

    @property
    def se(self) -> float:
        return bootstrap_error(self.by_sequence)


class RandomExits:
    """Leaves at exits drawn with some probabilities, whatever the frame."""

    def __init__(self, network: NumpyNetwork, shares: tuple[float, ...], seed: int) -> None:
        self._exits = [network.along(ExecutionPath(exit=k)) for k in range(len(shares))]
        self._shares, self._rng = shares, np.random.default_rng(seed)

    def encode_template(self, *crops: Any, **more: Any) -> Any:
        return self._exits[0].encode_template(*crops, **more)

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        return self._exits[self._rng.choice(len(self._exits), p=self._shares)].track(search, memory)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    model = _trained(arguments)
    spec, sequences = model.spec, _sequences(arguments.sequences)
    source = open_source("generated")
    scores = exit_scores(
        model,
        source.sequences("validation", keep=True),
        device=pick_device("cpu"),
        data=split_key(source, "validation"),
        store=Store(),
    )
    for k in range(len(spec.exits)):
        r = np.corrcoef(scores.scores[:, k], scores.ious[:, k])[0, 1]
        error = np.abs(scores.scores[:, k] - scores.ious[:, k]).mean()
        print(f"exit {k}: validation IoU {scores.ious[:, k].mean():.3f}, of its score r {r:.2f}, error {error:.3f}")
    network = NumpyNetwork(model)
    rows = [
        _row("fixed", f"exit {k}", network.along(ExecutionPath(exit=k)), spec, sequences)
        for k in range(len(spec.exits))
    ]
    costs = np.linspace(rows[0].macs, rows[-1].macs, arguments.levels + 2)[1:-1]
    for cost in costs:
        taus = choose(scores, spec, lambda path: _macs(spec, path), cost).taus
        adaptive = _row("adaptive", " ".join(f"{tau:.4f}" for tau in taus), _at(model, taus), spec, sequences)
        rows.append(adaptive)
        for seed in range(arguments.draws):
            drawn = RandomExits(network, adaptive.shares, seed)
            rows.append(_row("random", f"as {adaptive.setting}, seed {seed}", drawn, spec, sequences))
    _compare(rows)
    if arguments.csv:
        _write(arguments.csv, rows)
    if arguments.plot:
        _plot(arguments.plot, rows)


def _sequences(each: int) -> list[Sequence]:
    return [CachedSequence(sequence) for sequence in generated_sequences(split="test", per_difficulty=each)]


def _trained(arguments: argparse.Namespace) -> Tracker:
    teacher, generated = load_tracker("ostrack-nano"), DataReference.of(open_source("generated"))
    setup = TrainingSetup(
        teacher=keep_teacher(teacher),
        evaluation=generated,
        training=generated,
        pairs=arguments.pool,
        rungs=(Rung("rung-0", 0), Rung("full", arguments.steps, short=False)),
        seed=arguments.seed,
        device=arguments.device,
    )
    return students_of(setup).model(replace(teacher.spec, exits=EXITS), 1, _progress)


def _at(model: Tracker, taus: tuple[float, ...]) -> NumpyNetwork:
    other = build(with_thresholds(model.spec, taus))
    other.load_state_dict(model.state_dict())
    return NumpyNetwork(other.eval())


def _macs(spec: TrackerSpec, path: ExecutionPath) -> float:
    return macs(spec, skipped=path.skipped or (), exit=path.exit).per_frame


def _row(policy: str, setting: str, network: Network, spec: TrackerSpec, sequences: list[Sequence]) -> Row:
    found = evaluate(network, LoopSettings.of(spec), sequences)
    frames = sum(found.paths.values())
    cost = sum(_macs(spec, path) * count for path, count in found.paths.items()) / frames
    by_sequence = np.array([score.ao for score in found.per_sequence])
    layers, shares = mean_layers(found.paths, spec), exit_shares(found.paths, spec)
    row = Row(policy, setting, cost, layers, shares, found.accuracy.ao, by_sequence)
    taken = " ".join(f"{share:4.0%}" for share in shares)
    mean = f"{cost / 1e6:7.1f} MMACs {layers:5.2f} layers  {taken}"
    print(f"{policy:9}{mean}  AO {row.ao_seq:.4f} ± {row.se:.4f}  {setting}", flush=True)
    return row


def _compare(rows: list[Row]) -> None:
    """Adaptive exiting minus the others at its cost, sequence by sequence."""
    fixed = [row for row in rows if row.policy == "fixed"]
    print(f"\n{'MMACs':>7}{'adaptive':>10}{'- fixed ± SE':>20}{'- random ± SE':>20}")
    adaptive, every = [row for row in rows if row.policy == "adaptive"], []
    for row in adaptive:
        drawn = [other.by_sequence for other in rows if other.setting.startswith(f"as {row.setting},")]
        every.append((row.by_sequence - _line(fixed, row.macs), row.by_sequence - np.mean(drawn, axis=0)))
        print(f"{row.macs / 1e6:7.1f}{row.ao_seq:10.4f}{_words(every[-1])}")
    mean = float(np.mean([row.ao_seq for row in adaptive]))
    print(f"{'mean':>7}{mean:10.4f}{_words(np.mean(every, axis=0))}")


def _words(differences: Iterable[NDArray[np.float64]]) -> str:
    """Of values by sequence (n,) the mean and its standard error, each."""
    return "".join(f"{d.mean():>+12.4f} ± {bootstrap_error(d):.4f}" for d in differences)


def _line(fixed: list[Row], cost: float) -> NDArray[np.float64]:
    """AO by sequence on the line between the fixed exits that cost less and more."""
    above = next((i for i, row in enumerate(fixed) if row.macs >= cost), len(fixed) - 1)
    if above == 0:
        return fixed[0].by_sequence
    low, high = fixed[above - 1], fixed[above]
    share = (cost - low.macs) / (high.macs - low.macs)
    return (1 - share) * low.by_sequence + share * high.by_sequence


def _write(path: Path, rows: list[Row]) -> None:
    head = ["policy", "setting", "macs_per_frame", "mean_layers", "exit_shares", "ao", "ao_seq", "ao_se"]
    lines = list[list[object]]()
    for row in rows:
        shares = " ".join(f"{share:.4f}" for share in row.shares)
        figures = [f"{value:.4f}" for value in (row.layers, row.ao, row.ao_seq, row.se)]
        lines.append([row.policy, row.setting, f"{row.macs:.0f}", figures[0], shares, *figures[1:]])
    write_table(path, head, lines)


def _plot(path: Path, rows: list[Row]) -> None:
    """Error bars are the standard errors of the AO itself, over sequences; those of differences are printed."""
    figure, axes = plt.subplots(figsize=(7.5, 4.7), layout="constrained")
    looks = {"fixed": ("#3c6ec8", "s-"), "random": ("#9a9a9a", "x"), "adaptive": ("#c83c32", "o-")}
    for policy, (colour, look) in looks.items():
        chosen = sorted((row for row in rows if row.policy == policy), key=lambda row: row.macs)
        x, y, error = zip(*((row.macs / 1e6, row.ao_seq, row.se) for row in chosen), strict=True)
        axes.errorbar(x, y, None if policy == "random" else error, fmt=look, color=colour, capsize=3, label=policy)
    axes.set_xlabel("mean multiply-accumulates per frame (millions)")
    axes.set_ylabel("AO, mean over sequences ± SE")
    axes.grid(alpha=0.3)
    axes.legend(title="exits")
    with writing(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def _progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
    print(text, *(f"{name} {value:.3f}" for name, value in (figures or {}).items()), file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=480, help="of distillation, 32 pairs each")
    parser.add_argument("--pool", type=int, default=8192, help="pairs to distil on")
    parser.add_argument("--sequences", type=int, default=4, help="test sequences of each difficulty")
    parser.add_argument("--levels", type=int, default=4, help="mean costs to choose thresholds for")
    parser.add_argument("--draws", type=int, default=2, help="seeds of random exiting at each of them")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="to train on: auto, cpu or cuda")
    parser.add_argument("--csv", type=Path, help="where to write the table")
    parser.add_argument("--plot", type=Path, help="where to draw the curves (PNG)")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Three forms of an exported tracker with bypass and exits, timed under onnxruntime on this host's CPU, path by path.

    python benchmarks/staged_export.py

`stages` are a graph per stage, with the decisions in numpy; `if` is one graph with `If` nodes; `path` is a graph of
that one path without any decision, the least that it can cost; `worst` is the same of the longest path, what a tracker
that could not decide would cost on every frame. All are run in turn, in shuffled order. Weights are random, decisions
are forced by biases and thresholds. Shown is the 10th percentile in ms, for the network alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from compress.core import BypassSpec, ExecutionPath, ExitSpec, TrackerSpec, describe
from compress.core.stages import stages_of
from compress.export import bundle_graphs, frame_graph
from compress.measure.timing import disagreement, low, time_rounds
from compress.models import VitTracker, build
from compress.runtime import GraphNetwork, Thresholds, session

NEVER, BY_BIAS, ALWAYS = 2.0, 0.5, -1.0


def spec_of(name: str) -> TrackerSpec:
    """A named tracker with bypass from its third layer on, and an exit behind each third of its layers."""
    base = describe(name)
    depth = len(base.layers)
    exits = (ExitSpec(depth // 3, adapter=1), ExitSpec(2 * depth // 3, adapter=1), ExitSpec(depth))
    return replace(base, bypass=BypassSpec(n_enf=2), exits=exits)


def built(spec: TrackerSpec) -> VitTracker:
    """A network that skips every other skippable layer at a threshold of a half."""
    torch.manual_seed(0)
    model = build(spec).eval()
    assert isinstance(model, VitTracker)
    assert model.bypass is not None
    for i in spec.skippable:
        model.bypass.gates[str(i)].bias.data.fill_(3.0 if i % 2 else -3.0)
    return model


def paths(spec: TrackerSpec) -> dict[ExecutionPath, Thresholds]:
    """No layer, every other one and all skipped, to every exit; and the thresholds that make it so."""
    found = {}
    for exit, each in enumerate(spec.exits):
        taus = tuple(ALWAYS if k == exit else NEVER for k in range(len(spec.exits) - 1))
        may = [i for i in spec.skippable if i < each.after]
        for rho, skipped in ((NEVER, []), (BY_BIAS, [i for i in may if i % 2]), (ALWAYS, may)):
            found[ExecutionPath(frozenset(skipped), exit)] = Thresholds(rho, taus)
    return found


def calls(model: VitTracker, threads: int) -> dict[tuple[ExecutionPath, str], Callable[[], object]]:
    """By path and form, each checked to take that path."""
    rng, spec = np.random.default_rng(0), model.spec
    template, search = (
        rng.standard_normal((1, 3, size, size)).astype(np.float32) for size in (spec.template_size, spec.search_size)
    )
    networks = {
        name: GraphNetwork(spec, bundle_graphs(model, form), threads=threads)
        for name, form in (("stages", "stages"), ("if", "one"))
    }
    memory = networks["if"].encode_template(template)
    found: dict[tuple[ExecutionPath, str], Callable[[], object]] = {}
    for path, thresholds in paths(spec).items():
        for name, network in networks.items():
            at = network.at(thresholds)
            assert at.track(search, memory).path == path
            found[path, name] = lambda at=at: at.track(search, memory)
        static = session(frame_graph(model, path), threads=threads)
        found[path, "path"] = lambda static=static: static.run(None, {"search": search, **memory})
    return found


def main() -> None:
    arguments = _arguments()
    spec = spec_of(arguments.tracker)
    timed = calls(built(spec), arguments.threads)
    times = time_rounds(list(timed.values()), rounds=arguments.rounds)
    ms = dict(zip(timed, low(times), strict=True))
    worst = ms[ExecutionPath(frozenset(), len(spec.exits) - 1), "path"]
    print(f"{arguments.tracker}, {arguments.threads} thread(s), worst {worst:.3f} ms, ", end="")
    print(f"halves of the rounds differ by {np.median(disagreement(times)):.1%}")
    print("exit layers runs    path  stages      if  stages/path if/path  stages/worst  if/worst")
    for path in paths(spec):
        static, staged, single = (ms[path, name] for name in ("path", "stages", "if"))
        print(
            f"{path.exit:4} {path.layers(spec):6} {_runs(spec, path):4} {static:7.3f} {staged:7.3f} {single:7.3f}"
            f" {staged / static:12.3f} {single / static:7.3f} {staged / worst:13.3f} {single / worst:9.3f}"
        )


def _runs(spec: TrackerSpec, path: ExecutionPath) -> int:
    return len(stages_of(spec, path)) + 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker", default="ostrack-nano")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20, help="of five timed calls each")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Full-size trackers on this machine's GPU, or on its CPU where it has none: training, evaluation, latency, runtimes.

    python benchmarks/full_size.py --csv results/full-size.csv
    python benchmarks/full_size.py --device cpu --steps 2 --batch 2 --frames 4 --parts training evaluation

A row of the CSV file is one figure, with the name of the card or processor that it was taken on.

- training: a step of the published recipe on pairs of noise that are there already, so that no data is waited for;
  pairs per second after a warm-up, and floating-point operations over those of one large matrix product in the same
  precision on the same device. A step counts as three forward passes.
  On a CPU seconds of training and evaluation are those of the process with one thread: other work counts less.
- evaluation: frames per second of generated sequences, one by one and several at once, drawing left out.
- latency: a profile of the device is measured, then students of a space; how far predictions are off.
- runtimes: the per-frame graph that export ships under each of onnxruntime's providers that is installed (CUDA with
  onnxruntime-gpu, TensorRT), and PyTorch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from csv_files import write_table

from compress.core import TrackerSpec, describe
from compress.core.cost import macs
from compress.data import open_source
from compress.data.sequence import CachedSequence
from compress.distill import ComputeSettings, Trainer, load_recipe, pick_device, to_input
from compress.distill.compute import half_type, network_autocast
from compress.distill.losses import ground_truth_loss
from compress.distill.teacher_batches import TeacherBatch
from compress.evaluate import evaluate
from compress.export import frame_graph
from compress.geometry import LoopSettings
from compress.latency import predict
from compress.measure import Coverage, host, host_profile, measure_many
from compress.measure.backends import CPU, host_backends
from compress.measure.graph_frames import GraphFrame
from compress.measure.host import gpu_name
from compress.measure.timed_frame import TimedFrame
from compress.measure.timing import TIMED, settled_rounds
from compress.models import NumpyNetwork, Tracker, build
from compress.runtime.sessions import PROVIDERS, session
from compress.runtime.staged import Graph
from compress.spaces import load_space

Rows = Iterator[tuple[str, str, float]]
"""What was measured, under which conditions, and the figure."""

RECIPES = {"ostrack": "ostrack", "litetrack": "litetrack", "mixformerv2": "mixformerv2", "hit": "hit"}
"""Of trackers, by what their names begin with."""


def training(spec: TrackerSpec, name: str, options: argparse.Namespace) -> Rows:
    """Pairs per second of a training step, and its share of the rate of a matrix product."""
    device = pick_device(options.device)
    compute = ComputeSettings(precision=options.precision, compile=options.compile)
    recipe = load_recipe(next(each for prefix, each in RECIPES.items() if name.startswith(prefix)))
    batch = options.batch or (recipe.batch if device.type == "cuda" else 2)
    settings = recipe.trainer(2 * options.steps, compute=compute, reports=2)
    model = build(spec, drop_path=recipe.drop_path).to(device).train()
    clock, times = _clock(device), list[float]()
    trainer: Trainer[Tracker, TeacherBatch] = Trainer(
        model,
        lambda pairs, step: _loss(model, pairs),
        lambda start: _noise(spec, batch, device),
        settings,
        device=device,
        observers=[lambda report: times.append(clock())],
    )
    trainer.run()
    half = half_type(compute.precision, device)
    about = f"{_precision(half)}, {batch} pairs, {options.steps} steps"
    rate = options.steps * batch / (times[-1] - times[-2])  # the first half warms up
    yield "pairs per second", about, rate
    yield "share of the peak", about, 3 * 2 * macs(spec).full * rate / matrix_rate(device, half or torch.float32)
    if device.type == "cuda":
        yield "peak memory, GB", about, torch.cuda.max_memory_allocated() / 1e9


def _loss(model: Tracker, pairs: TeacherBatch) -> dict[str, torch.Tensor]:
    with network_autocast(pairs.boxes.device):
        maps = model(to_input(pairs.template), to_input(pairs.search)).maps
    return ground_truth_loss({name: values.float() for name, values in maps.items()}, pairs.boxes)


def _noise(spec: TrackerSpec, count: int, device: torch.device) -> Generator[TeacherBatch, None, None]:
    sides = (spec.template_size, spec.search_size)
    template, search = (torch.randint(256, (count, side, side, 3), dtype=torch.uint8, device=device) for side in sides)
    boxes = torch.tensor([[0.5, 0.5, 0.25, 0.25]], device=device).repeat(count, 1)
    while True:
        yield TeacherBatch(template, search, boxes)


def _clock(device: torch.device) -> Callable[[], float]:
    """Seconds that pass, or those that one thread works."""
    return time.perf_counter if device.type == "cuda" else time.process_time


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of one large product of square matrices: the best of five."""
    side = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    clock, times = _clock(device), []
    for _ in range(7):
        begin = clock()
        _ = a @ b
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(clock() - begin)
    return float(2 * side**3 / min(times[2:]))


def evaluation(spec: TrackerSpec, name: str, options: argparse.Namespace) -> Rows:
    """Frames per second of evaluation, one sequence after the other and several at once."""
    device = pick_device(options.device)
    sequences = open_source("generated").sequences("short")[: options.sequences]
    drawn = [CachedSequence(each, options.frames, keep=True) for each in sequences]
    _ = [each.frame(i) for each in drawn for i in range(len(each))]
    network = NumpyNetwork(build(spec).eval(), device)
    evaluate(network, LoopSettings.of(spec), drawn[:1])
    clock = _clock(device)
    for batch in (1, len(drawn)):
        begin = clock()
        evaluate(network, LoopSettings.of(spec), drawn, batch=batch)
        took = clock() - begin
        yield "frames per second", f"fp32, {batch} sequences at once", sum(map(len, drawn)) / took


def latency(spec: TrackerSpec, name: str, options: argparse.Namespace) -> Rows:
    """How far a profile of the device is off on students that it was not measured on."""
    target = _target(options)
    if (missing := host_backends()[target].missing()) != "":
        print(f"no latency: {missing}")
        return
    space = load_space(next(each for prefix, each in RECIPES.items() if name.startswith(prefix)))
    rng = Random(0)
    students = {str(i): space.sample(spec, rng) for i in range(options.students)}
    coverage = Coverage.of(spec, students.values())
    profile = host_profile(spec, target=target, coverage=coverage, rounds=options.rounds, refresh=True)
    measured = measure_many(students, target=target, runs=TIMED * options.rounds)
    errors = [abs(predict(profile, each).mean_ms / measured[i].mean_ms - 1) for i, each in students.items()]
    about = f"{target}, {len(students)} students, {options.rounds} rounds"
    yield "mean error of predicted latency", about, float(np.mean(errors))
    yield "largest error of predicted latency", about, float(np.max(errors))


def runtimes(spec: TrackerSpec, name: str, options: argparse.Namespace) -> Rows:
    """Median milliseconds of a frame under every runtime of the device, all in one shuffled run."""
    import onnxruntime

    model, frames = build(spec).eval(), {}
    graph = frame_graph(model)
    device = pick_device(options.device).type
    for provider in ("cuda", "tensorrt") if device == "cuda" else ("cpu",):
        if PROVIDERS[provider] in onnxruntime.get_available_providers():
            opened = session(graph, threads=options.threads, provider=PROVIDERS[provider])
            frames[f"onnxruntime {provider}"] = TimedFrame.of(spec, GraphFrame(Graph(opened)))
        else:
            print(f"no {PROVIDERS[provider]}: onnxruntime has {', '.join(onnxruntime.get_available_providers())}")
    for target, backend in host_backends().items():
        if backend.runtime != "onnxruntime" and target.startswith(_target(options)) and not backend.missing():
            with backend.using(options.threads):
                frames[target] = TimedFrame.of(spec, backend.frame(model, threads=options.threads))
    times = settled_rounds(list(frames.values()), rounds=options.rounds)
    for label, each in zip(frames, times, strict=True):
        yield "milliseconds per frame", label, float(np.median(each))


PARTS: dict[str, Callable[[TrackerSpec, str, argparse.Namespace], Rows]] = {
    "training": training,
    "evaluation": evaluation,
    "latency": latency,
    "runtimes": runtimes,
}


def _target(options: argparse.Namespace) -> str:
    return "gpu" if pick_device(options.device).type == "cuda" else CPU


def _precision(half: torch.dtype | None) -> str:
    return "fp32" if half is None else str(half).removeprefix("torch.")


def main() -> None:
    options = _options()
    on_gpu = pick_device(options.device).type == "cuda"
    torch.set_num_threads(options.threads if on_gpu else 1)
    device = f"{gpu_name()}, {host()}" if on_gpu else f"{host()} (no GPU)"
    print(f"{device}, PyTorch {torch.__version__}")
    rows: list[list[object]] = []
    for part in options.parts:
        for name in options.trackers:
            for figure, about, value in PARTS[part](describe(name), name, options):
                rows.append([device, f"PyTorch {torch.__version__}", part, name, figure, about, f"{value:.4g}"])
                print(f"{part:12}{name:14}{figure:36}{about:36}{value:12.4g}", flush=True)
    if options.csv:
        head = ["device", "version", "part", "tracker", "figure", "about", "value"]
        write_table(options.csv, head, rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trackers", nargs="+", default=["ostrack256", "litetrack-b4"])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--compile", default="no", choices=("no", "yes"))
    parser.add_argument("--batch", type=int, help="pairs of a step (default the recipe's on a GPU, 2 on a CPU)")
    parser.add_argument("--steps", type=int, default=20, help="timed steps, after as many that warm up")
    parser.add_argument("--sequences", type=int, default=8, help="sequences that are evaluated")
    parser.add_argument("--frames", type=int, default=30, help="frames of each")
    parser.add_argument("--students", type=int, default=12, help="students whose latency is predicted and measured")
    parser.add_argument("--rounds", type=int, default=20, help="visits to each network that is timed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", type=Path, help="where to write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()

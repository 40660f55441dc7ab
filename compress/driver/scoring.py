"""Scoring of students, variants and teachers: each network on each data once, kept by what was scored on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from compress.core import ExecutionPath, Precision, Store, TrackerSpec, fingerprint
from compress.core.progress import Progress, no_progress
from compress.data import DataReference, DataSource, Sequence, Split, split_key
from compress.driver.scores import Score, read_score, write_score
from compress.evaluate import evaluate
from compress.export import graph_network
from compress.geometry import AnyNetwork, LoopSettings
from compress.models import NumpyNetwork, Tracker

_AT_ONCE = 16
"""Sequences that are followed at once; more save nothing on a CPU."""


def expected_path(spec: TrackerSpec) -> ExecutionPath | None:
    """What an adaptive student's latency is predicted for before it has learned to decide; None of others.

    The first exit, and as near as whole layers allow the share τ0 of those skipped that may be in front of it, spread
    evenly.
    """
    if not spec.adaptive:
        return None
    first = ExecutionPath(frozenset(), 0 if spec.exits else None)
    may = [i for i in spec.skippable if i < first.end(spec)]
    count = round(spec.bypass.tau0 * len(may)) if spec.bypass else 0
    return replace(first, skipped=frozenset(may[(2 * k + 1) * len(may) // (2 * count)] for k in range(count)))


def scored(
    model: Tracker,
    sequences: list[Sequence],
    device: torch.device,
    progress: Progress = no_progress,
    *,
    precision: Precision = "fp32",
    path: ExecutionPath | None = None,
) -> Score:
    """What comes of following the object of every sequence.

    Args:
        precision: Below fp32 it runs as its graphs do, see `graph_network`, and not on `device`.
        path: In fp32: what every frame takes; None leaves that to the decisions.
    """
    network: AnyNetwork
    if precision == "fp32":
        own = NumpyNetwork(model, device)
        network = own if path is None else own.along(path)
    else:
        network = graph_network(model, precision, threads=torch.get_num_threads())
    found = evaluate(network, LoopSettings.of(model.spec), sequences, batch=_AT_ONCE, progress=progress)
    return Score(replace(found.accuracy, precision=precision), found.paths or None)


def kept_score(
    store: Store,
    weights: str,
    spec: TrackerSpec,
    data: DataSource | DataReference,
    split: Split,
    make: Callable[[], Score],
    *,
    precision: Precision = "fp32",
    path: ExecutionPath | None = None,
) -> Score:
    """A score from the store; made first where it has none.

    Args:
        weights: Names them.
        spec: Whole: thresholds change no weights, but what comes of them. Its precision says nothing here.
        precision, path: As of `scored`.
    """
    how = ([] if precision == "fp32" else [precision]) + ([] if path is None else [path.to_dict()])
    return store.get(
        "scores",
        fingerprint([weights, spec.in_fp32.id, split_key(data, split), *how]),
        read=lambda file: read_score(file, spec),
        make=lambda file: write_score(file, make()),
        suffix=".json",
    )

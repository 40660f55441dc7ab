"""Writing the bundle of a cascade: both trackers' bundles, and the rule, verified before it takes its place."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import compress
from compress.core.text import printable
from compress.core.writing import new_folder, write_file
from compress.export.bundle import check_place, export_bundle
from compress.export.parity import NEAR_THRESHOLD, Parity
from compress.export.side_by_side import SideBySide
from compress.export.trained_cascade import TrainedCascade
from compress.geometry import CascadeNetwork, CascadeSettings, CascadeTracker, Prediction, iou
from compress.models import NumpyNetwork
from compress.runtime import CascadeBundle, bundle_network, open_any_bundle
from compress.runtime.cascade_bundle import MEMBERS, NOTE, member_files
from compress.runtime.manifest import CASCADE_VERSION, FORMAT, MANIFEST, MOST_NAME, file_entry
from compress.runtime.selftest import selftest_record

if TYPE_CHECKING:
    from compress.data import Sequence


def export_cascade(source: TrainedCascade, out: Path | str, *, sequence: Sequence, threads: int = 1) -> Path:
    """Write a cascade as a bundle at `out`; an older bundle there is replaced whole, or not at all.

    Args:
        sequence: PyTorch and onnxruntime must find the same boxes on it, each tracker by itself and both as one, and
            ask the accurate one about the same frames.
        threads: onnxruntime's threads that the bundle asks for.

    Raises:
        UsageError: `out` holds something that is no bundle.
        CompressError: PyTorch and onnxruntime do not agree.
        OSError: the place cannot be written.
    """
    out = Path(out).absolute()
    check_place(out)
    manifest: dict[str, Any] = {"format": FORMAT, "format_version": CASCADE_VERSION}
    manifest["name"] = printable(source.name, most=MOST_NAME).strip() or "cascade"
    manifest |= {"cascade_id": source.spec.id, "threshold": source.threshold, "notes": {"cascade": NOTE}}
    manifest |= {"versions": {"compress": compress.__version__}, "provenance": source.provenance}
    manifest |= {"accuracy": source.accuracy and source.accuracy.to_dict()}
    manifest |= {"latency": source.latency and source.latency.to_dict()}
    with new_folder(out) as folder:
        for member, each in zip(MEMBERS, (source.fast, source.accurate), strict=True):
            facts: dict[str, Any] = {"provenance": each.provenance, "accuracy": each.accuracy, "latency": each.latency}
            export_bundle(each.model, folder / member, sequence=sequence, name=each.name, threads=threads, **facts)
        manifest["files"] = {name: file_entry(folder / name) for name in member_files()}
        bundle = _written(folder, manifest)
        parity = compare_cascade(source, bundle, sequence)
        parity.check("PyTorch's cascade and that of the exported graphs")
        selftest = selftest_record(bundle_network(bundle), bundle.settings, bundle.spec)
        manifest |= {"parity": parity.to_dict(), "selftest": selftest}
        _written(folder, manifest)
        check_place(out)  # again: it took a while
    return out


def compare_cascade(source: TrainedCascade, bundle: CascadeBundle, sequence: Sequence) -> Parity:
    """How far apart a cascade under PyTorch and its bundle are on a sequence; of its trackers `compare_exported`.

    Besides at its own threshold, the two are compared at the middle one of the fast tracker's scores, so that on some
    frames the accurate one is asked, and on others not. Boxes and frames are those at its own.
    """
    graphs = bundle_network(bundle)
    assert isinstance(graphs, CascadeNetwork)
    torch = CascadeNetwork(*(NumpyNetwork(each.model) for each in (source.fast, source.accurate)))
    settings = bundle.settings
    found, scores = _compared(torch, graphs, settings, sequence)
    middle = CascadeSettings(settings.fast, settings.accurate, _between(scores))
    other, _ = _compared(torch, graphs, middle, sequence)
    worst = {name: max(value, other.maps.get(name, 0.0)) for name, value in found.maps.items()}
    mismatch = found.path_mismatch + other.path_mismatch
    return Parity(**{**vars(found), "maps": {**other.maps, **worst}, "path_mismatch": mismatch})


def _compared(
    torch: CascadeNetwork, graphs: CascadeNetwork, settings: CascadeSettings, sequence: Sequence
) -> tuple[Parity, list[float]]:
    """How far apart two forms of a cascade are, and the fast tracker's scores."""
    both = [
        SideBySide(first, second, loop, {}, None)
        for first, second, loop in (
            (torch.fast, graphs.fast, settings.fast),
            (torch.accurate, graphs.accurate, settings.accurate),
        )
    ]
    reference, candidate = CascadeTracker(CascadeNetwork(*both), settings), CascadeTracker(graphs, settings)
    found, also = list[Prediction](), list[Prediction]()
    tie: int | None = None
    mismatch = 0
    for i in range(len(sequence)):
        frame = sequence.frame(i)
        if i == 0:
            reference.start(frame, sequence.boxes[0])
            candidate.start(frame, sequence.boxes[0])
            continue
        found.append(reference.update(frame))
        also.append(candidate.update(frame))
        if found[-1].path != also[-1].path and tie is None:
            near = abs(float(found[-1].fast_score or 0.0) - settings.threshold) <= NEAR_THRESHOLD
            mismatch += not near
            tie = i if near else None
        if tie is None and any(each.tie is not None for each in both):
            tie = i
    end = len(found) if tie is None else tie - 1
    boxes, others = (np.array([each.box for each in side[:end]]).reshape(-1, 4) for side in (found, also))
    named = zip(MEMBERS, both, strict=True)
    parity = Parity(
        maps={f"{member} {name}": worst for member, each in named for name, worst in each.differences.items()},
        box_px=float(np.abs(boxes - others).max(initial=0.0)),
        mean_iou=float(iou(boxes, others).mean()) if end else 1.0,
        frames=end,
        renewed=_renewed(found[:end]),
        also_renewed=_renewed(also[:end]),
        tie_at=tie,
        sequence=sequence.name,
        paths=Counter(each.path for each in found if each.path is not None),
        path_mismatch=mismatch,
    )
    return parity, [float(each.fast_score or 0.0) for each in found]


def _between(scores: list[float]) -> float:
    """The middle of the widest gap in the middle third of scores: as far from all of them as can be."""
    rising = sorted(scores)
    third = len(rising) // 3
    gaps = list(pairwise(rising[third : len(rising) - third])) or [(0.0, 1.0)]
    low, high = max(gaps, key=lambda gap: gap[1] - gap[0])
    return (low + high) / 2


def _renewed(found: list[Prediction]) -> tuple[int, ...]:
    return tuple(i for i, each in enumerate(found, start=1) if each.renewed)


def _written(folder: Path, manifest: dict[str, Any]) -> CascadeBundle:
    """Write `bundle.json`, and read the whole bundle as whoever receives it will."""
    write_file(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    bundle = open_any_bundle(folder)
    assert isinstance(bundle, CascadeBundle)
    return bundle

"""Static quantisation: the ranges of activations are found beforehand, on crops of training pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QDQQuantizer,
    QuantType,
    create_calibrator,
)

from compress.core import TrackerSpec, UsageError, fingerprint
from compress.core.scratch import scratch_folder
from compress.data import DataSource, PairSizes
from compress.export.precision import LINEAR, nodes_of, plain, without_advice
from compress.geometry.crop import MEAN, STD
from compress.runtime.sessions import run_session, session
from compress.runtime.signatures import FRAME, TEMPLATE

Calibration = Literal["dynamic", "entropy", "percentile"]
"""How the ranges of activations are found: of each tensor as it comes; or beforehand, so that little information is
lost (TensorRT's way, by the Kullback-Leibler divergence of histograms), or so that next to no value is cut off."""

PAIRS = 32
"""Pairs that ranges are found on, and that say which layers lose most."""

_PERCENTILE = 99.999
_AT_ONCE = 4
"""Crops whose activations are in memory together: those of a ViT-B take 170 MB each."""

Feeds = list[dict[str, NDArray[np.float32]]]


def check_static(spec: TrackerSpec) -> None:
    """Whether ranges can be found beforehand.

    Raises:
        UsageError: an adaptive tracker, whose graphs see only what the decisions before leave them.
    """
    if spec.adaptive:
        raise UsageError(
            f"The ranges of the tracker {spec.id} cannot be found beforehand: what its stages see depends on "
            "bypass and exits. Leave --calibration out, or give --calibration dynamic."
        )


@dataclass(frozen=True)
class CalibrationCrops:
    """Crops of training pairs, normalised: (N, 3, T, T) and (N, 3, S, S); `key` names what they were drawn from."""

    template: NDArray[np.float32]
    search: NDArray[np.float32]
    key: str = ""

    def __len__(self) -> int:
        return len(self.search)

    @classmethod
    def drawn(cls, source: DataSource, spec: TrackerSpec, *, count: int = PAIRS, seed: int = 0) -> CalibrationCrops:
        """The first pairs of a source, as students are trained on.

        Raises:
            UsageError, FileError: of the source.
        """
        pairs = source.pairs(seed, 0, count, PairSizes.of(spec))
        return cls(
            _normalised(pairs.template), _normalised(pairs.search), fingerprint([source.fingerprint, count, seed])
        )

    def templates(self, spec: TrackerSpec) -> Iterator[dict[str, NDArray[np.float32]]]:
        """What the template graph takes, crop by crop; the object is in the middle of the template."""
        share = 0.5 / spec.template_factor
        box = np.array([[0.5 - share, 0.5 - share, 0.5 + share, 0.5 + share]], np.float32)
        for crop in self.template:
            feeds = {"template": crop[None]}
            feeds |= {"template_box": box} if spec.target_token else {}
            if spec.online_templates:
                feeds["online_template"] = np.repeat(crop[None, None], spec.online_templates, axis=1)
            yield feeds

    def feeds(self, spec: TrackerSpec, graphs: Mapping[str, bytes]) -> dict[str, Feeds]:
        """What each graph of a static tracker takes, crop by crop.

        Raises:
            UsageError: an adaptive tracker, whose graphs see only what the decisions before leave them.
        """
        check_static(spec)
        first, templates = session(graphs[TEMPLATE], threads=1), list(self.templates(spec))
        names = [output.name for output in first.get_outputs()]
        memories = (dict(zip(names, run_session(first, feeds), strict=True)) for feeds in templates)
        frames = [{"search": crop[None], **memory} for crop, memory in zip(self.search, memories, strict=True)]
        return {TEMPLATE: templates, FRAME: frames}


class CalibratedGraph:
    """A graph of float32 with the ranges that its activations had.

    Args:
        feeds: What it was run on.
        method: `entropy` or `percentile`.
    """

    def __init__(self, graph: bytes, feeds: Feeds, method: Calibration) -> None:
        self._graph, self._feeds, self._method = graph, feeds, method

    def quantized(self, *, float_layers: Collection[str] = ()) -> bytes:
        """The weights of linear layers in int8, one scale a column, and activations in uint8, one scale a tensor.

        What a linear layer puts out stays in float, as the sums have it. Arguments as of `precision.quantized`.
        """
        model = onnx.load_model_from_string(self._graph)
        if self._ranges is None:
            return self._graph
        with without_advice():
            quantizer = QDQQuantizer(
                model,
                per_channel=True,
                reduce_range=False,
                weight_qType=QuantType.QInt8,
                activation_qType=QuantType.QUInt8,
                tensors_range=self._ranges,
                nodes_to_quantize=nodes_of(model),
                nodes_to_exclude=nodes_of(model, float_layers),
                op_types_to_quantize=LINEAR,
                extra_options={"OpTypesToExcludeOutputQuantization": LINEAR},
            )
            quantizer.quantize_model()
        return plain(quantizer.model.model)

    @cached_property
    def _ranges(self) -> Any:
        """None of a graph without linear layers."""
        if not nodes_of(onnx.load_model_from_string(self._graph)):
            return None
        entropy = self._method == "entropy"
        with scratch_folder() as folder, without_advice():
            (folder / "float.onnx").write_bytes(self._graph)
            calibrator = create_calibrator(
                folder / "float.onnx",
                LINEAR,
                augmented_model_path=str(folder / "augmented.onnx"),
                calibrate_method=CalibrationMethod.Entropy if entropy else CalibrationMethod.Percentile,
                extra_options={} if entropy else {"percentile": _PERCENTILE},
            )
            for i in range(0, len(self._feeds), _AT_ONCE):
                calibrator.collect_data(_Reader(self._feeds[i : i + _AT_ONCE]))
            return calibrator.compute_data()


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Feeds) -> None:
        self._left = iter(feeds)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._left, None)


def _normalised(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, S, S, 3) RGB to (N, 3, S, S), as `compress.geometry.crop.normalise` of each."""
    mean, std = (np.array(each, np.float32) for each in (MEAN, STD))
    scaled = (crops.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))

"""The graphs of a bundle in another precision than fp32, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compress.core import FileError, Precision, TrackerSpec, UsageError
from compress.core.plain import from_plain
from compress.core.progress import Progress, no_progress
from compress.export.calibration import CalibratedGraph, Calibration, CalibrationCrops, check_static
from compress.export.precision import halved, linear_layers, quantized
from compress.export.sensitivity import Sensitivity, measured_sensitivity
from compress.runtime.signatures import FRAME


@dataclass(frozen=True)
class LowPrecision:
    """What the graphs of a bundle compute with: `precision` of `bundle.json`.

    Attributes:
        calibration: Of int8, how the ranges of activations were found.
        float_layers: Of int8, the layers that stayed in float.
        pairs, data: How many pairs ranges and layers were found on, and their `CalibrationCrops.key`; 0 without any.
    """

    precision: Precision
    calibration: Calibration = "dynamic"
    float_layers: tuple[str, ...] = ()
    pairs: int = 0
    data: str = ""

    def graphs(
        self, spec: TrackerSpec, exact: Mapping[str, bytes], crops: CalibrationCrops | None = None
    ) -> dict[str, bytes]:
        """The graphs of float32 in this precision, which are always the same.

        Args:
            crops: Needed for a static calibration.
        """
        return _Maker(spec, exact, self.precision, self.calibration, crops)(self.float_layers)

    @classmethod
    def of(cls, data: Any) -> LowPrecision:
        """Of `precision` of `bundle.json`, which is not trusted.

        Raises:
            FileError: it says nothing that can be.
        """
        return from_plain(cls, data, "bundle's precision", error=FileError, unknown_fields="left out")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"float_layers": list(self.float_layers)}


def with_float_layers(
    spec: TrackerSpec,
    exact: Mapping[str, bytes],
    calibration: Calibration,
    crops: CalibrationCrops,
    *,
    progress: Progress = no_progress,
) -> tuple[LowPrecision, dict[str, bytes], Sensitivity]:
    """int8 with the layers in float that lose most, found by `measured_sensitivity`; with its graphs."""
    make = _Maker(spec, exact, "int8", calibration, crops)
    layers = list(dict.fromkeys(layer for graph in exact.values() for layer in linear_layers(graph)))
    found = measured_sensitivity(spec, make, layers, exact, crops, progress=progress)
    about = LowPrecision("int8", calibration, found.float_layers, len(crops), crops.key)
    return about, make(found.float_layers), found


def check_convertible(
    spec: TrackerSpec, precision: Precision, calibration: Calibration, *, one_graph: bool = False
) -> None:
    """Whether a tracker can be had in a precision: the tools leave the branches of an `If` as they are.

    Args:
        one_graph: The work of a frame is one graph, whatever it depends on.

    Raises:
        UsageError: one graph of a tracker whose work depends on the frame, or ranges of its activations.
    """
    if precision == "int8" and calibration != "dynamic":
        check_static(spec)
    if precision != "fp32" and spec.adaptive and one_graph:
        raise UsageError(
            f"The tracker {spec.id} as one graph has its layers in branches, which stay in fp32. Leave "
            "--single-graph out, or give --precision fp32."
        )


class _Maker:
    """Makes graphs with some layers in float; ranges are found once."""

    def __init__(
        self,
        spec: TrackerSpec,
        exact: Mapping[str, bytes],
        precision: Precision,
        calibration: Calibration,
        crops: CalibrationCrops | None,
    ) -> None:
        check_convertible(spec, precision, calibration, one_graph=FRAME in exact)
        self._exact, self._precision = exact, precision
        self._calibrated: dict[str, CalibratedGraph] = {}
        if precision == "int8" and calibration != "dynamic":
            if crops is None:
                raise UsageError(f"A calibration by {calibration} needs crops to find ranges on.")
            feeds = crops.feeds(spec, exact)
            self._calibrated = {name: CalibratedGraph(exact[name], feeds[name], calibration) for name in exact}

    def __call__(self, float_layers: tuple[str, ...]) -> dict[str, bytes]:
        return {name: self._made(name, graph, float_layers) for name, graph in self._exact.items()}

    def _made(self, name: str, graph: bytes, float_layers: tuple[str, ...]) -> bytes:
        if self._precision != "int8":
            return halved(graph) if self._precision == "fp16" else graph
        if name in self._calibrated:
            return self._calibrated[name].quantized(float_layers=float_layers)
        return quantized(graph, float_layers=float_layers)

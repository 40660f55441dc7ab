"""Whether a bundle in low precision is what its weights become: they are converted again, and the two compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from compress.core import UsageError
from compress.export.calibration import CalibrationCrops
from compress.export.graphs import bundle_graphs
from compress.export.low_precision import LowPrecision
from compress.export.parity import Parity
from compress.export.side_by_side import compare
from compress.models import Tracker
from compress.runtime import Bundle, BundleNetwork, GraphNetwork

if TYPE_CHECKING:
    from compress.data import DataSource, Sequence


def compare_low_precision(
    model: Tracker, bundle: Bundle, low: LowPrecision, training: Callable[[], DataSource], sequence: Sequence
) -> Parity:
    """Compare the graphs of a bundle with those made of `model` in the same way, to the tolerances of every bundle.

    Not with PyTorch: what low precision costs was measured on export, as AO.

    Args:
        training: Opens what ranges were found on; called for a static calibration.

    Raises:
        UsageError: ranges were found on other data than that.
    """
    spec, crops = model.spec, None
    if low.calibration != "dynamic":
        crops = CalibrationCrops.drawn(training(), spec)
        if crops.key != low.data:
            raise UsageError(
                f"The ranges of the bundle {bundle.folder} were found on other pairs than those of the run, so they "
                "cannot be found again. Leave --against out, or export it without --train-data."
            )
    graphs = low.graphs(spec, bundle_graphs(model, bundle.form), crops)
    reference = GraphNetwork(spec, graphs)
    decided = spec if spec.adaptive else None
    return compare(reference, BundleNetwork(bundle), bundle.settings, sequence, spec=decided)

"""How launches and work add up: three forms of the estimates' model, by their errors on trackers left out.

    python benchmarks/estimate_forms.py

A frame's launches and its work may follow one another (their sum, what ships), hide one another (the larger of the
two) or something between (the root of the sum of their squares). Columns of fewer than four trackers, and those whose
figures cannot separate launches from work, are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from published_figures import read_figures
from scipy.optimize import least_squares

from compress.latency.estimated import load_estimated
from compress.latency.estimated.fitting import Sample

Array = NDArray[np.float64]
FORMS: dict[str, Callable[[Array, Array], Array]] = {"sum": np.add, "larger": np.maximum, "root": np.hypot}
WITH_LOOPS = ("Jetson AGX Xavier", "Quadro RTX 8000", "Titan X", "Xeon Gold 6230R")
COLUMNS = (
    ("Jetson AGX Xavier", "onnxruntime"),
    *((device, "pytorch") for device in (*WITH_LOOPS, "RTX 2080 Ti", "RTX 2080", "Jetson Xavier NX", "Core i9-9900K")),
)


def main() -> None:
    print(f"{'left out: mean, max':34}" + "".join(f"{name:>18}" for name in FORMS))
    means: dict[str, list[float]] = {name: [] for name in FORMS}
    for device, runtime in COLUMNS:
        samples = [each.sample for each in read_figures() if each.column[:2] == (device, runtime)]
        samples = [sample for sample in samples if sample.scope in ("network", "loop")]
        loop = None if runtime == "pytorch" else load_estimated("agx").coefficients.loop_ms
        found = {name: _left_out(samples, form, loop) for name, form in FORMS.items()}
        for name, errors in found.items():
            means[name].append(fmean(errors))
        print(f"{device + ', ' + runtime:34}" + "".join(f"{fmean(e):>10.1%} {max(e):>7.1%}" for e in found.values()))
    print(f"{'mean of the means':34}" + "".join(f"{fmean(each):>10.1%}        " for each in means.values()))


def _left_out(samples: Sequence[Sample], form: Callable[[Array, Array], Array], loop: float | None) -> list[float]:
    """Absolute relative errors, each by coefficients fitted without its tracker."""
    rows, times = np.array([s.row for s in samples]), np.array([s.ms for s in samples])
    ids, found = np.array([s.spec.id for s in samples]), np.empty(len(samples))

    def time(x: Array, rows: Array) -> Array:
        return form(rows[:, 0] * x[0], rows[:, 1] * x[1]) + rows[:, 3] * (x[2] if loop is None else loop)

    for each in dict.fromkeys(ids):
        out = ids == each
        fits = [
            least_squares(lambda x, keep=~out: np.log(time(x, rows[keep]) / times[keep]), start, bounds=(0, np.inf))
            for start in itertools.product((5.0, 40.0, 90.0), (0.1, 1.0, 4.0), (2.0,))
        ]
        found[out] = np.abs(time(min(fits, key=lambda fit: fit.cost).x, rows[out]) / times[out] - 1)
    return [float(error) for error in found]


if __name__ == "__main__":
    main()

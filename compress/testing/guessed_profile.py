"""An estimated profile whose sums can be worked out by hand: 0.1 ms a launch, 3 ms a GMAC, a call 1 ms, a loop 2 ms."""

from __future__ import annotations

from compress.latency.estimated.profile import Coefficients, EstimatedProfile, LeaveOneOut, PublishedSpeed


def guessed(**changes: object) -> EstimatedProfile:
    figure = PublishedSpeed("ostrack256", 10.0, "nowhere, Table 0", "network", "a sundial", "once", 0.05, -0.1)
    fields: dict[str, object] = {
        "target": "guess",
        "device": "a guess",
        "hardware": "none",
        "runtime": "onnxruntime",
        "precision": "fp32",
        "provenance": "estimated",
        "limits": "everything",
        "coefficients": Coefficients(100.0, 3.0, 1.0, 2.0),
        "leave_one_out": LeaveOneOut(mean=0.1, max=0.1),
        "figures": (figure,),
    }
    return EstimatedProfile(**(fields | changes))  # type: ignore[arg-type]

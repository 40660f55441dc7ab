"""Profiles, a measured and an estimated one, whose sums can be worked out by hand."""

from __future__ import annotations

from compress.core import HeadSpec, LayerSpec, TrackerSpec
from compress.latency import BlockCost, Family, Overhead, Profile, Ratios, ValidationResult
from compress.latency.estimated.profile import Coefficients, EstimatedProfile, LeaveOneOut, PublishedSpeed


def tracker(*layers: LayerSpec) -> TrackerSpec:
    return TrackerSpec(dim=32, heads=4, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))


def layer(source: int = 0, mlp_hidden: int = 128, **fields: object) -> LayerSpec:
    return LayerSpec(source=source, mlp_hidden=mlp_hidden, **fields)  # type: ignore[arg-type]


def toy_profile(**changes: object) -> Profile:
    """Round numbers of ms; the loop takes 1 ms."""
    blocks = (
        BlockCost("joint", 128, 10.0),
        BlockCost("joint", 32, 4.0),
        BlockCost("joint", 128, 9.0, mlp_dims=28),
        BlockCost("joint", 32, 5.0, mlp_dims=28),
        BlockCost("joint", 128, 7.0, mlp_dims=16),
        BlockCost("joint", 32, 3.0, mlp_dims=16),
        BlockCost("joint", 128, 11.0, attn_dims=28),
        BlockCost("joint", 128, 8.0, attn_dims=16),
        BlockCost("AI", 128, 6.0),
    )
    fields: dict[str, object] = {
        "target": "toy",
        "device": "abacus",
        "runtime": "onnxruntime 1.0",
        "threads": 1,
        "family": Family.of(tracker(layer())),
        "overhead": (Overhead("joint", 3.0), Overhead("split", 2.0)),
        "blocks": blocks,
        "loop_ms": 1.0,
        "ratios": Ratios(mean=1.5, p50=1.25, p90=2.0, p99=3.0),
        "runs": 50,
        "warmup": 30,
        "validation": (ValidationResult("deep", 99.0, 100.0), ValidationResult("shallow", 53.0, 50.0)),
        "spread": 0.01,
    }
    return Profile(**(fields | changes))  # type: ignore[arg-type]


def toy_estimated_profile(**changes: object) -> EstimatedProfile:
    """0.1 ms a launch, 3 ms a GMAC, 1 ms a call, 2 ms the loop."""
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

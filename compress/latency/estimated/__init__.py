"""Latency on devices that were not measured, from coefficients fitted to published speeds.

A frame costs its kernel launches and its multiply-accumulates, each at a rate, and constants for the call and for the
loop around the network. docs/agx.md shows how well that holds.
"""

from compress.latency.estimated.file import UNFITTED, estimated_names, load_estimated
from compress.latency.estimated.predict import (
    EstimatedLatency,
    LatencyRange,
    estimate_latency,
    estimate_range,
    optimistic_latency,
)
from compress.latency.estimated.profile import EstimatedProfile

__all__ = [
    "EstimatedLatency",
    "EstimatedProfile",
    "LatencyRange",
    "UNFITTED",
    "estimate_latency",
    "estimate_range",
    "estimated_names",
    "load_estimated",
    "optimistic_latency",
]

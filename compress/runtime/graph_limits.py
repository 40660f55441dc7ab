"""What the graphs of a bundle may take, by its spec: a graph of a small tracker has no gigabyte of weights."""

from __future__ import annotations

from compress.core import TrackerSpec
from compress.core.cost import macs, parameters

MOST_MEMORY = 2**30
"""Bytes that the tensors of one graph may take; OSTrack-384's take 60 MB."""


def most_bytes(spec: TrackerSpec) -> int:
    """Bytes of one graph: its weights in single precision twice over, and what belongs to none of them.

    No file of ONNX has more than 2 GiB, whatever the spec: https://protobuf.dev/programming-guides/proto-limits/.
    """
    return min(8 * parameters(spec) + (16 << 20), 2**31 - 1)


def most_work(spec: TrackerSpec) -> int:
    """Multiply-accumulates of one graph, and touched values: twice what the tracker takes."""
    return 2 * macs(spec).full + (1 << 28)

"""The words of the tool: specs, records, errors. Standard library only."""

from compress.core.errors import CompressError, FileError, InfeasibleError, InterruptedRun, UsageError, unknown_name
from compress.core.named import TRACKERS, describe
from compress.core.records import Accuracy, Latency, Provenance
from compress.core.registry import Registry
from compress.core.spec import ATTENTIONS, Attention, HeadSpec, LayerSpec, TrackerSpec, kept_dims

__all__ = [
    "Accuracy",
    "ATTENTIONS",
    "Attention",
    "CompressError",
    "FileError",
    "HeadSpec",
    "InfeasibleError",
    "InterruptedRun",
    "Latency",
    "LayerSpec",
    "Provenance",
    "Registry",
    "TRACKERS",
    "TrackerSpec",
    "UsageError",
    "describe",
    "kept_dims",
    "unknown_name",
]

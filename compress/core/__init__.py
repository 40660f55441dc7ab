"""Specs, records, constraints, registries and errors, which every other package builds on. Standard library only."""

from compress.core.backbones.levit import LevitRules
from compress.core.backbones.rules import BACKBONES, BackboneRules
from compress.core.backbones.vit import VitRules
from compress.core.cascade import ACCURATE_ASKED, FAST_ALONE, AnySpec, CascadeSpec, missing_score
from compress.core.errors import (
    CompressError,
    CompressWarning,
    FileError,
    InfeasibleError,
    InterruptedRun,
    UsageError,
    unknown_name,
    warn,
)
from compress.core.execution_path import (
    ExecutionPath,
    WithPaths,
    cheapest_path,
    exit_shares,
    mean_layers,
    path_rows,
    worst_path,
)
from compress.core.fingerprints import fingerprint
from compress.core.latency_constraint import ConstraintCheck, LatencyConstraint
from compress.core.records import LATENCY_FIGURES, Accuracy, Latency, Precision, Provenance
from compress.core.registry import Registry
from compress.core.spec import TrackerSpec, kept_dims
from compress.core.spec_fields import (
    ATTENTIONS,
    Attention,
    BypassSpec,
    ExitSpec,
    HeadSpec,
    KeepBy,
    LayerSpec,
    Recycling,
    StageSpec,
)
from compress.core.store import Store
from compress.core.tracker_fields import TrackerFields
from compress.core.zoo import TRACKERS, describe

__all__ = [
    "ACCURATE_ASKED",
    "Accuracy",
    "AnySpec",
    "BACKBONES",
    "BackboneRules",
    "ATTENTIONS",
    "Attention",
    "BypassSpec",
    "CascadeSpec",
    "CompressError",
    "CompressWarning",
    "ConstraintCheck",
    "ExitSpec",
    "FAST_ALONE",
    "FileError",
    "HeadSpec",
    "InfeasibleError",
    "InterruptedRun",
    "KeepBy",
    "LATENCY_FIGURES",
    "Latency",
    "LatencyConstraint",
    "LayerSpec",
    "LevitRules",
    "Precision",
    "Provenance",
    "Recycling",
    "Registry",
    "StageSpec",
    "Store",
    "TRACKERS",
    "TrackerFields",
    "TrackerSpec",
    "UsageError",
    "VitRules",
    "WithPaths",
    "ExecutionPath",
    "cheapest_path",
    "describe",
    "exit_shares",
    "fingerprint",
    "kept_dims",
    "mean_layers",
    "missing_score",
    "unknown_name",
    "path_rows",
    "warn",
    "worst_path",
]

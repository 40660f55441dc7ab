"""Accuracy from published ablations alone, with intervals, before anything is trained."""

from compress.prior.ablations import AblationRow, Pair, pairs, rows
from compress.prior.cross_validation import LeftOut, leave_one_out
from compress.prior.elimination import elimination_model, elimination_rows
from compress.prior.estimates import DEFAULT_METRIC, Estimate, Retention, estimate, retention
from compress.prior.field_rules import FIELD_RULES, FieldRule, UnpricedError
from compress.prior.fitting import PRIORS, BackbonePrior, RetentionModel, levit_stretch, rate_ranges, retention_model
from compress.prior.knob_changes import CHANGES, changes
from compress.prior.published_points import (
    PublishedAccuracy,
    PublishedTracker,
    Scope,
    Speed,
    published,
    published_accuracy,
)
from compress.prior.published_speeds import TimedTracker, reaching, timed_on, timed_on_related

__all__ = [
    "BackbonePrior",
    "CHANGES",
    "FIELD_RULES",
    "FieldRule",
    "UnpricedError",
    "elimination_model",
    "elimination_rows",
    "DEFAULT_METRIC",
    "Estimate",
    "PublishedAccuracy",
    "LeftOut",
    "RetentionModel",
    "PRIORS",
    "Pair",
    "PublishedTracker",
    "Retention",
    "AblationRow",
    "Scope",
    "Speed",
    "TimedTracker",
    "changes",
    "estimate",
    "leave_one_out",
    "levit_stretch",
    "retention_model",
    "pairs",
    "published",
    "published_accuracy",
    "rate_ranges",
    "reaching",
    "retention",
    "rows",
    "timed_on",
    "timed_on_related",
]

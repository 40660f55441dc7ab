"""One-pass evaluation, metrics and result files; the same for a network and for a bundle."""

from compress.archive import PairedDifference, paired_difference
from compress.evaluate import curve_conventions, overlap_conventions  # noqa: F401 - they register what ships
from compress.evaluate.cascades import BundleCascadeTracker, TorchCascade
from compress.evaluate.conventions import CONVENTIONS, Convention, Curve, Figures
from compress.evaluate.following import Run
from compress.evaluate.formats import FORMATS, ResultFormat, TextFormat
from compress.evaluate.ope import Evaluation, evaluate
from compress.evaluate.outcome import Outcome
from compress.evaluate.running import EvaluationOptions, run_evaluation
from compress.evaluate.score import SequenceScore, pool, score_sequence
from compress.evaluate.summary import evaluation_summary, outcome_summary
from compress.evaluate.trackers import BundleTracker, EvaluatedTracker, TorchTracker

__all__ = [
    "BundleCascadeTracker",
    "BundleTracker",
    "CONVENTIONS",
    "Convention",
    "Curve",
    "EvaluatedTracker",
    "Evaluation",
    "EvaluationOptions",
    "FORMATS",
    "Figures",
    "Outcome",
    "PairedDifference",
    "ResultFormat",
    "Run",
    "SequenceScore",
    "TextFormat",
    "TorchCascade",
    "TorchTracker",
    "evaluate",
    "evaluation_summary",
    "outcome_summary",
    "paired_difference",
    "pool",
    "run_evaluation",
    "score_sequence",
]

"""One-pass evaluation, metrics and result files; the same for a network and for a bundle."""

from compress.archive import PairedDifference, paired_difference
from compress.evaluate.ope import Evaluation, evaluate
from compress.evaluate.results import check_results, write_results
from compress.evaluate.score import SequenceScore, pool, score_sequence

__all__ = [
    "Evaluation",
    "PairedDifference",
    "SequenceScore",
    "check_results",
    "evaluate",
    "paired_difference",
    "pool",
    "score_sequence",
    "write_results",
]

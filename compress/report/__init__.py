"""An archive as a page: the front, everything that was tried, and how the figures were obtained. No torch."""

from compress.report.finetuned import finetuned_sentence
from compress.report.page import write_report
from compress.report.published_sentences import published_answer, published_sentences
from compress.report.summary import comparison_sentence, noise_sentence, remarks, summary_sentence

__all__ = [
    "comparison_sentence",
    "finetuned_sentence",
    "noise_sentence",
    "published_answer",
    "published_sentences",
    "remarks",
    "summary_sentence",
    "write_report",
]

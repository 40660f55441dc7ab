"""An archive as a page a person can decide from. No torch."""

from compress.report.page import write_report
from compress.report.summary import summary_sentence

__all__ = ["summary_sentence", "write_report"]

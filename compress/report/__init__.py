"""An archive as a page: the front, everything that was tried, and how the figures were obtained. No torch."""

from compress.report.page import write_report
from compress.report.summary import summary_sentence

__all__ = ["summary_sentence", "write_report"]

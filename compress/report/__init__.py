"""An archive as a page a person can decide from. No torch."""

from compress.report.page import write_report
from compress.report.summary import verdict

__all__ = ["verdict", "write_report"]

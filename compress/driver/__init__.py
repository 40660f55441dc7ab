"""The search: asking, gating, training, telling; resumable at any point."""

from compress.driver.config import SearchConfig
from compress.driver.search import search

__all__ = ["SearchConfig", "search"]

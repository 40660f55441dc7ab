"""The search: asking, gating, training, telling; resumable at any point. `compress.search` is `search.search`."""

from compress.driver.settings import SearchKeywords, SearchSettings

__all__ = ["SearchKeywords", "SearchSettings"]

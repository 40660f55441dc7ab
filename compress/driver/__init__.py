"""The search: proposes students, rejects slow ones, trains and scores the rest. `compress.search` is in `search`."""

from compress.driver.settings import SearchKeywords, SearchSettings

__all__ = ["SearchKeywords", "SearchSettings"]

"""For tests of what is added from outside: a home of their own, and what a small search needs."""

from compress.testing.search_inputs import data, home, weights

__all__ = ["data", "home", "weights"]

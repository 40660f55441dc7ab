"""`Progress`: the one protocol by which long tasks report how much is done.

A task calls a `Progress` as often as it likes, and a display updates as seldom as it likes. The time left is not part
of the protocol: a display works it out from the share done and its own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Takes what is being done, and how much of it."""

    def __call__(self, text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        """Note a step of the work.

        Args:
            text: What is being done, for a reader, without the share.
            share: Of the task at hand that is done, in [0, 1].
            figures: What came out so far, by name, such as the terms of a loss; the most important first.
        """


def no_progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
    """A `Progress` that shows nothing."""


def part(progress: Progress, first: float, last: float, title: str = "") -> Progress:
    """Progress of a part of a task, which fills the span from `first` to `last` of the whole.

    Args:
        title: Put before every text of the part, as `title: text`; nothing when empty.
    """

    def mapped(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        progress(f"{title}: {text}" if title else text, first + (last - first) * min(1.0, max(0.0, share)), figures)

    return mapped

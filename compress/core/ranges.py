"""The ranges of numbers that users give, on the command line and from Python: said once, with their units.

    THREADS.check("threads", 4)         # returns 4
    THREADS.check("threads", 10**9)     # UsageError: threads must be a whole number from 1 to 256 but is 1000000000.

Each has two finite limits, so that no number can ask for endless work or overflow on its way through arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from compress.core.errors import UsageError
from compress.core.plain_values import shown
from compress.core.threads import MOST_THREADS

_WHOLE = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?", re.ASCII)


@dataclass(frozen=True)
class NumberRange:
    """Numbers from `at_least` to `at_most`.

    Attributes:
        whole: Whole numbers only.
        open: The limits themselves are left out.
        unit: What is counted, such as `seconds`, for messages.
    """

    at_least: float
    at_most: float
    whole: bool = False
    open: bool = False
    unit: str = ""

    def __str__(self) -> str:
        """As a message names it: `a whole number from 1 to 256`."""
        kind = "a whole number" if self.whole else "a number"
        unit = f" of {self.unit}" if self.unit else ""
        low, high = _number(self.at_least), _number(self.at_most)
        return f"{kind}{unit} above {low} and below {high}" if self.open else f"{kind}{unit} from {low} to {high}"

    def __contains__(self, value: object) -> bool:
        """Whether a value is a number of this range; NaN, booleans and texts are in none."""
        if type(value) is not int and (self.whole or type(value) is not float):
            return False
        assert isinstance(value, int | float)
        if self.open:
            return self.at_least < value < self.at_most
        return self.at_least <= value <= self.at_most

    def check(self, name: str, value: Any) -> Any:
        """Return `value` where it is a number of this range.

        Raises:
            UsageError: naming the range and what came; NumPy's numbers are to be given as Python's.
        """
        if value not in self:
            raise UsageError(f"{name} must be {self} but is {shown(value)}.")
        return value

    def read(self, text: str) -> Any:
        """The number that a text of ASCII digits is; None where it is none of this range."""
        pattern, kind = (_WHOLE, int) if self.whole else (_DECIMAL, float)
        found = kind(text) if pattern.fullmatch(text) else None
        return found if found in self else None


def _number(limit: float) -> str:
    if limit == int(limit) and abs(limit) < 1e15:
        return f"{int(limit):,}" if abs(limit) >= 10_000 else str(int(limit))
    return f"{limit:g}"


THREADS = NumberRange(1, MOST_THREADS, whole=True)
"""Of a runtime; more make native libraries fail, and no processor of today has use for them."""

SEED = NumberRange(0, 2**31 - 1, whole=True)
"""Of everything random; what NumPy, PyTorch and Optuna all take."""

FPS = NumberRange(0.001, 1_000_000, unit="frames per second")
SPEEDUP = NumberRange(0.001, 10_000)
"""Times the teacher's speed."""

MILLISECONDS = NumberRange(1e-6, 1e7, unit="milliseconds")
"""Of one frame."""

SHARE = NumberRange(0, 1, open=True)
UNIT = NumberRange(0, 1)
"""Thresholds of scores and probabilities."""

AO_DROP = NumberRange(0, 1)
"""Average overlap that may be lost."""

STEPS = NumberRange(1, 100_000_000, whole=True)
"""Of the optimiser of a teacher."""

STUDENT_STEPS = NumberRange(2, 100_000_000, whole=True)
"""Of full distillation, of which the first rung is a part."""

WARMUP = NumberRange(0, 100_000_000, whole=True)
"""Steps of it."""

REUSE = NumberRange(1, 10_000, whole=True)
"""Uses of each batch of pairs."""

ACCUMULATE = NumberRange(1, 4096, whole=True)
"""Parts of a batch whose gradients are averaged."""

CLIP = NumberRange(0, 1_000_000)
"""Norm of gradients; 0 leaves them as they are."""

WEIGHT = NumberRange(0, 1_000_000)
"""Of a part of a loss, or of a rate over another."""

LEARNING_RATE = NumberRange(1e-12, 1000)
WEIGHT_DECAY = NumberRange(0, 1000)
DECAY = NumberRange(0, 0.999_999_999)
"""A share that 1 would make endless: of averaged weights, of paths dropped."""

GENERATION = NumberRange(1, 10_000, whole=True)
"""Students at a time."""

ETA = NumberRange(2, 10_000, whole=True)
"""Of so many students one goes on."""

TRIALS = NumberRange(1, 100_000, whole=True)
"""Students of one search; it keeps the archive of all of them in memory."""

PAIRS = NumberRange(64, 10_000_000, whole=True)
"""Of frames that students are distilled on; memory and disk end before."""

BATCH = NumberRange(2, 65_536, whole=True)
SEQUENCES = NumberRange(1, 65_536, whole=True)
"""Followed at once."""

READING_WORKERS = NumberRange(0, 1024, whole=True)
"""Processes that read data; 0 for none beside the one that asks."""

MINUTES = NumberRange(0, 10_000_000, unit="minutes")
SECONDS = NumberRange(1, 1_000_000_000, whole=True, unit="seconds")
UPDATE_INTERVAL = NumberRange(0, 1_000_000_000, whole=True, unit="frames")
RUNS = NumberRange(10, 1_000_000, whole=True)
"""Timed runs of a whole tracker."""

ANY_RUNS = NumberRange(1, 1_000_000, whole=True)
"""As `RUNS`, for callers from Python, who may want few."""

ROUNDS = NumberRange(10, 1000, whole=True)
"""Visits to each network of a profile."""

ANY_ROUNDS = NumberRange(2, 1000, whole=True)
"""As `ROUNDS`, for callers from Python."""

WORKERS = NumberRange(0, 256, whole=True)
"""Processes that draw pairs; 0 draws in the process itself."""

EXECUTOR_WORKERS = NumberRange(1, 256, whole=True)
"""Processes that train and score students."""

AMOUNT = NumberRange(0.01, 1_000_000)
"""Of a resource of a cluster, such as cores."""

GIGABYTES = NumberRange(0, 1_000_000_000, unit="gigabytes")
PIXELS = NumberRange(-10_000_000, 10_000_000, unit="pixels")
"""Coordinates of a box; it is checked against its frame where that is known."""

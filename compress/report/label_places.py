"""Where names of points in a plot stand, so that they lie neither on points nor on one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians, sin

Spot = tuple[float, float]
"""A point of a plot: x and y."""

_Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_WIDTH, _HEIGHT = 1150.0, 500.0
"""Pixels between the axes on a wide screen; on a narrow one names may come closer to each other."""

_CHARACTER, _LINE, _MARKER = 6.6, 15.0, 6.0
"""Pixels: width of a character and height of a line of a name, half the width of a marker."""

_ANGLES = (0, 180, -30, 30, -150, 150, -60, 60, -120, 120, -90, 90)
"""Directions in which a name is tried, clockwise from the right, in degrees."""


@dataclass(frozen=True)
class Plot:
    """The ranges of both axes."""

    x: tuple[float, float]
    y: tuple[float, float]

    def holds(self, spot: Spot) -> bool:
        """Whether a point is in view."""
        return self.x[0] <= spot[0] <= self.x[1] and self.y[0] <= spot[1] <= self.y[1]

    def pixels(self, spot: Spot) -> Spot:
        """Pixels from the left and from the top."""
        (left, right), (low, high) = self.x, self.y
        return _WIDTH * (spot[0] - left) / (right - left), _HEIGHT * (high - spot[1]) / (high - low)


def label_offsets(
    names: Sequence[tuple[Spot, str]], plot: Plot, taken: Sequence[Spot], labels: Sequence[tuple[Spot, str]]
) -> list[Spot | None]:
    """How far right and down of its point the middle of each name stands, in pixels; None where it finds no room.

    A name stands as near to its point as nothing is in the way; those that come first choose first.

    Args:
        taken: Other points than those named.
        labels: Texts that are drawn at the top left of points.
    """
    points = [plot.pixels(spot) for spot in dict.fromkeys((*(spot for spot, _ in names), *taken))]
    boxes = [_box(x, y, _MARKER, _MARKER) for x, y in points]
    boxes += [_beside(plot.pixels(spot), text) for spot, text in labels if text]
    found: list[Spot | None] = []
    for spot, name in names:
        x, y = plot.pixels(spot)
        own = _box(x, y, _MARKER, _MARKER)
        free = (
            (right, down)
            for right, down in _offsets(_half(name))
            if _is_inside(box := _box(x + right, y + down, _half(name), _LINE / 2))
            and not any(_overlap(box, other) for other in boxes if other != own)
        )
        place = next(free, None)
        found.append(place)
        if place is not None:
            boxes.append(_box(x + place[0], y + place[1], _half(name), _LINE / 2))
    return found


def _offsets(half: float) -> Iterator[Spot]:
    """Right beside a point, then ever farther away all around."""
    for gap in (8, 24, 45, 70, 100, 140, 190, 250):
        for angle in _ANGLES:
            yield (half + gap) * cos(radians(angle)), (_LINE / 2 + gap) * sin(radians(angle))


def _half(name: str) -> float:
    return _CHARACTER * len(name) / 2 + 2


def _beside(spot: Spot, text: str) -> _Box:
    width = 8 * len(text)
    return spot[0] - width, spot[1] - 22, spot[0], spot[1] - 4


def _box(x: float, y: float, half_width: float, half_height: float) -> _Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _is_inside(box: _Box) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= _WIDTH and box[3] <= _HEIGHT


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

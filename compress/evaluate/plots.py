"""Curves as SVG files: success and precision over their thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from compress.core.text import printable
from compress.evaluate.conventions import Curve

_WIDTH, _HEIGHT = 560, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 40, 55
_TICKS = 5
"""Intervals of each axis."""
_TITLES = {"success": "Success", "precision": "Precision", "norm_precision": "Normalised precision"}


def curve_svg(curve: Curve, tracker: str, *, data: str) -> str:
    """One curve as an SVG file, readable on light and dark pages.

    Args:
        tracker: Named in the legend, with the curve's value.
        data: What it was evaluated on, for the title.
    """
    return "\n".join(_lines(curve, printable(tracker, most=50), printable(data, most=60))) + "\n"


def _lines(curve: Curve, tracker: str, data: str) -> Iterator[str]:
    title = _TITLES.get(curve.name, curve.name)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="system-ui, sans-serif" font-size="13">'
    )
    yield f"<title>{escape(title)} of {escape(tracker)} on {escape(data)}</title>"
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    yield _text(_WIDTH / 2, 22, f"{title} on {data}", size=15)
    last = float(curve.x[-1]) or 1.0
    yield from _grid(last)
    yield _text(_WIDTH / 2, _HEIGHT - 12, f"threshold: {curve.x_label}")
    yield _text(16, _HEIGHT / 2, "share of frames", turn=f' transform="rotate(-90 16 {_HEIGHT / 2:g})"')
    points = " ".join(f"{_x(x / last):.1f},{_y(y):.1f}" for x, y in zip(curve.x, curve.y, strict=True))
    yield f'<polyline points="{points}" fill="none" stroke="#1f6feb" stroke-width="2.5"/>'
    yield from _legend(f"{tracker} [{curve.value:.3f}]", at_top=bool(curve.y[-1] < curve.y[0]))
    yield "</svg>"


def _grid(last: float) -> Iterator[str]:
    for share in np.linspace(0, 1, _TICKS + 1).tolist():
        x, y = _x(share), _y(share)
        yield f'<path d="M{x:.1f} {_y(0):.1f}V{_y(1):.1f}M{_x(0):.1f} {y:.1f}H{_x(1):.1f}" stroke="#d0d7de"/>'
        yield _text(x, _y(0) + 18, f"{share * last:g}")
        yield _text(_LEFT - 8, y + 4, f"{share:g}", anchor="end")


def _legend(text: str, *, at_top: bool) -> Iterator[str]:
    """In the corner on the right that the curve leaves free."""
    y = _y(0.95) if at_top else _y(0.05)
    yield f'<path d="M{_x(1) - 32:.1f} {y:.1f}h24" stroke="#1f6feb" stroke-width="2.5"/>'
    yield _text(_x(1) - 40, y + 4, text, anchor="end")


def _text(x: float, y: float, text: str, *, size: int = 13, anchor: str = "middle", turn: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#1f2328"{turn}>'
        f"{escape(text)}</text>"
    )


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

"""Plots are well-formed whatever trackers and data are called, and show the curve."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from compress.evaluate import Curve
from compress.evaluate.plots import curve_svg

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("last", [1.0, 50.0, 0.0])
def test_a_curve(last: float) -> None:
    curve = Curve("success", np.linspace(0, last, 5), np.array([1, 0.75, 0.5, 0.25, 0]), "overlap", 0.5)
    root = ElementTree.fromstring(curve_svg(curve, "<a & b>\x1b", data='"c"'))
    texts = [each.text or "" for each in root.iter(f"{SPACE}text")]
    assert "<a & b>\\x1b [0.500]" in texts
    assert 'Success on "c"' in texts
    (line,) = root.iter(f"{SPACE}polyline")
    points = np.array([point.split(",") for point in line.attrib["points"].split()], dtype=float)
    assert len(points) == 5
    assert (np.diff(points[:, 1]) > 0).all()  # y of SVG goes down as shares do
    np.testing.assert_allclose(np.diff(points[:, 1]), np.diff(points[:, 1])[0], atol=0.11)
    assert (np.diff(points[:, 0]) > 0).all() == (last > 0)

"""The plot of `knobs_front.py`: AO against measured speed, a line for each arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from compress.core.writing import writing

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#7f7f7f")
"""Okabe and Ito's, which the colour-blind tell apart, and a grey; joint arms are black."""
_MARKS = "osDv^<>P"
_JOINT = {"joint": "s-", "joint, seeded": "o--", "joint, seeded, fp32": "D:"}


def plot(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Draw the lines of a front, those without a student left out; error bars are standard errors of the AO itself."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    figure, axes = plt.subplots(figsize=(5.2, 6.4), layout="constrained")
    known = [row for row in rows if row["ao"]]
    alone = [arm for arm in dict.fromkeys(row["arm"] for row in known) if arm not in ("teacher", *_JOINT)]
    for arm in dict.fromkeys(row["arm"] for row in known):
        own = {row["spec_id"]: row for row in known if row["arm"] == arm}.values()
        x, y, error = zip(*sorted((_speed(row), float(row["ao"]), float(row["ao_se"])) for row in own), strict=True)
        axes.errorbar(x, y, error, label=arm, capsize=2, **_look(arm, alone))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([1, 1.5, 2, 3, 4, 6, 8]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}×"))
    axes.set_xlabel("speed, times the teacher's", fontsize=13)
    axes.set_ylabel("AO on generated sequences", fontsize=13)
    axes.tick_params(labelsize=12)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=11, ncols=2, loc="lower center", bbox_to_anchor=(0.45, 1.0), frameon=False)
    with writing(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
    plt.close(figure)


def _speed(row: Mapping[str, str]) -> float:
    """As measured, or as predicted where it was not timed yet."""
    return float(row["speedup"] or row["chosen_by"])


def _look(arm: str, alone: Sequence[str]) -> dict[str, object]:
    if arm == "teacher":
        return {"color": "black", "fmt": "*", "markersize": 12}
    if arm in _JOINT:
        return {"color": "black", "fmt": _JOINT[arm], "linewidth": 2}
    i = alone.index(arm) % len(_COLOURS)
    return {"color": _COLOURS[i], "fmt": f"{_MARKS[i]}-", "linewidth": 1.3, "markersize": 6}

"""What `compress evaluate` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from compress.cli.execution_paths import path_figures, path_text
from compress.cli.options import print_json
from compress.core.text import printable

if TYPE_CHECKING:
    from compress.core import AnySpec
    from compress.evaluate import Outcome


def print_outcome(outcome: Outcome, spec: AnySpec, *, as_json: bool, with_metrics: bool) -> None:
    """Print figures as text, or all of them as JSON.

    Args:
        with_metrics: Also what the data's convention says, which JSON always has.
    """
    from compress.evaluate import outcome_summary

    found = outcome_summary(outcome)
    paths = {} if outcome.evaluation is None else outcome.evaluation.paths
    if as_json:
        print_json({**found, **path_figures(paths, spec)})
        return
    metrics = found.pop("metrics", None) if with_metrics else None
    for name, value in found.items():
        if isinstance(value, int | float):
            click.echo(f"{name:12} {value:.4f}" if isinstance(value, float) else f"{name:12} {value}")
    for line in _speed_and_gaps(outcome):
        click.echo(line)
    if metrics is not None and outcome.total is not None:
        click.echo(f"\nAs {outcome.convention} counts:")
        for name, value in outcome.total.values.items():
            click.echo(f"{name:12} {value:.4f}")
        for line in _attribute_lines(outcome):
            click.echo(line)
    if paths:
        click.echo(path_text(paths, spec))


def _speed_and_gaps(outcome: Outcome) -> list[str]:
    """What the figures above do not say by themselves."""
    lines = []
    if outcome.workers > 1:
        lines.append(f"fps is what each of {outcome.workers} workers came to, beside the others.")
    if outcome.evaluation is None:
        lines.append(
            f"No scores: only the first box is known of the {len(outcome.unscored)} sequences. The files of results "
            "are for the data set's server."
        )
    elif outcome.unscored:
        lines.append(f"{len(outcome.unscored)} sequences are not scored, since only their first box is known.")
    return lines


def _attribute_lines(outcome: Outcome) -> list[str]:
    """A table of the figures of sequences with each attribute."""
    if not outcome.attributes:
        return []
    names = list(outcome.attributes[0].figures.values)
    titles = [printable(each.name, most=40) for each in outcome.attributes]
    width = max(len("attribute"), *map(len, titles)) + 2
    head = f"\n{'attribute':{width}}{'sequences':>10}" + "".join(f"{name:>14}" for name in names)
    rows = [
        f"{title:{width}}{each.sequences:10}" + "".join(f"{each.figures.values[name]:14.4f}" for name in names)
        for title, each in zip(titles, outcome.attributes, strict=True)
    ]
    return [head, *rows]

"""`pareto.csv` and `trials.csv`: one row per variant, the teacher among them, marked.

Variants that were trained on after the search are in `trials.csv` alone, at fidelity `finetuned`, with their parents.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from compress.archive.archive import Archive
from compress.archive.comparison import versus_next
from compress.archive.record import Record
from compress.core import TrackerSpec
from compress.core.text import csv_cell
from compress.core.writing import write_file


def row(archive: Archive, record: Record) -> dict[str, Any]:
    """One record as a flat row: JSON scalars, None where nothing is known."""
    return {
        "variant": record.variant,
        "spec_id": record.spec.id,
        **_accuracy(record),
        **_versus_next(archive, record),
        **_prior(record),
        **_lineage(record),
        **_latency(record),
        "params": record.params,
        "macs": record.macs,
        "macs_per_frame": record.macs_per_frame,
        **_shape(record),
        "runs_in": archive.runs_in(record),
        "teacher": record.is_teacher,
        "within_bound": archive.constraint.met_by(record.latency),
        "worst_within_bound": archive.constraint.met_at_worst(record.latency),
        "origin": record.origin,
        "status": record.status,
        "reason": record.reason,
    }


def front_rows(archive: Archive, fidelity: str | None = None) -> list[dict[str, Any]]:
    """Rows of the front, fastest first, then the teacher; at the highest fidelity reached where None."""
    return [row(archive, record) for record in archive.front_table(fidelity)]


def pareto_csv(archive: Archive) -> str:
    """The front and the teacher as CSV."""
    return csv_text(front_rows(archive))


def trials_csv(archive: Archive) -> str:
    """Everything that was tried as CSV, the teacher first, fine-tuned variants last."""
    return csv_text([row(archive, record) for record in (archive.teacher, *archive.records, *archive.finetuned)])


def write_pareto_csv(archive: Archive, path: Path) -> None:
    """Write `pareto_csv`. Raises `OSError` where `path` cannot be written."""
    write_file(path, pareto_csv(archive))


def write_trials_csv(archive: Archive, path: Path) -> None:
    """Write `trials_csv`. Raises `OSError` where `path` cannot be written."""
    write_file(path, trials_csv(archive))


def _accuracy(record: Record) -> dict[str, Any]:
    a = record.accuracy
    names = ("ao", "ao_se", "ao_seq", "sr50", "sr75", "auc")
    return {name: getattr(a, name) if a else None for name in names} | {
        "fidelity": record.fidelity if record.ao is not None else None,
        "precision": a and a.precision,
    }


def _versus_next(archive: Archive, record: Record) -> dict[str, Any]:
    found = versus_next(archive, record)
    return {"vs_next": found and found.mean, "vs_next_se": found and found.se}


def _prior(record: Record) -> dict[str, Any]:
    """Columns of runs that hold estimated accuracies: beside the measured ones, which are empty then."""
    found = record.prior
    if found is None:
        return {}
    return {
        "prior_ao": found.mean,
        "prior_low": found.low,
        "prior_high": found.high,
        "prior_metric": found.metric,
        "prior_provenance": f"estimated: retention of {found.teacher:g} ({found.source})",
    }


def _lineage(record: Record) -> dict[str, Any]:
    """Columns of runs with fine-tuned variants: what they come from, and by how much they are better than that."""
    found = record.lineage
    if found is None:
        return {}
    compared = {"vs_parent": found.evaluation, "validation_vs_parent": found.validation}
    return {
        "parent": found.parent,
        **{name: each and each.mean for name, each in compared.items()},
        **{f"{name}_se": each and each.se for name, each in compared.items()},
        "finetuning_steps": found.steps,
        "finetuning_recipe": found.recipe,
        "finetuning_data": found.train_data,
    }


def _latency(record: Record) -> dict[str, Any]:
    best = record.latency
    timed = best if best and best.runs else None  # published speeds are means, without percentiles
    return {
        "latency_ms": best and best.mean_ms,
        "latency_provenance": best and best.provenance,
        "fps": best and best.fps,
        "p50_ms": timed and timed.p50_ms,
        "p90_ms": timed and timed.p90_ms,
        "p99_ms": timed and timed.p99_ms,
        "worst_ms": best and best.worst_ms,
        "optimistic": record.optimistic,
        "predicted_ms": record.predicted and record.predicted.mean_ms,
        "measured_ms": record.measured and record.measured.mean_ms,
        "latency_error": record.latency_error,
        "latency_noise": best and best.noise,
    }


def _shape(record: Record) -> dict[str, Any]:
    spec = record.spec
    return {
        "adaptive": adaptive(spec),
        "depth": len(spec.layers),
        "mean_layers": record.layers_used,
        "attention": spec.attention,
        "fe_layers": spec.count("FE"),
        "ai_layers": spec.count("AI"),
        "source_layers": " ".join(str(layer.source) for layer in spec.layers),
        "mlp_hidden": uniform(layer.mlp_hidden for layer in spec.layers),
        "attn_dims": uniform(layer.attn_dims or spec.dim for layer in spec.layers),
        "mlp_dims": uniform(layer.mlp_dims or spec.dim for layer in spec.layers),
        "search_size": spec.search_size,
        "template_size": spec.template_size,
        "heads": uniform(layer.heads or spec.heads for layer in spec.layers) if not spec.stages else None,
        "search_tokens": uniform(spec.search_tokens_after),
        "template_patches": len(spec.template_places),
    }


def adaptive(spec: TrackerSpec) -> str:
    """What is decided per frame: `bypass`, `exits`, `bypass exits`, or nothing."""
    return " ".join(["bypass"] * (spec.bypass is not None) + ["exits"] * (len(spec.exits) > 1))


def uniform(values: Iterable[int]) -> str:
    """One number where all layers agree, else all of them: `512`, or `512 512 256`."""
    found = [str(value) for value in values]
    return found[0] if len(set(found)) == 1 else " ".join(found)


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Rows of JSON scalars as CSV with a header, empty where a row lacks a column."""
    import pandas as pd

    table = pd.DataFrame([{name: _cell(value) for name, value in each.items()} for each in rows], dtype=object)
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text


def _cell(value: Any) -> Any:
    """A cell of a CSV file, with truth values in JSON's words and six digits of a number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return csv_cell(value)

"""`report/index.html`: one page that opens without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from compress.archive import Archive, pareto_csv, trials_csv
from compress.core.text import printable, shell_command
from compress.core.writing import write_together
from compress.report import formatting
from compress.report.figure import figure
from compress.report.finetuned import finetuned_table
from compress.report.latency_errors import errors_table
from compress.report.learning_curves import curves_figure
from compress.report.path_histograms import histograms
from compress.report.plan_sections import plan_method, plan_statements
from compress.report.published_comparison import published_csv
from compress.report.published_sentences import published_sentences
from compress.report.published_trackers import published_table
from compress.report.sections import any_adaptive, front_note, front_table, time_table, trials_table
from compress.report.summary import comparison_sentence, noise_sentence, summary_sentence
from compress.report.tables import flat

if TYPE_CHECKING:
    import jinja2


def write_report(archive: Archive, run_dir: Path) -> Path:
    """Write `pareto.csv`, `trials.csv` and `report/index.html` of a run, which change together; the page's path.

    A plan whose device trackers were published on has `published.csv`, too.

    Raises:
        OSError: one of them cannot be written; all are as they were.
    """
    path = run_dir / "report" / "index.html"
    tables = {run_dir / "pareto.csv": pareto_csv(archive), run_dir / "trials.csv": trials_csv(archive)}
    published = published_csv(archive)
    if published is not None:
        tables[run_dir / "published.csv"] = published
    write_together({**tables, path: report_page(archive)})
    return path


def report_page(archive: Archive) -> str:
    """The page of a run as HTML, complete in itself."""
    from plotly.offline import get_plotlyjs

    page = _environment().get_template("page.html.j2").render(_values(archive, get_plotlyjs()))
    # Paths may hold bytes that are no text, which Python keeps as lone surrogates; UTF-8 has none.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("compress.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: Any) -> Any:
    """Texts of files and paths without what reorders or hides other text; what the package made is left as it is."""
    return printable(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def _values(archive: Archive, plotly: str) -> dict[str, Any]:
    """What the template shows, by its names."""
    script = _resource("page.js")
    errors, errors_note = errors_table(archive)
    plan, curves = archive.plan, curves_figure(archive)
    return {
        "policy": _policy(plotly, script),
        "theme": Markup(_resource("page.css")),
        "plotly": Markup(plotly),
        "script": Markup(script),
        "figure": Markup(_json(figure(archive))),
        "title": f"{'Plan: ' if plan else ''}{_setting(archive, 'teacher')} → {_setting(archive, 'target')}",
        "bound": formatting.constraint_text(archive.constraint),
        "summary": summary_sentence(archive),
        "comparison": comparison_sentence(archive),
        "noise": noise_sentence(archive),
        "peers": published_sentences(archive),
        "markers": _markers(archive),
        "adaptive": any_adaptive(archive),
        "plan": plan and {"statements": plan_statements(archive, plan), "published": published_table(archive)},
        "front_note": front_note(archive),
        "front": front_table(archive),
        "finetuned": finetuned_table(archive),
        "curves": curves and Markup(_json(curves)),
        "histograms": histograms(archive),
        "commands": plan.commands if plan else _commands(archive),
        "errors": errors,
        "errors_note": errors_note,
        "method": plan_method(archive, plan) if plan else _method(archive),
        "count": len(archive.records),
        "statuses": _counts(archive),
        "trials": trials_table(archive),
        "times": time_table(archive),
        "settings": list(flat(archive.settings)),
        "environment": list(flat(archive.environment)),
    }


def _markers(archive: Archive) -> str:
    if archive.plan:
        return "Hollow markers: latency not measured. Bars: expected accuracy, of those named. Crosses: published."
    return "Filled markers: latency measured; hollow: predicted. Bars: ± 1 standard error of AO."


def _commands(archive: Archive) -> tuple[str, ...]:
    """What to do with the most accurate variant of the front; nothing where there is none."""
    front = archive.front(archive.fidelity)
    run = archive.run_dir
    if not front:
        return ()
    name = max(front, key=lambda r: r.accuracy.ao if r.accuracy else 0.0).variant
    return (
        shell_command("compress", "export", run, "--variant", name, "--out", "bundle/"),
        "compress track bundle/ --video FILE --init x,y,w,h --out boxes.txt",
        shell_command("compress", "evaluate", f"{run}:{name}", "--data", "folder:PATH"),
    )


def _method(archive: Archive) -> list[str]:
    """How the figures were obtained, a statement each."""
    lines = [
        "Latency is milliseconds per frame at batch 1 for crop, normalise, network and decode, with the "
        "template's work done once per sequence. fps is 1000 over its mean.",
        "measured: timed whole on that device. predicted: summed from components measured on that device. "
        "estimated: fitted to published figures.",
        "Fidelity is how far a variant was trained: rung-0 has inherited weights only, rung-k part of the "
        "distillation, full all of it. Rungs below full are scored on shorter sequences, so their AO cannot be "
        "compared with the front's. finetuned is beyond full: trained on after the search, and listed apart. The "
        "front holds one fidelity; the teacher is listed beside it.",
    ]
    timed, scored = archive.teacher.latency, archive.teacher.accuracy
    if timed and not timed.runs:
        lines.insert(1, f"Latencies are estimated for {timed.device}, {timed.runtime}: nothing was timed.")
    elif timed:
        runs = f"{timed.runs} timed runs after {timed.warmup} for warm-up, {_threads(timed.threads)}"
        lines.insert(1, f"The teacher: {runs}, {timed.runtime}, device {timed.device}.")
    if any_adaptive(archive):
        lines.insert(2, _ADAPTIVE)
    if scored:
        lines.append(
            f"AO is the average overlap pooled over the {scored.frames} frames of {scored.sequences} sequences, "
            "each tracked once from its first box. SE is the standard error from a bootstrap over sequences."
        )
        if scored.precision != "fp32":
            lines.append(
                f"At fidelity full every AO, the teacher's too, is that of the {scored.precision} graphs under "
                "onnxruntime, as they are exported and timed; rungs below are scored in fp32."
            )
        elif archive.mixed:
            lines.append(
                "At fidelity full every AO is that of the variant's precision: in fp32 of its network, below of its "
                "graphs under onnxruntime, as they are exported and timed. Rungs below are scored in fp32, and the "
                "teacher is in fp32."
            )
    return lines


_ADAPTIVE = (
    "Adaptive variants skip layers or leave early, frame by frame, and run as a graph for each stage, with the host "
    "choosing the next. Their mean and percentiles are over the execution paths that the frames of the evaluation "
    "took; worst path is the mean where every frame takes the most expensive one. “At best” marks a bound instead, of "
    "variants whose paths were never counted: the share τ0 of the layers skipped and the first exit taken."
)


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


def _counts(archive: Archive) -> str:
    if archive.plan:
        return "none was trained"
    return ", ".join(f"{n} {status}" for status, n in Counter(r.status for r in archive.records).most_common())


def _setting(archive: Archive, name: str) -> str:
    return str(archive.settings.get(name) or name)


def _resource(name: str) -> str:
    return (files("compress.report") / name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(*scripts: str) -> str:
    """Content policy: nothing is fetched from anywhere, and only these two scripts run, whatever text came in."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"

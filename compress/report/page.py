"""`report/index.html`: one page that opens without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

from compress.archive import Archive
from compress.core.files import write_text
from compress.report import formatting
from compress.report.execution_paths import paths_section
from compress.report.figure import figure
from compress.report.markup import Markup, escape, pairs
from compress.report.plan_sections import plan_commands, plan_section, plan_statements, published_section
from compress.report.sections import any_adaptive, errors_table, front_note, front_table, trials_table
from compress.report.summary import verdict


def write_report(archive: Archive, folder: Path) -> Path:
    """Write `folder/index.html` and return its path.

    Raises:
        OSError: `folder` cannot be written.
    """
    from plotly.offline import get_plotlyjs

    path = folder / "index.html"
    write_text(path, _page(archive, get_plotlyjs()))
    return path


def _page(archive: Archive, plotly: str) -> str:
    title = f"{'Plan: ' if archive.plan else ''}{_setting(archive, 'teacher')} → {_setting(archive, 'target')}"
    theme, script = _resource("page.css"), _resource("page.js")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(plotly, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{theme}</style>
</head>
<body>
<main>
{_body(archive, title)}
</main>
<script type="application/json" id="figure">{_json(figure(archive))}</script>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""


def _body(archive: Archive, title: str) -> str:
    return f"""<h1>{escape(title)}</h1>
<p class="bound">{escape(formatting.bound(archive.constraint))}</p>
<p class="verdict">{escape(verdict(archive))}</p>
<div id="plot"><noscript>The plot needs JavaScript; the tables below hold every figure.</noscript></div>
<p class="note">{escape(_markers(archive))}
{_whisker_note(archive)} Drag to zoom, double-click to go back.</p>
{plan_section(archive, archive.plan) if archive.plan else ""}
<h2>Front</h2>
<p>{escape(front_note(archive))} Click a heading to sort.</p>
{front_table(archive)}
{paths_section(archive)}
<h2>Next</h2>
{_commands(archive)}
{published_section(archive) if archive.plan else _errors(archive)}
<h2>How the figures were obtained</h2>
{plan_statements(archive, archive.plan) if archive.plan else _method(archive)}
<details><summary>All {len(archive.records)} trials: {escape(_counts(archive))}</summary>
{trials_table(archive)}</details>
<details><summary>Settings</summary>{pairs(archive.settings, label="Settings")}</details>
<details><summary>Environment</summary>{_environment(archive)}</details>"""


def _markers(archive: Archive) -> str:
    if archive.plan:
        return "Hollow markers: latency not measured. Bars: expected accuracy, of those named. Crosses: published."
    return "Filled markers: latency measured; hollow: predicted. Bars: ± 1 standard error of AO."


def _errors(archive: Archive) -> Markup:
    errors, told = errors_table(archive)
    return Markup(f"<h2>Predicted and measured latency</h2>\n<p>{escape(told)}</p>\n{errors}")


def _whisker_note(archive: Archive) -> str:
    return "Dotted lines: from an adaptive variant's mean to its worst path." if any_adaptive(archive) else ""


def _commands(archive: Archive) -> Markup:
    if archive.plan:
        return plan_commands(archive.plan)
    front = archive.front(archive.fidelity)
    run = shlex.quote(str(archive.run_dir))
    if not front:
        return Markup("<p>Loosen the bound, or continue the search with more trials: run the same command again.</p>")
    name = max(front, key=lambda r: r.accuracy.ao if r.accuracy else 0.0).variant
    lines = (
        f"compress export {run} --variant {name} --out bundle/",
        "compress track bundle/ --video FILE --init x,y,w,h --out boxes.txt",
        f"compress evaluate {shlex.quote(f'{archive.run_dir}:{name}')} --data folder:PATH",
    )
    return Markup(f"<pre>{escape(chr(10).join(lines))}</pre>")


def _method(archive: Archive) -> Markup:
    return Markup(f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in _statements(archive))}</ul>")


def _statements(archive: Archive) -> list[str]:
    lines = [
        "Latency is milliseconds per frame at batch 1 for crop, normalise, network and decode, with the "
        "template's work done once per sequence. fps is 1000 over its mean.",
        "measured: timed whole on that device. predicted: summed from parts measured on that device. "
        "estimated: fitted to published figures.",
        "Fidelity says how far a variant was trained: rung-0 has inherited weights only, rung-k part of the "
        "distillation, full all of it. Rungs below full are scored on shorter sequences, so their AO cannot be "
        "compared with the front's. The front holds one fidelity; the teacher stands beside it.",
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
    return lines


_ADAPTIVE = (
    "Adaptive variants skip layers or leave early, frame by frame, and run as a graph for each stage, with the host "
    "deciding between them. Their mean and percentiles are over the ways that the frames of the evaluation took; worst "
    "path is the mean where every frame takes the dearest way. “At best” marks a bound instead, of variants whose "
    "ways were never counted: the share τ0 of the layers skipped and the first exit taken."
)


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


def _counts(archive: Archive) -> str:
    if archive.plan:
        return "none was trained"
    return ", ".join(f"{n} {status}" for status, n in Counter(r.status for r in archive.records).most_common())


def _environment(archive: Archive) -> Markup:
    if not archive.environment:
        return Markup("<p>Not recorded.</p>")
    return pairs(archive.environment, label="Environment")


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

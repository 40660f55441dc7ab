"""The constants of pre- and post-processing in `bundle.json`, with notes for other implementations."""

from __future__ import annotations

from typing import Any

from compress.core import TrackerSpec, UsageError
from compress.core.stages import stages
from compress.geometry import LoopSettings
from compress.geometry.crop import MEAN, STD
from compress.runtime.signatures import Form, stage_file
from compress.runtime.thresholds import Thresholds

CLIP_MARGIN = 10
"""Pixels; `compress.geometry.clip_box` keeps boxes at least this large and this far inside."""

_ADDED = ("decode", "template_update")
"""Entries that the first bundles did not hold; their trackers had a centre head and one template."""

_EXPECTED = "coordinates are shares of the search crop's side, from its left and top; w or h below 0 may come out"
_BOX_NOTES = {
    "centre": "At the cell (row, column) where window * score_map is highest: centre x = (column + offset_map[0]) / "
    "grid, centre y = (row + offset_map[1]) / grid, w = size_map[0], h = size_map[1].",
    "corner": "prob_tl adds up to 1 over [row, column] of n x n cells: left = the sum of column / n * prob_tl, top = "
    f"the sum of row / n * prob_tl. Right and bottom likewise from prob_br; {_EXPECTED}.",
    "tokens": "Each map adds up to 1 over its bins: left = the sum of i / bins * prob_l[i], i = 0, 1, ... Top, right "
    f"and bottom likewise from prob_t, prob_r and prob_b; {_EXPECTED}.",
}
_SCORE_NOTES = {
    "peak": "score_map at that cell, without the window.",
    "pred_scores": "The sigmoid of pred_scores.",
    "mean_peak": "The mean of the maps' highest values.",
    "exit": "The score of the exit taken: the IoU that it expects of the box.",
}
_UPDATE_NOTE = (
    "Frames after the first are counted from 1. A frame is a candidate where its score is above the gate and above all "
    "scores since the last update; its crop at the box found there is taken as the first template's was. After every "
    "interval-th frame the oldest online template gives way to the last candidate, or to the first template where "
    "there was none, and template.onnx is run again. An interval of 0 keeps the first template."
)
_STAGES_NOTE = (
    "Run the stages in order, each on what its graph lists by name: the memory, x (the y of the last stage that was "
    "run), recycled (the adapted of the exit before). A gated stage, of one layer, is left out where the probability "
    "of skipping it is above thresholds.rho; it stands in the bypass of the last stage that was run, whose columns are "
    "the skippable layers still to come. Behind a stage with an exit, leave where its score is above the exit's "
    "thresholds.tau, and at the last exit always. Then run the head, or the head of the exit taken, for the maps."
)
_DECISIONS_NOTE = (
    "frame.onnx decides by itself, at the thresholds rho and tau0, tau1, ... that it holds unless they are given as "
    "inputs. It also says which layers were skipped, with the probabilities (bypass), and which exit was taken, with "
    "the scores; probabilities and scores that were not needed are NaN."
)


def constants(spec: TrackerSpec, settings: LoopSettings, form: Form) -> dict[str, Any]:
    """Constants of the work before and after the graphs, in plain JSON types."""
    found = _pre_and_postprocessing(spec, settings)
    if form == "stages":
        found["stages"] = _stages(spec)
    if spec.adaptive:
        thresholds = Thresholds.of(spec)
        found["thresholds"] = {"rho": thresholds.rho, "tau": list(thresholds.taus)}
    return found


def _stages(spec: TrackerSpec) -> list[dict[str, Any]]:
    return [
        {"graph": stage_file(stage), "layers": list(stage.layers), "gated": stage.gated, "exit": stage.exit}
        for stage in stages(spec)
    ]


def _pre_and_postprocessing(spec: TrackerSpec, settings: LoopSettings) -> dict[str, Any]:
    return {
        "preprocess": {
            "template_size": spec.template_size,
            "search_size": spec.search_size,
            "template_factor": spec.template_factor,
            "search_factor": spec.search_factor,
            "colours": "RGB",
            "layout": "NCHW float32",
            "scale": 255,
            "mean": list(MEAN),
            "std": list(STD),
            "target_token": spec.target_token,
        },
        "postprocess": {
            "window": "hann" if spec.head.kind == "centre" else "none",
            "grid": spec.grid,
            "clip_margin": CLIP_MARGIN,
        },
        "decode": {
            "head": spec.head.kind,
            "maps": {name: [1, *shape] for name, shape in spec.maps.items()},
            "score": _score(spec),
        },
        "template_update": {
            "online_templates": settings.online_templates,
            "interval": settings.update_interval,
            "gate": settings.update_gate,
        },
    }


def constant_notes(spec: TrackerSpec, form: Form) -> dict[str, str]:
    """What the constants mean."""
    kind = "corner" if spec.head.kind == "pyramid" else spec.head.kind
    found = {"box": _BOX_NOTES[kind], "score": _SCORE_NOTES[_score(spec)]}
    found |= {"template_update": _UPDATE_NOTE} if spec.online_templates else {}
    if not spec.adaptive:
        return found
    return found | ({"stages": _STAGES_NOTE} if form == "stages" else {"decisions": _DECISIONS_NOTE})


def loop_settings(spec: TrackerSpec, manifest: dict[str, Any]) -> LoopSettings:
    """The settings of a bundle's frame loop.

    Raises:
        UsageError: the update interval is no number of frames, or the tracker cannot renew its template.
    """
    update = manifest.get("template_update")
    interval = update.get("interval") if isinstance(update, dict) else None
    if interval is not None and type(interval) is not int:
        raise UsageError(f"the interval must be a number of frames but is {interval!r}")
    return LoopSettings.of(spec, update_interval=interval)


def differing_constants(spec: TrackerSpec, settings: LoopSettings, form: Form, manifest: dict[str, Any]) -> str | None:
    """The first entry of a manifest that differs from the tracker's `constants`; None where none does."""
    plain = spec.head.kind == "centre" and not spec.online_templates
    optional = [entry for entry in _ADDED if plain and entry not in manifest]
    wanted = constants(spec, settings, form).items()
    return next((entry for entry, value in wanted if entry not in optional and manifest.get(entry) != value), None)


def _score(spec: TrackerSpec) -> str:
    if spec.exits:
        return "exit"
    if spec.head.kind == "centre":
        return "peak"
    return "pred_scores" if spec.head.score else "mean_peak"

"""The validation set of plain ViTs: whole trackers that show how far a profile is off."""

from __future__ import annotations

from compress.core import Attention, TrackerSpec
from compress.latency import Point
from compress.measure.coverage import Coverage
from compress.measure.stacks.trackers import eliminating, pruned, tracker_of_layers, with_sizes, with_template


def vit_validation_set(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    """Shallow, deep, thin and mixed trackers, with widths that no stack has; split ones where those are covered."""
    low, high = coverage.mlp_hidden[0]
    full: Point = (None, high, None)
    heads = teacher.heads
    middle: Point = (_middle(coverage.attn_dims, heads), (low + high) // 2, _middle(coverage.mlp_dims, heads))
    lean: Point = (None, (3 * low + high) // 4, None)
    thin: Point = (min(coverage.attn_dims, default=None), low, min(coverage.mlp_dims, default=None))
    kind: Attention = teacher.layers[0].attention if teacher.attention != "split" else "AI"
    deep = len(teacher.layers)
    some, third = max(2, deep // 2), max(1, deep // 4)
    fe: Attention = "FE"
    ai: Attention = "AI"
    layouts: dict[str, list[tuple[Attention, Point]]] = {
        "one": [(kind, lean)],
        "two": [(kind, full)] * 2,
        "thin": [(kind, thin)] * some,
        "deep": [(kind, full)] * deep,
        "shallow": [(kind, full)] * some,
        "mixed": [(kind, middle if i % 2 else full) for i in range(max(2, 2 * deep // 3))],
        "lean": [(kind, lean)] * max(2, 3 * deep // 4),
    }
    if "FE" in coverage.attentions:
        layouts |= {
            "split one": [(ai, lean)],
            "split two": [(fe, full), (ai, full)],
            "split thin": [(fe, thin)] * third + [(ai, thin)],
            "split": [(fe, full)] * some + [(ai, full)] * third,
            "split lean": [(fe, middle)] * some + [(ai, lean)] * third,
        }
    found = {name: _eliminating(teacher, tracker_of_layers(teacher, layers)) for name, layers in layouts.items()}
    if coverage.heads:
        few = coverage.heads[0]
        some_left = (few + teacher.heads) // 2
        left = {i: (few, some_left, None)[i % 3] for i in range(deep)}
        found["fewer heads"] = pruned(tracker_of_layers(teacher, [(kind, lean)] * deep), left)
        found["few heads"] = pruned(tracker_of_layers(teacher, [(kind, middle)] * deep), dict.fromkeys(left, few))
    if not teacher.eliminating and "joint" in coverage.attentions:
        found |= _with_fewer_tokens(tracker_of_layers(teacher, [("joint", full)] * deep), coverage.search_tokens)
    for patches in coverage.template_patches[:-1]:
        found["small template"] = with_template(tracker_of_layers(teacher, [(kind, full)] * deep), patches)
        if "FE" in coverage.attentions:
            layers: list[tuple[Attention, Point]] = [(fe, full)] * some + [(ai, lean)] * third
            found["split, small template"] = with_template(tracker_of_layers(teacher, layers), patches)
    return found | _on_smaller_crops(teacher, found, coverage)


def _on_smaller_crops(
    teacher: TrackerSpec, others: dict[str, TrackerSpec], coverage: Coverage
) -> dict[str, TrackerSpec]:
    """Some of the others on the smallest crops, and on the smallest search crop beside the whole template."""
    if not coverage.sizes:
        return {}
    search, template = coverage.sizes[0]
    found = {
        "small crops": with_sizes(others["mixed"], (search, template)),
        "small search": with_sizes(others["deep"], (search, teacher.template_size)),
    }
    if "split" in others:
        found["split, small search"] = with_sizes(others["split lean"], (search, teacher.template_size))
    return found


def _with_fewer_tokens(spec: TrackerSpec, tokens: tuple[int, ...]) -> dict[str, TrackerSpec]:
    """A deep tracker that leaves the fewest tokens covered in one layer, and in three steps; none without fewer."""
    depth = len(spec.layers)
    if len(tokens) < 2 or depth < 2:
        return {}
    share = tokens[0] / spec.search_tokens
    steps = sorted({depth // 4, depth // 2, 3 * depth // 4})
    in_steps = dict.fromkeys(steps, min(1 - 1e-9, share ** (1 / len(steps))))
    # A little less: the share that is kept is rounded up, and must not be by the last digit.
    return {
        "fewer tokens": eliminating(spec, {1: share - 0.5 / spec.search_tokens}),
        "fewer in steps": eliminating(spec, in_steps),
    }


def _eliminating(teacher: TrackerSpec, spec: TrackerSpec) -> TrackerSpec:
    """Joint layers eliminate what those of the teacher do, at the same share of the depth."""
    if spec.attention != "joint":
        return spec
    deep, depth = len(teacher.layers), len(spec.layers)
    return eliminating(spec, {i: teacher.layers[round(i * (deep - 1) / max(1, depth - 1))].keep for i in range(depth)})


def _middle(ends: tuple[int, ...], step: int) -> int | None:
    """A multiple of `step` halfway; None where nothing is reduced."""
    return (ends[0] + ends[-1]) // 2 // step * step if ends else None

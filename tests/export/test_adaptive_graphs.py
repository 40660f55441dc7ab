"""Adaptive trackers as graphs: they go as PyTorch goes, and do without what a frame does without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from compress.core import ExecutionPath, ExitSpec, UsageError
from compress.core.stages import stages, stages_of
from compress.export import Parity, bundle_graphs, compare, compare_exported, frame_graph
from compress.export.stages import stage_graphs
from compress.geometry import LoopSettings, NetworkOutput
from compress.models import NumpyNetwork, Tracker
from compress.runtime import GraphNetwork, Thresholds
from compress.runtime import graph_network as network_module
from compress.runtime.signatures import Form, head_file, stage_file
from compress.testing.bundle_specs import ADAPTIVE, JOINT, LEVIT

Adaptive = Callable[[str], Tracker]
Graphs = Callable[[str, Form], dict[str, bytes]]


def _settings(name: str) -> LoopSettings:
    return LoopSettings.of(ADAPTIVE[name], update_interval=3 if name == "bypass-renewing" else None)


def _crops(name: str, seed: int) -> tuple[Any, Any, Any]:
    """Template, template box and search."""
    spec, rng = ADAPTIVE[name], np.random.default_rng(seed)
    template, search = (
        rng.standard_normal((1, 3, size, size), dtype=np.float32) for size in (spec.template_size, spec.search_size)
    )
    return template, rng.random((1, 4), dtype=np.float32) if spec.target_token else None, search


def _track(network: Any, name: str, seed: int) -> NetworkOutput:
    template, box, search = _crops(name, seed)
    return network.track(search, network.encode_template(template, box))


@pytest.mark.parametrize("form", ["stages", "one"])
@pytest.mark.parametrize("name", ADAPTIVE)
def test_graphs_follow_as_pytorch_does(name: str, form: Form, adaptive: Adaptive, graphs: Graphs, square: Any) -> None:
    spec = ADAPTIVE[name]
    network = GraphNetwork(spec, graphs(name, form))
    parity = compare_exported(adaptive(name), network, _settings(name), square)
    assert parity.problems() == []
    assert (parity.tie_at, parity.path_mismatch, parity.frames) == (None, 0, 19)
    assert len(parity.paths) > 1
    assert sum(parity.paths.values()) == 19
    routing_overhead = ["bypass"] * (spec.bypass is not None) + ["scores"] * bool(spec.exits)
    assert set(parity.maps) >= {*spec.maps, *routing_overhead}
    assert max(parity.maps.values()) < 1e-4
    assert bool(parity.renewed) == (name == "bypass-renewing")
    if name == "exits":
        assert {path.exit for path in parity.paths} == {0, 1, 2}


@pytest.mark.parametrize("name", ADAPTIVE)
def test_one_graph_says_what_the_stages_say(name: str, graphs: Graphs) -> None:
    staged, single = (GraphNetwork(ADAPTIVE[name], graphs(name, form)) for form in ("stages", "one"))
    for seed in range(6):
        first, second = (_track(network, name, seed) for network in (staged, single))
        assert first.path == second.path
        for key, value in first.maps.items():
            np.testing.assert_allclose(second.maps[key], value, atol=1e-5)
        for one, other in ((first.bypass, second.bypass), (first.scores, second.scores)):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                np.testing.assert_allclose(other, one, atol=1e-5)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, bytes]], list[str]]:
    """A list that is filled with the names of the graphs given, as often as they are run."""
    names: dict[int, str] = {}
    found: list[str] = []
    opened, run = network_module.session, onnxruntime.InferenceSession.run  # type: ignore[attr-defined]

    def count(graphs: dict[str, bytes]) -> list[str]:
        def noting(graph: bytes, **options: Any) -> onnxruntime.InferenceSession:
            session = opened(graph, **options)
            names[id(session)] = next(name for name, each in graphs.items() if each is graph)
            return session

        monkeypatch.setattr(network_module, "session", noting)
        return found

    def counted(self: onnxruntime.InferenceSession, *args: Any) -> Any:
        found.append(names[id(self)])
        return run(self, *args)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", counted)
    return count


@pytest.mark.parametrize("name", ADAPTIVE)
def test_what_a_frame_does_without_is_not_run(name: str, graphs: Graphs, runs: Any) -> None:
    spec, called = ADAPTIVE[name], runs(graphs(name, "stages"))
    network = GraphNetwork(spec, graphs(name, "stages"))
    exits = range(len(spec.exits)) if spec.exits else (None,)
    forced = [ExecutionPath(frozenset(skipped), exit) for exit in exits for skipped in ((), _may(name, exit))]
    for at in (network, *(network.at(Thresholds.forcing(spec, path)) for path in forced)):
        template, box, search = _crops(name, 0)
        memory = at.encode_template(template, box)
        called.clear()
        path = at.track(search, memory).path
        assert path is not None
        assert called == [*map(stage_file, stages_of(spec, path)), head_file(path.exit)]
    assert len(called) < len(stages(spec)) + 1 or not spec.bypass


def _may(name: str, exit: int | None) -> list[int]:
    spec = ADAPTIVE[name]
    return [i for i in spec.skippable if i < ExecutionPath(exit=exit).end(spec)]


@pytest.mark.parametrize("form", ["stages", "one"])
@pytest.mark.parametrize("name", ["bypass", "both", "both-split"])
def test_every_path_can_be_forced_on_the_same_graphs(name: str, form: Form, adaptive: Adaptive, graphs: Graphs) -> None:
    spec, reference = ADAPTIVE[name], NumpyNetwork(adaptive(name))
    network = GraphNetwork(spec, graphs(name, form))
    for exit in range(len(spec.exits)) if spec.exits else (None,):
        for skipped in (frozenset(), frozenset(_may(name, exit))):
            path = ExecutionPath(skipped, exit)
            found = _track(network.at(Thresholds.forcing(spec, path)), name, 1)
            wanted = _track(reference.along(path), name, 1)
            assert found.path == wanted.path == path
            for key, value in wanted.maps.items():
                np.testing.assert_allclose(found.maps[key], value, atol=1e-4)
            assert found.score == pytest.approx(wanted.score, abs=1e-5)


@pytest.mark.parametrize("form", ["stages", "one"])
@pytest.mark.parametrize("given", [Thresholds(None, (0.5, 0.5)), Thresholds(0.5, (0.5,)), Thresholds(0.5, ())])
def test_thresholds_of_other_decisions_are_refused(given: Thresholds, form: Form, graphs: Graphs) -> None:
    network = GraphNetwork(ADAPTIVE["both"], graphs("both", form))
    with pytest.raises(UsageError, match="needs a rho and 2 taus, one for each exit but the last, but is given rho"):
        network.at(given)


def test_a_numpy_network_computes_no_more_than_the_path_it_tells(adaptive: Adaptive) -> None:
    model, calls = adaptive("both"), list[str]()
    # The score's first activation: its linear layers give way to others.
    parts = [*model.backbone.blocks, *(exit.score[1] for exit in model.exits), *(exit.head for exit in model.exits)]
    names = [*"0123", "score0", "score1", "score2", "head0", "head1", "head2"]
    hooks = [
        part.register_forward_hook(lambda *_, name=name: calls.append(name))
        for part, name in zip(parts, names, strict=True)
    ]
    network, paths = NumpyNetwork(model), set()
    for hook in hooks:
        hook.remove()
    for seed in range(12):
        template, _, search = _crops("both", seed)
        memory = network.encode_template(template)
        calls.clear()
        path = network.track(search, memory).path
        paths.add(path)
        layers = [str(i) for i in range(path.end(model.spec)) if i not in path.skipped]
        assert [name for name in calls if name.isdigit()] == layers
        assert [name for name in calls if name.startswith("score")] == [f"score{k}" for k in range(path.exit + 1)]
        assert [name for name in calls if name.startswith("head")] == [f"head{path.exit}"]
    assert len(paths) > 1


@pytest.mark.parametrize("name", ["bypass", "both"])
def test_one_graph_is_one_file_with_thresholds_that_may_be_given(name: str, graphs: Graphs) -> None:
    model = onnx.load_from_string(graphs(name, "one")["frame.onnx"])
    onnx.checker.check_model(model, full_check=True)
    assert "If" in {node.op_type for node in model.graph.node}
    spec = ADAPTIVE[name]
    assert [value.name for value in model.graph.output] == [
        *spec.maps,
        "bypass",
        "skipped",
        *(["scores", "exit"] if spec.exits else []),
    ]
    wanted = {"rho": 0.5} | ({"tau0": 0.5, "tau1": 0.5} if spec.exits else {})
    held = {t.name: onnx.numpy_helper.to_array(t).tolist() for t in model.graph.initializer if t.name in wanted}
    assert held == {name: [value] for name, value in wanted.items()}
    assert [value.name for value in model.graph.input] == ["search", "tokens", *wanted]


def test_graphs_of_stages_hold_their_own_weights_only(graphs: Graphs) -> None:
    frame = [onnx.load_from_string(g).graph for name, g in graphs("both", "stages").items() if name != "template.onnx"]
    names = [tensor.name for graph in frame for tensor in graph.initializer]
    held = Counter(name for name in names if name.startswith("model."))
    assert len(held) > 50
    # The norm of an exit stands before its score and before its head, which is another graph.
    assert {name.split(".")[-2] for name, count in held.items() if count > 1} <= {"norm"}


@pytest.mark.parametrize(
    "path",
    [
        ExecutionPath(frozenset(), 2),
        ExecutionPath(frozenset({1}), 1),
        ExecutionPath(frozenset({1, 2, 3}), 2),
        ExecutionPath(frozenset(), 0),
    ],
)
def test_a_path_is_a_graph_without_decisions(path: ExecutionPath, adaptive: Adaptive, graphs: Graphs) -> None:
    model = adaptive("both")
    template, _, search = _crops("both", 0)
    network = GraphNetwork(model.spec, graphs("both", "stages"))
    graph = frame_graph(model, path)
    assert "If" not in {node.op_type for node in onnx.load_from_string(graph).graph.node}
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    memory = network.encode_template(template)
    found = dict(zip(model.spec.maps, session.run(None, {"search": search, **memory}), strict=True))
    wanted = NumpyNetwork(model).along(path)
    for key, value in wanted.track(search, wanted.encode_template(template)).maps.items():
        np.testing.assert_allclose(found[key], value, atol=1e-4)


@pytest.mark.parametrize("path", [None, ExecutionPath(), ExecutionPath(frozenset()), ExecutionPath(exit=1)])
def test_an_adaptive_tracker_is_never_one_graph_by_default(path: ExecutionPath | None, adaptive: Adaptive) -> None:
    with pytest.raises(UsageError, match=r"depends on the frame.*Say which path"):
        frame_graph(adaptive("both"), path)


def test_only_trackers_that_decide_have_stages(lively: Callable[..., Tracker]) -> None:
    with pytest.raises(UsageError, match="same work for every frame"):
        bundle_graphs(lively(JOINT), "stages")
    with pytest.raises(UsageError, match="HitTracker, which does not run stage by stage"):
        stage_graphs(lively(LEVIT), {})


def test_a_single_exit_is_one_graph_that_tells_its_score(lively: Callable[..., Tracker], square: Any) -> None:
    spec = replace(JOINT, exits=(ExitSpec(4),))
    model = lively(spec)
    found = bundle_graphs(model)
    assert list(found) == ["template.onnx", "frame.onnx"]
    network = GraphNetwork(spec, found)
    parity = compare_exported(model, network, LoopSettings.of(spec), square)
    assert parity.problems() == []
    assert parity.paths == {ExecutionPath(frozenset(), 0): 19}
    template, search = torch.randn(1, 3, 32, 32), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        score = float(model(template, search).score)
    answer = network.track(search.numpy(), network.encode_template(template.numpy()))
    assert answer.score == pytest.approx(score, abs=1e-5)


def _compared(candidate: Tracker, adaptive: Adaptive, square: Any) -> Parity:
    """The tracker `both` against another one of its spec."""
    model = adaptive("both")
    pair = NumpyNetwork(model), NumpyNetwork(candidate)
    return compare(*pair, LoopSettings.of(model.spec), square, spec=model.spec)


def test_another_gate_is_noticed(adaptive: Adaptive, lively: Callable[..., Tracker], square: Any) -> None:
    other = lively(ADAPTIVE["both"])
    other.load_state_dict(adaptive("both").state_dict())
    assert _compared(other, adaptive, square).problems() == []
    with torch.no_grad():
        other.bypass.gates["2"].bias.add_(0.05)
    assert any("bypass differs" in problem for problem in _compared(other, adaptive, square).problems())
    taken = next(path for path in _compared(other, adaptive, square).paths if path.end(other.spec) > 2)
    with torch.no_grad():
        other.bypass.gates["2"].bias.add_(-10 if 2 in taken.skipped else 10)
    parity = _compared(other, adaptive, square)
    assert parity.path_mismatch > 0
    assert any("other layers or exits are taken" in problem for problem in parity.problems())


def test_another_score_is_noticed(adaptive: Adaptive, lively: Callable[..., Tracker], square: Any) -> None:
    other = lively(ADAPTIVE["both"])
    other.load_state_dict(adaptive("both").state_dict())
    with torch.no_grad():
        other.exit(0).score[-1].bias.sub_(10)
    assert any("other layers or exits are taken" in each for each in _compared(other, adaptive, square).problems())


def test_a_graph_that_no_frame_needs_is_checked_too(
    adaptive: Adaptive, graphs: Graphs, lively: Callable[..., Tracker], square: Any
) -> None:
    model = adaptive("both")
    exits = (*(replace(each, tau=0.0) for each in model.spec.exits[:-1]), model.spec.exits[-1])
    first = replace(model.spec, exits=exits)
    leaving = lively(first)
    leaving.load_state_dict(model.state_dict())
    wrong = {**graphs("both", "stages"), "head2.onnx": bundle_graphs(lively(model.spec, seed=3))["head2.onnx"]}
    for given, problem in ((graphs("both", "stages"), []), (wrong, ["score_map differs"])):
        parity = compare_exported(leaving, GraphNetwork(first, given), LoopSettings.of(first), square)
        assert set(parity.paths) == {ExecutionPath(frozenset(), 0)}
        assert [any(each.startswith(p) for each in parity.problems()) for p in problem] == [True] * len(problem)
        assert bool(parity.problems()) == bool(problem)

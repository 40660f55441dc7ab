"""Graphs that no export holds are refused before onnxruntime sees them, each with what is wrong with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compress.cli import main
from compress.core import FileError
from compress.runtime import BundleNetwork, graph_network, open_bundle, sessions
from compress.runtime.checked_graphs import CheckedGraphs
from compress.runtime.manifest import file_entry
from compress.runtime.onnx_file import read_onnx

Model = onnx.ModelProto


def _constant(model: Model, name: str, values: Any, dtype: Any = np.int64) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(values, dtype), name))
    return name


def _first(model: Model, op: str, *inputs: str, **attributes: Any) -> None:
    """An operator before all others, on which nothing hangs: onnxruntime would leave it out, but need not."""
    model.graph.node.insert(0, helper.make_node(op, inputs, ["added"], **attributes))


def _sized(op: str, *shape: int, **attributes: Any) -> Callable[[Model], object]:
    return lambda m: _first(m, op, _constant(m, "shape", shape), **attributes)


def _external(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def _branch(*nodes: onnx.NodeProto, output: str = "inner") -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "branch", [], [onnx.ValueInfoProto(name=output)])


def _value(name: str, tensor: TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=tensor)


def _if(model: Model, first: onnx.GraphProto, second: onnx.GraphProto) -> None:
    _first(model, "If", _constant(model, "condition", True, np.bool_), then_branch=first, else_branch=second)


def _hidden_external(model: Model) -> None:
    tensor = numpy_helper.from_array(np.zeros(2, np.float32))
    _external(tensor)
    _if(model, _branch(_value("inner", tensor)), _branch(_value("inner", tensor)))


def _nested(model: Model, depth: int) -> None:
    tensor = numpy_helper.from_array(np.zeros(1, np.float32))
    _constant(model, "yes", True, np.bool_)
    branch = _branch(_value("inner0", tensor), output="inner0")
    for i in range(1, depth):
        other = _branch(_value(f"other{i}", tensor), output=f"other{i}")
        node = helper.make_node("If", ["yes"], [f"inner{i}"], then_branch=branch, else_branch=other)
        branch = _branch(node, output=f"inner{i}")
    _first(model, "If", "yes", then_branch=branch, else_branch=_branch(_value("last", tensor), output="last"))


def _outer(op: str) -> Callable[[Model], object]:
    """Two small columns, of which an operator makes a table of 4,000 million values."""

    def change(m: Model) -> None:
        names = (
            _constant(m, "column", np.zeros((65536, 1)), np.float32),
            _constant(m, "row", np.zeros((1, 65536)), "f4"),
        )
        _first(m, op, *names)

    return change


def _many(model: Model) -> None:
    """Each of 400 MB, all needed at the end."""
    shape = _constant(model, "shape", [10_000, 10_000])
    for i in range(5):
        model.graph.node.insert(0, helper.make_node("ConstantOfShape", [shape], [f"large{i}"]))
    model.graph.node.append(helper.make_node("Concat", [f"large{i}" for i in range(2)], ["end"], axis=0))


def _slow(model: Model) -> None:
    """Little memory, and a thousand times the work of the tracker."""
    _constant(model, "square", np.zeros((256, 256)), np.float32)
    nodes = [helper.make_node("MatMul", ["square" if i == 0 else f"x{i}", "square"], [f"x{i + 1}"]) for i in range(500)]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


def _reshaped_as_it_runs(model: Model) -> None:
    nodes = [
        helper.make_node("Cast", ["search"], ["numbers"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["numbers", _constant(model, "flat", [-1])], ["sizes"]),
        helper.make_node("ConstantOfShape", ["sizes"], ["added"]),
    ]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


def _function(model: Model) -> None:
    opsets = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Identity", ["a"], ["b"])]
    model.functions.append(helper.make_function("own", "Mine", ["a"], ["b"], body, opsets))


def _sparse(model: Model) -> None:
    values, indices = (
        numpy_helper.from_array(np.ones(1, np.float32), "s"),
        numpy_helper.from_array(np.zeros(1, np.int64)),
    )
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2**40]))


def _as_float_data(model: Model) -> None:
    model.graph.initializer.append(helper.make_tensor("listed", TensorProto.FLOAT, [2], [1.0, 2.0]))


def _dims(model: Model) -> None:
    next(t for t in model.graph.initializer if len(t.dims) == 2).dims[0] *= 2


ATTACKS: dict[str, tuple[Callable[[Model], object], str]] = {
    "external": (lambda m: _external(m.graph.initializer[0]), "keeps weights in other files"),
    "external in a branch": (_hidden_external, "keeps weights in other files"),
    "location": (
        lambda m: setattr(m.graph.initializer[0], "data_location", TensorProto.DEFAULT),
        "weights may lie in other files",
    ),
    "sparse": (_sparse, "sparse weights"),
    "function": (_function, "functions of its own"),
    "training": (lambda m: m.training_info.add(), "a graph for training"),
    "metadata": (lambda m: m.metadata_props.add(key="ort_config", value="{}"), "it holds metadata"),
    "domain": (lambda m: (_sized("Gelu", 1)(m), setattr(m.graph.node[0], "domain", "com.microsoft")), "the domain"),
    "domain's opset": (lambda m: m.opset_import.append(helper.make_opsetid("mine", 1)), "its operators are not those"),
    "opset": (lambda m: setattr(m.opset_import[0], "version", 99), "its operators are not those"),
    "loop": (
        lambda m: _first(m, "Loop", _constant(m, "n", 2**62), "", body=_branch(output="n")),
        "the operator 'Loop'",
    ),
    "scan": (lambda m: _first(m, "Scan", "search", body=_branch(output="n"), num_scan_inputs=1), "operator 'Scan'"),
    "range": (lambda m: _first(m, "Range", *(_constant(m, f"r{i}", i) for i in (0, 9, 1))), "operator 'Range'"),
    "tile": (_sized("Tile", 2**40), "the operator 'Tile'"),
    "random": (lambda m: _first(m, "RandomNormal", shape=[2**30]), "the operator 'RandomNormal'"),
    "filled": (_sized("ConstantOfShape", 2**20, 2**20), "1099511627776 values at once"),
    "filled without end": (_sized("ConstantOfShape", *[2**62] * 3), "values at once"),
    "expanded": (lambda m: _first(m, "Expand", "search", _constant(m, "s", [2**20, 3, 64, 64])), "values at once"),
    "sum of a row and a column": (_outer("Add"), "4294967296 values at once"),
    "product of a row and a column": (_outer("MatMul"), "4294967296 values at once"),
    "comparison of a row and a column": (_outer("Less"), "4294967296 values at once"),
    "enlarged": (
        lambda m: _first(m, "Resize", "search", "", _constant(m, "s", [1, 1, 1e4, 1e4], np.float32)),
        "values at once",
    ),
    "strides": (
        lambda m: _first(
            m, "ConvTranspose", "search", _constant(m, "k", np.ones((3, 1, 1, 1)), "f4"), strides=[2**16, 2**16]
        ),
        "values at once",
    ),
    "pads": (
        lambda m: _first(
            m, "Conv", "search", _constant(m, "k", np.ones((1, 3, 1, 1)), "f4"), pads=[2**16, 2**16, 2**16, 2**16]
        ),
        "values at once",
    ),
    "many at once": (_many, "its tensors take"),
    "slow": (_slow, "what its spec describes"),
    "sizes computed as it runs": (_reshaped_as_it_runs, "a size is computed while it runs"),
    "nested": (lambda m: _nested(m, 20), "branches within branches|nested deeper"),
    "far too nested": (lambda m: _nested(m, 28), "nested deeper than 64"),
    "dims": (_dims, "a constant of the shape"),
    "values not in bytes": (_as_float_data, "not written as bytes"),
    "two of a name": (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "two of its constants"),
    "computed twice": (lambda m: m.graph.node.append(m.graph.node[0]), "twice"),
    "not computed": (lambda m: _first(m, "Identity", "nothing"), "not computed before"),
    "outputs": (lambda m: m.graph.node[0].output.append("second"), "2 outputs"),
    "shape": (lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 4096), "its inputs are"),
    "free shape": (
        lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_param", "batch"),
        "the field 2|no fixed shape",
    ),
    "type": (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.STRING), "ONNX's type 8"),
    "name": (lambda m: setattr(m.graph.input[1], "name", "\x1b[2J"), "its inputs are"),
    "input with a value": (
        lambda m: _constant(m, "search", np.zeros((1, 3, 64, 64)), np.float32),
        "the inputs with a value of their own",
    ),
    "no graph": (lambda m: m.ClearField("graph"), "it holds no graph"),
    "no operators": (lambda m: m.graph.ClearField("node"), "not computed before"),
}


@pytest.fixture
def folder(bundle_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))


def _with(folder: Path, data: bytes, name: str = "frame.onnx") -> Path:
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["files"][name] = file_entry(folder / name)
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime must not see a frame's graph."""

    def seen(graph: Any, **options: Any) -> Any:
        model = onnx.load_from_string(graph)
        assert [value.name for value in model.graph.input] == ["template"]
        return real(graph, **options)

    real = sessions.session
    monkeypatch.setattr(graph_network, "session", seen)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_with_what_is_wrong(name: str, folder: Path) -> None:
    change, message = ATTACKS[name]
    model = onnx.load(folder / "frame.onnx")
    change(model)
    _with(folder, model.SerializeToString())
    with pytest.raises(FileError, match=rf"frame.onnx is none that compress exports: .*({message})") as refused:
        BundleNetwork(open_bundle(folder))
    assert str(refused.value).isprintable()


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data + data, "two of ir_version"),
        (lambda data: data + b"\x3a\x00", "two of graph"),
        (lambda data: data[:-1], "it is cut short"),
        (lambda data: data + b"\x9b\x01", "a part of the kind 3"),
        (lambda data: data + b"\xff" * 11, "more than 64 bits"),
        (lambda data: b"\x08\x08\x12\x04ORTM" + data[2:], "onnxruntime's own format"),
        (lambda data: b"\x08\x08" * 600_000, "two of ir_version"),
        (lambda data: b"", "its operators are not those"),
        (lambda data: b"garbage", "."),
    ],
)
def test_bytes_that_readers_could_understand_differently_are_refused(
    change: Callable[[bytes], bytes], message: str, folder: Path
) -> None:
    _with(folder, change((folder / "frame.onnx").read_bytes()))
    with pytest.raises(FileError, match=rf"frame.onnx is none that compress exports: .*{message}"):
        BundleNetwork(open_bundle(folder))


def test_a_template_with_other_outputs_than_the_manifest_names(folder: Path) -> None:
    model = onnx.load(folder / "template.onnx")
    model.graph.node[-1].output[0] = model.graph.output[0].name = "other"
    with pytest.raises(FileError, match="its outputs are other instead of the memory that bundle.json names"):
        BundleNetwork(open_bundle(_with(folder, model.SerializeToString(), "template.onnx")))


def test_a_graph_that_changes_after_it_was_checked_is_not_run(folder: Path) -> None:
    bundle = open_bundle(folder)
    shutil.copyfile(folder / "template.onnx", folder / "frame.onnx")
    with pytest.raises(FileError, match=r"frame.onnx is not the file that was exported"):
        BundleNetwork(bundle)


def test_a_file_larger_than_its_spec_can_be_is_not_read(folder: Path) -> None:
    with (folder / "frame.onnx").open("ab") as file:
        file.truncate(10**9)
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["files"]["frame.onnx"]["bytes"] = 10**9
    (folder / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(FileError, match="more than a graph of its spec can have"):
        open_bundle(folder)
    with pytest.raises(FileError, match="larger than any graph"):
        CheckedGraphs(folder, open_spec(folder), "one", manifest)["frame.onnx"]


def open_spec(folder: Path) -> Any:
    from compress.core import TrackerSpec

    return TrackerSpec.from_dict(json.loads((folder / "bundle.json").read_text())["spec"])


def test_a_graph_that_fails_as_it_runs_is_an_error_of_one_line(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No check foresees the values that are computed."""
    model = onnx.load(folder / "frame.onnx")
    nodes = [
        helper.make_node("Cast", ["search"], ["numbers"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["numbers", _constant(model, "flat", [-1])], ["row"]),
        helper.make_node("Add", ["row", _constant(model, "far", [2**40])], ["places"]),
        helper.make_node("Slice", ["places", *(_constant(model, f"c{i}", [i]) for i in (0, 1))], ["place"]),
        helper.make_node("Gather", [_constant(model, "table", np.zeros(4), np.float32), "place"], ["found"]),
        helper.make_node("Add", [model.graph.node[-1].output[0] + "_", "found"], [model.graph.output[-1].name]),
    ]
    last = next(node for node in model.graph.node if model.graph.output[-1].name in node.output)
    nodes[-1].input[0] = last.output[0] = f"{last.output[0]}_"
    model.graph.node.extend(nodes)
    _with(folder, model.SerializeToString())
    for words in (("verify", folder), ("track", folder, "--video", "generated", "--out", tmp_path / "boxes.txt")):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        assert stop.value.code == 1
        error = capfd.readouterr().err
        assert "onnxruntime" in error
        assert "cannot run a graph" in error
        assert "[E:onnxruntime" not in error
        assert "fault of compress" not in error


def test_every_command_refuses_such_a_bundle(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = onnx.load(folder / "frame.onnx")
    _external(model.graph.initializer[0])
    (folder / "weights.bin").write_bytes(b"\0" * 1000)
    _with(folder, model.SerializeToString())
    video = ("--video", "generated", "--out", tmp_path / "boxes.txt")
    for words in (("verify", folder), ("evaluate", folder), ("track", folder, *video)):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        assert stop.value.code == 1
        assert "keeps weights in other files" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "boxes.txt").exists()


def test_a_bundle_uses_no_more_threads_than_there_are_cores(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = json.loads((folder / "bundle.json").read_text()) | {"threads": 256}
    (folder / "bundle.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(graph_network, "usable_cores", lambda: 1)
    assert BundleNetwork(open_bundle(folder)).threads == 1


def test_onnxruntime_would_follow_what_is_refused(folder: Path) -> None:
    """The attacks are real: it loads weights from beside a graph."""
    model = onnx.load(folder / "frame.onnx")
    tensor = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    _external(tensor)
    (folder / "frame.onnx").write_bytes(model.SerializeToString())
    assert onnxruntime.InferenceSession(folder / "frame.onnx").get_inputs()
    with pytest.raises(ValueError, match="keeps weights in other files"):
        read_onnx((folder / "frame.onnx").read_bytes())

"""Graphs in int8: the same answers but for rounding, with integers where the linear layers were."""

import numpy as np
import onnx

from compress.core import describe
from compress.export import frame_graph, quantized, template_graph
from compress.models import build
from compress.runtime import session


def test_linear_layers_become_integers() -> None:
    spec = describe("ostrack-nano")
    model = build(spec).eval()
    graph = frame_graph(model)
    small = quantized(graph)
    assert len(small) < 0.5 * len(graph)
    kinds = [node.op_type for node in onnx.load_model_from_string(small).graph.node]
    assert kinds.count("MatMulInteger") >= 4 * len(spec.layers)
    rng = np.random.default_rng(0)
    template = rng.standard_normal((1, 3, spec.template_size, spec.template_size)).astype(np.float32)
    first = session(template_graph(model), threads=1)
    memory = dict(zip([o.name for o in first.get_outputs()], first.run(None, {"template": template}), strict=True))
    search = rng.standard_normal((1, 3, spec.search_size, spec.search_size)).astype(np.float32)
    exact, rough = (session(g, threads=1).run(None, {"search": search, **memory}) for g in (graph, small))
    for a, b in zip(exact, rough, strict=True):
        assert a.shape == b.shape
        assert not np.array_equal(a, b)
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9

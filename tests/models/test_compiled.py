"""Compiled frames answer as eager ones, each network with code of its own."""

import numpy as np
import pytest

from compress.core import HeadSpec, LayerSpec, TrackerSpec
from compress.measure.backends import host_backend
from compress.models import NumpyNetwork, build

_MISSING = host_backend("cpu:pytorch-compiled").missing()


@pytest.mark.slow  # its frames are held by the suite of all backends
@pytest.mark.skipif(bool(_MISSING), reason=_MISSING)
def test_compiled_networks_answer_as_eager_ones() -> None:
    rng = np.random.default_rng(0)
    template, search = (rng.standard_normal((1, 3, n, n)).astype(np.float32) for n in (32, 64))
    for depth in (1, 2):
        layers = tuple(LayerSpec(source=i, mlp_hidden=64) for i in range(depth))
        spec = TrackerSpec(dim=32, heads=2, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))
        model = build(spec).eval()
        eager, compiled = NumpyNetwork(model), NumpyNetwork(model, compiled=True)
        wanted = eager.track(search, eager.encode_template(template)).maps
        for _ in range(2):
            found = compiled.track(search, compiled.encode_template(template)).maps
            for name, value in wanted.items():
                np.testing.assert_allclose(found[name], value, atol=1e-5)

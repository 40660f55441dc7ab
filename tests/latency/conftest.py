import pytest

from compress.latency import BlockCost, Profile, RoutingOverhead, ValidationResult
from compress.testing.toy_profile import toy_profile


@pytest.fixture
def profile() -> Profile:
    return toy_profile()


@pytest.fixture
def eliminating() -> Profile:
    """The toy profile, which also knows joint layers over 8 of its 16 search tokens."""
    plain = toy_profile()
    fewer = (BlockCost("joint", 128, 7.0, tokens=8), BlockCost("joint", 32, 2.5, tokens=8))
    reduced = (BlockCost("joint", 128, 6.0, tokens=8, attn_dims=16),)
    return toy_profile(blocks=(*plain.blocks, *fewer, *reduced), elimination_ms=0.25)


@pytest.fixture
def routing_overhead() -> Profile:
    """The toy profile, which also knows what it costs to decide."""
    validation = (ValidationResult("early", 10.0, 10.5),)
    costs = RoutingOverhead(frame_ms=0.125, call_ms=0.5, exit_ms=0.25, layer_share=0.1, validation=validation)
    return toy_profile(routing_overhead=costs)

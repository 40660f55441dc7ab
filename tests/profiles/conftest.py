import pytest
from toy import toy_profile

from compress.profiles import Block, Profile


@pytest.fixture
def profile() -> Profile:
    return toy_profile()


@pytest.fixture
def eliminating() -> Profile:
    """The toy profile, which also knows joint layers over 8 of its 16 search tokens."""
    plain = toy_profile()
    fewer = (Block("joint", 128, 7.0, tokens=8), Block("joint", 32, 2.5, tokens=8))
    reduced = (Block("joint", 128, 6.0, tokens=8, attn_dims=16),)
    return toy_profile(blocks=(*plain.blocks, *fewer, *reduced), elimination_ms=0.25)

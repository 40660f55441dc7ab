import pytest

from compress.core import HeadSpec, LayerSpec, TrackerSpec


@pytest.fixture(scope="session")
def tiny() -> TrackerSpec:
    """Small enough to be timed in no time, large enough for a block to take longer than a timer's tick."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(4))
    return TrackerSpec(dim=64, heads=4, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))

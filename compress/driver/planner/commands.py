"""The commands that measure the device of a plan, and train what was planned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compress.core import FileError
from compress.core.settings import settings_of
from compress.core.text import shell_command
from compress.driver.settings import SearchSettings
from compress.models import weights_path
from compress.models.checkpoints.layouts import weights_source

_NAMED = ("teacher", "weights", "target", "space", "data", "train_data", "plan")
"""Settings that the command names itself."""


def plan_commands(config: SearchSettings, run_dir: Path, *, measured: bool) -> Iterator[str]:
    """What to type to measure the device, unless it is, and train the plan; words in capitals are the user's."""
    # Under onnxruntime, which is what export ships, whatever runtime was planned for.
    device = config.target.split(":")[0]
    about = ["--target", device, "--teacher", config.teacher, "--space", config.space]
    if not measured:
        yield shell_command("compress", "profile", "measure", *about, "--host", "user@device")
    words = ["compress", "search", *about, *_weights(config), *_data(config)]
    for each in settings_of(SearchSettings):
        value = getattr(config, each.name)
        if each.name not in _NAMED and value != each.default and value is not None:
            words += [each.flag, f"{value:g}" if isinstance(value, float) else str(value)]
    yield shell_command(*words, "--plan", run_dir, "--out", f"{run_dir}-trained")


def _weights(config: SearchSettings) -> list[str]:
    """Nothing where the teacher's weights are found without being named."""
    if config.weights:
        return ["--weights", config.weights]
    try:
        weights_path(config.teacher)
    except FileError:
        source = weights_source(config.teacher)
        return ["--weights", source.files[config.teacher] if source else "WEIGHTS"]
    return []


def _data(config: SearchSettings) -> list[str]:
    """As given; else generated sequences for a teacher that was made on them, and folders to name for others."""
    if (config.data, config.train_data) != (SearchSettings.data, SearchSettings.train_data):
        return ["--train-data", config.train_data, "--data", config.data]
    if config.teacher == SearchSettings.teacher:
        return ["--data", SearchSettings.data]
    return ["--train-data", "folder:TRAIN", "--data", "folder:TEST"]

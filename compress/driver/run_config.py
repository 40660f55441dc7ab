"""`config.yaml` of a run: its settings and fingerprints of what they name, which a continued search must find again.

Paths may differ, as when data has moved; what lies there may not, since a front would mix results of both.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from compress.archive import NoStudyError, has_study, new_study_name, read_study
from compress.core import FileError, fingerprint
from compress.core.plain_files import read_plain
from compress.core.plain_values import shown
from compress.core.text import printable
from compress.core.writing import write_file
from compress.data import open_source
from compress.distill import StudentRecipe
from compress.distill.recipe_file import is_recipe_file
from compress.driver.jobs import TrainingSetup
from compress.driver.pair_choice import PairChoice
from compress.driver.settings import MAY_CHANGE, SearchSettings
from compress.spaces import Space, is_space_file

_MOST = 200_000
_OTHER = "Give another --out."
_RESULTS = ("checkpoints", "trials.csv", "pareto.csv", "report")
"""What a search writes once it has a study."""

Content = Mapping[str, Any]
"""Fingerprints by names of settings; of the space one by knob, so that a change can be named."""


def with_absolute_paths(config: SearchSettings) -> SearchSettings:
    """The settings with every path absolute, so that other commands find what they name from anywhere.

    Raises:
        UsageError: see `open_source`.
    """
    return dataclasses.replace(
        config,
        data=open_source(config.data).name,
        train_data=open_source(config.train_data, training=True).name,
        images=_absolute(config.images),
        weights=_absolute(config.weights),
        space=_absolute(config.space) if is_space_file(config.space) else config.space,
        recipe=_absolute(config.recipe) if is_recipe_file(config.recipe) else config.recipe,
    )


def content_of(config: SearchSettings, setup: TrainingSetup, space: Space) -> dict[str, Any]:
    """Fingerprints of what the settings of a search name, as it is now."""
    return {
        "data": setup.evaluation.fingerprint,
        "train_data": open_source(config.train_data, training=True).fingerprint,
        "images": setup.training.fingerprint if config.images else "",
        "weights": setup.teacher.weights,
        # The default one is what there was before there were others.
        **({"recipe": fingerprint(setup.recipe)} if setup.recipe != StudentRecipe() else {}),
        **space_content(space),
    }


def space_content(space: Space) -> dict[str, Any]:
    """Likewise of the space alone, which is all that a plan depends on."""
    knobs = {name: fingerprint(list(choices)) for name, choices in space.knobs.items()}
    return {"space": knobs | ({"per_layer": fingerprint(True)} if space.per_layer else {})}


def check_or_write_config(
    config: SearchSettings,
    run_dir: Path,
    content: Content,
    pairs: PairChoice | None = None,
    recipe: StudentRecipe | None = None,
) -> None:
    """Write `config.yaml`; where there is one, check first that it is of the same search.

    Args:
        content: Fingerprints of what settings name; of these settings the text is not compared.
        pairs: Noted with the settings, see `noted_pairs`.
        recipe: Likewise what the recipe says, for people, where it is not the default one.

    Raises:
        FileError: the run directory belongs to another search, naming each difference.
    """
    path = run_dir / "config.yaml"
    wanted = dataclasses.asdict(config) | {"fingerprints": dict(content)}
    if os.path.lexists(path):
        # A setting that the file does not know came later; its default is what the earlier version did.
        found = {f.name: f.default for f in dataclasses.fields(config)} | _read(path)
        if not isinstance(found.get("fingerprints"), dict):
            raise FileError(
                f"{path} does not say what the data of its search held, as earlier versions did not. {_OTHER}"
            )
        named = [k for k in wanted if k not in (*MAY_CHANGE, *content, "fingerprints") and found.get(k) != wanted[k]]
        differing = [f"{k} is {shown(found.get(k))} there and {shown(wanted[k])} here" for k in named]
        differing += _changes(found, wanted, content)
        if differing:
            raise FileError(
                f"{run_dir} holds another search: {'; '.join(differing)}. Give the same to continue it, or another "
                "--out."
            )
        _check_study(run_dir)
        wanted |= {"study": found["study"]} if found.get("study") else {}
    elif any(entry.name not in (".lock", ".sessions") for entry in run_dir.iterdir()):
        raise FileError(f"{run_dir} is not empty and holds no search. {_OTHER}")
    elif config.storage:
        wanted["study"] = new_study_name(run_dir)
    wanted |= {} if pairs is None else {"pairs": dataclasses.asdict(pairs)}
    wanted |= {} if recipe in (None, StudentRecipe()) else {"training": recipe.figures()}
    write_file(path, yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True))


def noted_pairs(run_dir: Path) -> PairChoice | None:
    """What the students of a run are distilled on, as its first search chose; None where nothing is noted.

    Raises:
        FileError: `config.yaml` is damaged.
    """
    path = run_dir / "config.yaml"
    noted = _read(path).get("pairs") if os.path.lexists(path) else None
    return None if noted is None else PairChoice.of(noted)


def content_fingerprint(config: SearchSettings, content: Content) -> str:
    """Of what the trials of a search depend on, wherever it lies: their study belongs to this search alone."""
    return fingerprint([config.teacher, config.target, config.seed, dict(content)])


def _check_study(run_dir: Path) -> None:
    """Whether the study of a run can be continued: nothing is begun anew among what an earlier search left.

    Raises:
        FileError: it cannot, or it is gone while results are there.
    """
    missing = "study.db"
    if has_study(run_dir):
        try:
            _ = read_study(run_dir).records  # read whole, with names that tell the variants apart
            return
        except NoStudyError as error:  # noted in config.yaml, and not begun when the search was stopped
            missing = f"study ({error})"
    left = [name for name in _RESULTS if os.path.lexists(run_dir / name)]
    if left:
        raise FileError(
            f"{run_dir} holds results of a search ({', '.join(left)}) but no {missing}, which they come from. Put it "
            "back, or give another --out."
        )


def _read(path: Path) -> dict[str, Any]:
    found = read_plain(path, "file of settings", most=_MOST, advice=_OTHER)
    if not isinstance(found, dict):
        raise FileError(f"{path} does not hold settings. {_OTHER}")
    return found


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], content: Content) -> list[str]:
    """In words, of which settings the content is no longer what it was.

    Args:
        before, now: The settings, `before` with the `fingerprints` of then.
        content: The fingerprints of now.
    """
    kept = before["fingerprints"]
    names = [name for name, found in content.items() if kept.get(name) != found]
    return [_words(name, before, now, kept.get(name), content[name]) for name in names]


def _words(name: str, before: Mapping[str, Any], now: Mapping[str, Any], kept: Any, found: Any) -> str:
    if before.get(name) != now[name]:
        return f"{name} is {shown(before.get(name))} there and {shown(now[name])} here, of other content"
    text = f"{name} ({now[name] or 'as shipped or imported'}) has changed since"
    if not isinstance(kept, Mapping) or not isinstance(found, Mapping):
        return text
    knobs = [knob for knob in {**kept, **found} if kept.get(knob) != found.get(knob)]
    return f"{text}, in {', '.join(printable(knob, most=40) for knob in knobs[:10])}"


def _absolute(path: str) -> str:
    return os.path.abspath(path) if path else path

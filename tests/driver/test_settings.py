"""The settings of a search: said once, and the same from the command line, from Python and in files."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, get_args, get_type_hints

import click
import pytest

from compress import search
from compress.cli.search import command
from compress.core import UsageError
from compress.core.settings import settings_of
from compress.driver import SearchKeywords, SearchSettings
from compress.surgery import Rank


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fps": 30.0, "speedup": 2.0}, "one of --fps N and --speedup X"),
        ({"fps": -1.0}, "--fps must be a number of frames per second from 0.001 to 1,000,000 but is -1.0"),
        ({"fps": float("inf")}, "--fps must be a number of frames per second from 0.001 to 1,000,000 but is inf"),
        ({"speedup": float("nan")}, "--speedup must be a number from 0.001 to 10,000 but is nan"),
        (
            {"trials": 0, "partial": 1.0},
            "--trials must .* from 1 .* is 0; --partial must be .* below 1 but is 1",
        ),
        ({"trials": "3"}, "--trials must be a whole number from 1 to 100,000 but is '3'"),
        ({"trials": True}, "--trials must be a whole number from 1 to 100,000 but is True"),
        ({"teacher": None}, "--teacher must be text but is None"),
        ({"mlp_rank": "random"}, "--mlp-rank must be one of importance, leading but is 'random'"),
        ({"sampler": "tpee"}, "Unknown sampler 'tpee'. Did you mean tpe"),
        ({"executor": "inlnie"}, "Unknown executor 'inlnie'. Did you mean inline"),
        ({"strategy": "halve"}, "Unknown strategy 'halve'. Did you mean halving"),
        ({"fps_at": "median"}, "--fps-at must be one of mean, p50"),
        ({"cache_size": "4"}, "--cache-size must be a size with a unit"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SearchSettings(**settings)


def test_keywords_are_those_of_the_settings() -> None:
    assert get_type_hints(SearchKeywords) == get_type_hints(SearchSettings)
    assert [each.name for each in settings_of(SearchSettings)] == [field.name for field in fields(SearchSettings)]
    with pytest.raises(TypeError, match="trails"):
        search(trails=3)  # type: ignore[call-arg]


def test_every_setting_has_an_option() -> None:
    options = {each.name: each for each in command.params if isinstance(each, click.Option)}
    assert set(options) == {*asdict(SearchSettings()), "out", "join", "quiet", "as_json"}


@pytest.mark.parametrize(
    "words",
    [
        *(["--trials", "0"], ["--steps", "1"], ["--pool", "63"], ["--fps", "0"], ["--time-budget", "-1"]),
        *(["--trials", str(10**9)], ["--pool", str(10**9)], ["--threads", "100000"], ["--seed", str(2**64)]),
        *(["--fps", "1e-300"], ["--fps", "1e300"], ["--time-budget", "nan"], ["--speedup", "inf"], ["--seed", "-1"]),
    ],
)
def test_both_doors_have_the_same_ranges(words: list[str]) -> None:
    with pytest.raises(click.UsageError, match=f"^{words[0]} must be "):
        command.make_context("search", list(words))
    name, value = words[0].removeprefix("--").replace("-", "_"), float(words[1])
    with pytest.raises(UsageError, match=words[0]):
        SearchSettings(**{name: value if name in ("fps", "time_budget", "speedup") else int(value)})


def test_the_ranks_are_those_of_the_surgery() -> None:
    assert get_args(get_type_hints(SearchSettings)["mlp_rank"]) == get_args(Rank)


def test_without_a_bound_nothing_slower_than_the_teacher_will_do() -> None:
    assert SearchSettings().speedup == 1.0
    assert SearchSettings(fps=30.0).speedup is None

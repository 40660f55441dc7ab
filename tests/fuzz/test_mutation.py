"""The tier's own parts: the same seed makes the same mutant, and the judge sees what is wrong with an answer."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import yaml

from tests.fuzz.judge import Answer, faults
from tests.fuzz.places import at_place
from tests.fuzz.texts import byte_changes, json_text, lines_text, yaml_text
from tests.fuzz.values import Doubled, Raw, dumped, mutated, places

VALUE = {"a": [1, 2.5, {"b": "x"}], "c": None, "d": {"e": True}}
FORMS = {
    "json": (json_text, json.dumps(VALUE).encode()),
    "yaml": (yaml_text, yaml.safe_dump(VALUE).encode()),
    "lines": (lines_text, b"1,2,3,4\n5,6,7,8\n"),
    "bytes": (byte_changes, bytes(range(200))),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_seed_makes_one_mutant_and_others_make_others(form: str) -> None:
    change, data = FORMS[form]
    made = [change(data, Random(f"x/{seed}")) for seed in range(60)]
    assert made == [change(data, Random(f"x/{seed}")) for seed in range(60)]
    assert len(set(made)) > 40
    assert made.count(data) < 6


def test_structure_is_changed_in_a_copy() -> None:
    before = json.dumps(VALUE)
    for seed in range(200):
        mutated(VALUE, Random(seed))
    assert json.dumps(VALUE) == before
    assert len(places(VALUE)) == 8


def test_text_that_no_json_holds_is_written_as_it_is() -> None:
    twice = Doubled(a=1)
    twice.again = ("a", Raw("9" * 400))
    assert dumped([twice, float("nan")]) == f'[{{"a": 1, "a": {"9" * 400}}}, NaN]'


def test_places_hold_something_else_than_the_file(tmp_path: Path) -> None:
    seen = set()
    for seed in range(120):
        path = tmp_path / str(seed) / "f.json"
        path.parent.mkdir()
        path.write_text("{}")
        seen.add(at_place(path, Random(seed)))
    assert {"pipe", "endless", "sparse", "missing", "socket"} <= seen


GOOD = Answer(code=1, out=b"", err=b"Error: It is damaged.\n", seconds=0.1, megabytes=100)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": 99}, "ended with 99"),
        ({"code": -11}, "ended with -11"),
        ({"seconds": 31.0}, "took 31.0 s"),
        ({"over": "memory"}, "stopped for memory"),
        ({"err": b"Error: \x1b[2J"}, "control characters"),
        ({"err": "Error: \u202e".encode()}, "control characters"),
        ({"err": b"Error: \xff"}, "not UTF-8"),
        ({"err": b"Traceback (most recent call last):"}, "Traceback"),
        ({"err": b"Error: Unexpected KeyError. This is a fault of compress"}, "fault of compress"),
        ({"err": b"Error: a\n\nb"}, "not one paragraph"),
        ({"err": b"Error: a\nError: b"}, "not one paragraph"),
        ({"err": b"oh"}, "does not begin"),
        ({"err": b"Error: " + b"x" * 5000}, "characters long"),
        ({"outside": ["open /tmp/x"]}, "written outside"),
        ({"left": ["tmp/x"]}, "left behind"),
        ({"code": 0, "out": b'{"ao": 1.5}'}, "no share"),
        ({"code": 0, "out": b'{"mean_ms": -1}'}, "no time"),
        ({"code": 0, "out": b'{"x": NaN}'}, "is nan"),
        ({"code": 0, "out": b'{"x": '}, "no JSON"),
    ],
)
def test_what_is_wrong_with_an_answer_is_seen(tmp_path: Path, change: dict[str, object], words: str) -> None:
    assert faults(GOOD, tmp_path) == []
    answer = Answer(**GOOD.__dict__ | change)
    assert any(words in each for each in faults(answer, tmp_path)), faults(answer, tmp_path)


def test_boxes_and_weights_of_a_success_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "boxes.txt").write_text("1,2,nan,4\n")
    assert "boxes that are none" in faults(Answer(0, b"", b"", 0.1, 100), tmp_path)[0]

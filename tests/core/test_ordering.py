"""Frames come in the order that their names tell, and a name that tells none is noticed."""

from __future__ import annotations

import random

import pytest

from compress.core.ordering import doubtful_order, numeric_order

CLEAR = {
    "unpadded": ["1", "2", "10", "100"],
    "padded": ["00000001", "00000002", "00000010"],
    "gaps": ["0003", "0010", "0017"],
    "letters around": ["frame 2 (copy)", "frame 10 (copy)"],
    "signs": ["-12", "-5", "0", "3", "10"],
    "plus": ["-2", "-1", "0", "+1", "+2"],
    "minus of typographers": ["−2", "−1", "1"],
    "signs after text": ["t_-10", "t_-2", "t_0", "t_3"],
    "hyphens": ["frame-1", "frame-2", "frame-10"],
    "dates": ["2020-01-05_1", "2020-01-05_10", "2020-11-01_2"],
    "dotted dates": ["2020.01.05", "2020.1.12", "2020.11.1"],
    "decimals": ["0.25", "0.5", "1", "1.125", "10.5"],
    "times": ["760577.25", "760577.2833", "760577.3166", "760577.35"],
    "times of one length": ["1305031102.175304", "1305031102.211214"],
    "decimal commas": ["0,25", "0,5", "1"],
    "decimals with signs": ["-0.5", "-0.25", "0", "0.25"],
    "decimals with a leading zero": ["1.05", "1.051", "1.5"],
    "exponents": ["1e-05", "0.0001", "0.5", "1", "2e+03"],
    "pairs": ["1.1", "1.2", "1.9", "1.10"],
    "two numbers": ["1_2", "1_10", "2_1"],
    "digits of Arabic": ["٢", "٣", "١٠"],
    "wide digits": ["１", "２", "１０"],
    "capitals": ["Frame2", "frame3", "FRAME10"],
    "one": ["cover"],
    "none": [],
}


@pytest.mark.parametrize("stems", CLEAR.values(), ids=CLEAR)
def test_names_tell_an_order(stems: list[str]) -> None:
    wanted = [f"{stem}.{('png', 'JPG')[i % 2]}" for i, stem in enumerate(stems)]
    for seed in range(3):
        names = random.Random(seed).sample(wanted, len(wanted))
        assert numeric_order(names) == wanted
        assert doubtful_order(names) is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.png", "b.png", "c.png"], "names such as a.png, b.png, c.png have no pattern in common"),
        (["3f2a.png", "0a1b.png", "9c9c.png"], "no pattern in common"),
        (["1.png", "2.png", "3.png", "cover.png"], "cover.png is named unlike the others"),
        (["0.25.png", "0.5.png", "1.png", "a.png", "b.png"], "a.png and b.png are named unlike the others"),
        (["01.png", "1.png", "2.png"], "01.png and 1.png have the same number"),
        (["1.jpg", "1.png", "2.png"], "1.jpg and 1.png have the same number"),
        (["-1.png", "-2.png", "-3.png"], "a minus that may be a sign or none"),
        (["1.9.png", "1.10.png"], "decimal numbers or pairs of numbers"),
    ],
)
def test_names_that_tell_no_order(names: list[str], said: str) -> None:
    found = doubtful_order(names)
    assert found is not None
    assert said in found
    assert sorted(numeric_order(names)) == sorted(names)


def test_the_frames_among_other_names_keep_their_order() -> None:
    names = ["1.png", "cover.png", "0.5.png", "0.25.png", "-2.png", "-10.png"]
    assert numeric_order(names)[:5] == ["-10.png", "-2.png", "0.25.png", "0.5.png", "1.png"]


def test_any_names_have_an_order() -> None:
    """Whatever characters there are, always the same one."""
    rng = random.Random(0)
    for _ in range(200):
        names = ["".join(rng.choices("0129.,-+e_ aé٣\udce9\x1b", k=rng.randrange(1, 8))) for _ in range(6)]
        found = numeric_order(names)
        assert sorted(found) == sorted(names)
        assert numeric_order(rng.sample(names, 6)) == found
        assert (doubtful_order(names) or "").isprintable()

"""A registry holds each name once, says what took a name, and knows names that are close."""

from __future__ import annotations

import pytest

from compress.core import Registry, UsageError


class Blue:
    pass


def pale_red() -> str:
    return "red"


@pytest.fixture
def colours() -> Registry[object]:
    registry = Registry[object]("colour")
    registry.register(pale_red)
    registry.register("blue")(Blue)
    registry.register("grey", 0.5)
    return registry


def test_functions_classes_and_values(colours: Registry[object]) -> None:
    assert list(colours) == ["pale-red", "blue", "grey"]
    assert colours.names() == ["blue", "grey", "pale-red"]
    assert dict(colours.items()) == {"pale-red": pale_red, "blue": Blue, "grey": 0.5}
    assert (colours["pale-red"], colours["blue"], colours["grey"]) == (pale_red, Blue, 0.5)
    assert "blue" in colours
    assert "pale_red" not in colours
    assert len(colours) == 3


def test_registering_gives_back_what_was_registered() -> None:
    registry = Registry[object]("colour")
    assert registry.register(pale_red) is pale_red
    assert registry.register("blue")(Blue) is Blue
    assert registry.register("grey", 0.5) == 0.5


def test_a_name_is_registered_once(colours: Registry[object]) -> None:
    with pytest.raises(UsageError, match=r"colour 'blue' is already registered, as .*test_registry\.Blue;.*float"):
        colours.register("blue", 0.1)
    with pytest.raises(UsageError, match=r"'pale-red' is already registered, as .*pale_red"):
        colours.register(pale_red)
    assert colours["blue"] is Blue


def test_an_entry_of_none_takes_its_name() -> None:
    registry = Registry[object]("colour")
    registry.register("none", None)
    assert registry["none"] is None
    with pytest.raises(UsageError, match="already registered"):
        registry.register("none", Blue)


def test_unknown_names_have_close_matches(colours: Registry[object]) -> None:
    with pytest.raises(UsageError, match=r"Unknown colour 'blu'\. Did you mean blue\?"):
        colours["blu"]
    with pytest.raises(UsageError, match="Known: blue, grey, pale-red"):
        colours["zzz"]


def test_a_removed_name_is_free_again(colours: Registry[object]) -> None:
    colours.remove("blue")
    assert "blue" not in colours
    colours.register("blue", 1)
    with pytest.raises(UsageError, match="Unknown colour"):
        colours.remove("green")


@pytest.mark.parametrize("name", ["", " blue", "blue\n"])
def test_a_name_is_a_word(colours: Registry[object], name: str) -> None:
    with pytest.raises(UsageError, match="must be text"):
        colours.register(name, 1)

"""What backbones differ in stands in tables: no module asks which backbone it has, none is left out of a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from compress.core import BACKBONES, TrackerSpec
from compress.driver.backbones import TABLES
from compress.testing.backbone_suite import BackboneSuite
from compress.testing.small_trackers import LEVIT, SPEC

ROOT = Path(__file__).resolve().parent.parent


def _questions(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of every comparison, match or look-up in which a `backbone` is told from others."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            asked = any(_is_backbone(each) for each in operands) and any(_is_literal(each) for each in operands)
        elif isinstance(node, ast.Match):
            asked = _is_backbone(node.subject)
        elif isinstance(node, ast.Subscript):
            asked = isinstance(node.value, ast.Dict) and _is_backbone(node.slice)
        else:
            continue
        if asked:
            yield node.lineno, ast.unparse(node)


def _is_backbone(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node).split(".")[-1] == "backbone"


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.Tuple | ast.List | ast.Set)


def test_no_module_asks_for_a_backbone_by_name() -> None:
    files = sorted((ROOT / "compress").rglob("*.py"))
    found = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in files
        for line, text in _questions(path.read_text("utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1 if spec.backbone == 'levit' else 2",
        "if 'vit' != teacher.backbone: pass",
        "if spec.backbone in ('vit', 'swin'): pass",
        "match backbone:\n    case 'vit': pass",
        "f = {'vit': 1, 'levit': 2}[spec.backbone]",
    ],
)
def test_a_question_is_seen(text: str) -> None:
    assert len(list(_questions(text))) == 1


@pytest.mark.parametrize(
    "text", ["f = TABLE[spec.backbone]", "if spec.backbone not in TABLE: pass", "a.backbone == b.backbone"]
)
def test_tables_and_equality_are_no_questions(text: str) -> None:
    assert not list(_questions(text))


SPECS = {"levit": LEVIT, "vit": SPEC}


def test_all_tables_hold_the_same_backbones() -> None:
    assert {field: table.names() for field, table in TABLES.items()} == dict.fromkeys(TABLES, BACKBONES.names())
    assert BACKBONES.names() == sorted(SPECS)


class TestBackbonesOfThePackage(BackboneSuite):
    @pytest.fixture(params=sorted(SPECS))
    def spec(self, request: pytest.FixtureRequest) -> TrackerSpec:
        return SPECS[request.param]

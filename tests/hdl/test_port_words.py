"""Every port of every block has a word of its own: beside it in the source, or in the block's docstring."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest
from commands import ROOT

pytestmark = pytest.mark.testpoint(
    "ports have words",
    "every port of every block is explained, beside it or in the block's docstring",
)

HDL = ROOT / "hdl"
FLOWS = ("In", "Out")


def comments(source: str) -> set[int]:
    """Lines that end in a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0] for token in tokens if token.type == tokenize.COMMENT}


def wordless(source: str) -> list[str]:
    """Ports, as CLASS.PORT, with neither a comment on their line nor their name in backticks in the class's words."""
    said, found = comments(source), []
    for block in ast.walk(ast.parse(source)):
        if not isinstance(block, ast.ClassDef):
            continue
        words = ast.get_docstring(block) or ""
        for node in ast.walk(block):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if (
                        isinstance(key, ast.Constant)
                        and isinstance(value, ast.Call)
                        and isinstance(value.func, ast.Name)
                        and value.func.id in FLOWS
                        and f"`{key.value}`" not in words
                        and not said & {key.lineno, value.end_lineno}
                    ):
                        found.append(f"{block.name}.{key.value}")
    return found


@pytest.mark.parametrize("path", sorted(HDL.rglob("*.py")), ids=lambda path: path.relative_to(HDL).as_posix())
def test_every_port_has_a_word(path: Path) -> None:
    assert wordless(path.read_text()) == []


def test_a_port_without_a_word_is_found() -> None:
    source = '''
class Block(Component):
    """Adds `code` up."""

    def __init__(self):
        super().__init__({
            "code": In(8),
            "clear": In(1),  # forgets the sum
            "fresh": Out(1),
            "layout": 3,
        })
'''
    assert wordless(source) == ["Block.fresh"]

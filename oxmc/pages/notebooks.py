"""`make tutorials` (`python -m oxmc.pages.notebooks [NAME ...]`): execute docs/tutorials and keep the outputs.

In this process and without Jupyter, so that a test costs what the cells cost; a kernel shows the same, but for
its bar of progress and where it breaks long lists: a cell's output is what it prints and the value of its last
expression.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oxmc.pymodels.whole import write_file

TUTORIALS = Path("docs/tutorials")
DPI, COLOURS = 80, 64
Names = dict[str, Any]


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook (format 4) with the outputs of its cells, which share their names. Raises what a cell raises."""
    names: Names = {"__name__": "__main__"}
    cells, count = [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            outputs = list(_outputs("".join(cell["source"]), names, count))
            cell = {**cell, "execution_count": count, "outputs": outputs}
        cells.append(cell)
    return {**notebook, "cells": cells}


def run_cell(code: str, names: Names) -> tuple[str, Any]:
    """What a cell prints, and the value of the expression that it ends with, or None."""
    body = ast.parse(code).body
    last = body[-1] if body else None
    expression = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(ast.Module(body[:-1] if expression else body, []), "cell", "exec"), names)
        value = eval(compile(expression, "cell", "eval"), names) if expression else None
    return said.getvalue(), value


def _outputs(code: str, names: Names, count: int) -> Iterator[dict[str, Any]]:
    said, value = run_cell(code, names)
    if said:
        yield {"name": "stdout", "output_type": "stream", "text": said.splitlines(keepends=True)}
    if value is not None:
        data = shown(value)
        yield {"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"}


def shown(value: Any) -> dict[str, Any]:
    """A value by media type, as a notebook keeps it: a figure as PNG, others as text, and as HTML where they can."""
    if hasattr(value, "savefig"):
        return {"image/png": base64.b64encode(_png(value)).decode(), "text/plain": ["<Figure>"]}
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_") and (markup := value._repr_html_()):
        data["text/html"] = markup.splitlines(keepends=True)
    return data


def _png(figure: Any) -> bytes:
    """A figure in few colours: a third of the bytes that true colours take."""
    from PIL import Image  # matplotlib has it, too

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()


def texts(notebook: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The outputs of each code cell but for pictures, which differ with the version of what draws them."""
    return [
        [{**each, "data": {**each["data"], "image/png": ""}} if "image/png" in each.get("data", {}) else each
         for each in cell["outputs"]]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]  # fmt: skip


def text_of(notebook: dict[str, Any]) -> str:
    """A notebook as it is kept, as nbformat writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(names: list[str]) -> None:
    for path in sorted(TUTORIALS.glob("*.ipynb")):
        if not names or path.stem in names:
            write_file(path, text_of(executed(json.loads(path.read_text(encoding="utf-8")))))
            print(path)


if __name__ == "__main__":
    main(sys.argv[1:])

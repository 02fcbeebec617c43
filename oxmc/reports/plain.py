"""A console for text that users chose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.segment import Segment

from oxmc.pymodels.errors import printable


class PlainConsole(Console):
    """A console to which all text is text: no markup, no emoji, and no control characters but its own.

    A folder may be called [x] or :x:, a column of a table may hold what turns a terminal red.
    """

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, **options)

    def render(self, *arguments: Any, **options: Any) -> Iterator[Segment]:
        for segment in super().render(*arguments, **options):
            text = segment.text if segment.control else printable(segment.text)
            yield Segment(text, segment.style, segment.control)

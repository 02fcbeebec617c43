"""How pages that need nothing but a browser are made: figures in words, text that stays text, parts that they share."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

LINK = re.compile(r"https?://[^\s,;)]+[^\s,;).]|\bdoi:(10\.\S+[^\s,;).])")
PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"))


def rendered(name: str, data: Any, *, scripts: Sequence[str] = (), **values: Any) -> str:
    """The page `name`.html with its look, its script and `data`, as JSON, for the script.

    `scripts` come ahead of its own. `values` are what its markup names, among them `command`, which makes the page, and
    `contents`, its sections' names by their places.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(asset)
    )
    environment.filters |= {
        "joules": joules, "watts": watts, "seconds": seconds, "share": share, "linked": linked, "rounded": rounded,
        "round_tick": round_tick, "signed": signed,
    }  # fmt: skip
    return environment.get_template(f"{name}.html").render(
        css=Markup(asset("base.css") + asset(f"{name}.css")),
        js=Markup("".join(asset(f"{script}.js") for script in ("base", *scripts, name))),
        data=embedded(data),
        **values,
    )


def joules(value: float) -> str:
    """Three digits and a unit: 12.0 µJ."""
    for scale, prefix in PREFIXES:
        if abs(value) >= scale * 0.9995 or scale == PREFIXES[-1][0]:
            mantissa = value / scale
            digits = 2 - min(2, math.floor(math.log10(max(1.0, abs(mantissa)))))
            return signed(f"{mantissa:.{digits}f}\u202f{prefix}J")
    raise AssertionError


def signed(text: str) -> str:
    """A number with a minus as it is printed."""
    return text.replace("-", "\N{MINUS SIGN}")


def watts(value: float) -> str:
    return joules(value).removesuffix("J") + "W"


def seconds(value: float) -> str:
    return joules(value).removesuffix("J") + "s"


def linked(text: str) -> Markup:
    """A source with the addresses that stand in it as links."""
    parts, last = [], 0
    for found in LINK.finditer(text):
        address = f"https://doi.org/{found[1]}" if found[1] else found[0]
        parts += [escape(text[last : found.start()]), Markup('<a href="{}">{}</a>').format(address, found[0])]
        last = found.end()
    return Markup("").join([*parts, escape(text[last:])])


def share(value: float) -> str:
    return f"{value:.1%}".replace("%", "\u202f%")


def rounded(value: float) -> str:
    """Two digits, thousands apart: 50,000."""
    digits = max(0, math.floor(math.log10(value)) - 1) if value >= 1 else 0
    return f"{round(value, -digits):,.0f}"


def round_tick(text: str) -> str:
    """A round value without the zeros behind its point."""
    number, _, unit = text.partition("\u202f")
    return f"{float(number):g}\u202f{unit}"


def asset(name: str) -> str:
    return (resources.files("oxmc.reports") / "page" / name).read_text(encoding="utf-8")


def embedded(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    return Markup(json.dumps(value).replace("<", "\\u003c"))

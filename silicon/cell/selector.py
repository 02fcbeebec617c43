"""The selector: a transistor of the sky130 PDK, or one of our own where its models are not there.

The PDK's is its 5 V nMOS at the width whose currents come nearest to card 16k's, 40 to 100 uA at 1.4 to 1.8 V. Our own
is a MOSFET of level 1, fitted to that one: the current at both ends of the card's gate voltages and the resistance at
4 V within a fifth. Of body effect and junctions it has rough figures only, of velocity saturation none.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from oxmc.silicon.characterise.spice import Pdk, plain_model

WIDTH_UM, LENGTH_UM = 1.0, 0.5
DRAIN_UM = 0.3
NFET = "sky130_fd_pr__nfet_g5v0d10v5"
LEVEL_1 = (
    ".model nsel nmos level=1 vto=0.58 kp=62.5u lambda=0.08 gamma=0.3 phi=0.8 tox=11.6n cgso=0.32n cgdo=0.32n "
    "cj=0.85m cjsw=0.086n\n"
)
KEPT = Path("build/characterise")
"""Where the PDK's package is, as `make characterise` has it."""


@dataclasses.dataclass(frozen=True)
class Selector:
    """`models` is the text of the transistor's model `nsel`."""

    name: str
    models: str

    def instance(self, name: str, drain: str, gate: str, source: str) -> str:
        """A line with a transistor of `WIDTH_UM`, its substrate at 0 V."""
        area, rim = DRAIN_UM * WIDTH_UM, 2 * (WIDTH_UM + DRAIN_UM)
        size = f"w={WIDTH_UM}u l={LENGTH_UM}u ad={area}p as={area}p pd={rim}u ps={rim}u"
        return f"m{name} {drain} {gate} {source} 0 nsel {size}\n"


def level_1() -> Selector:
    """Our own."""
    return Selector("level 1", LEVEL_1)


def sky130(folder: Path = KEPT) -> Selector:
    """The PDK's at its typical corner, of the package, which is fetched into `folder` where it is not there."""
    text = Pdk(folder).text(f"sky130_fd_pr/cells/nfet_g5v0d10v5/{NFET}__tt.pm3.spice")
    models = (plain_model(model, "nsel") for model in re.split(r"(?m)^(?=\.model )", text)[1:] if _fits(model))
    return Selector(
        NFET, "\n".join(re.sub(rf"\{{([-+.\de]+)\+{NFET}__\w+\}}", r"\1", model) for model in models) + "\n"
    )


def _fits(model: str) -> bool:
    """Whether a model is made for the selector's size."""
    found = re.search(r"lmin = (\S+) lmax = (\S+) wmin = (\S+) wmax = (\S+)", model)
    assert found
    shortest, longest, narrowest, widest = (1e6 * float(text) for text in found.groups())
    return shortest - 1e-9 <= LENGTH_UM < longest - 1e-9 and narrowest - 1e-9 <= WIDTH_UM < widest - 1e-9

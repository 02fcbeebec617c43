"""A resistive cell as a circuit: a filament of radius r with a gap d, which voltages move, in ngspice's B-sources.

Conductance at the READ voltage: G0 (r / 1 nm)^2 exp(-d / `gap_scale_nm`), where a filament of 1 nm is one quantum of
conductance. In a SET the gap closes at a rate that is exponential in the cell's voltage. Then the filament widens,
until the selector's current leaves too little voltage across it. In a RESET the gap opens, which narrows the filament
to its stump; each nm of gap takes `gap_v_per_nm` off the voltage that opens it further. A rate saturates at
`fastest_nm_s`.

The model is our own, of the kind that the literature calls a compact model of growth and dissolution (as D. Ielmini,
IEEE Trans. Electron Devices 58, 4309, 2011). Its form is an assumption. `widen_v`, `widen_v_per_nm` and `gap_v_per_nm`
were fitted so that SETs by pulses of 100 ns leave the medians of card 16k, behind either selector, and a RESET its LCS.
What the cell does at other starts, widths and compliance currents, and all joules and currents, follow.
"""

from __future__ import annotations

import dataclasses
import math

QUANTUM_US = 77.481
"""2 e^2 / h; from there on I(V) is straight (docs/design.md)."""


@dataclasses.dataclass(frozen=True)
class Filament:
    """Constants of the model. `curvature` is the configuration key `iv_curvature`, at the voltage `read_v`."""

    curvature: float = 0.15
    read_v: float = 0.4
    curvature_ends: float = 10.0
    """How far the share of curvature may grow beyond the READ voltage: weak cells conduct up to 2.4 times as well."""
    gap_scale_nm: float = 0.25
    stump_nm: float = 0.5
    rate_nm_s: float = 2e6
    """Of each move at its own voltage: 0.2 nm in a pulse of 100 ns."""
    fastest_nm_s: float = 1e9
    widen_v: float = 1.02
    widen_v_per_nm: float = 0.7
    """How much more voltage widens a filament that is wider than `widen_at_nm` by 1 nm."""
    widen_at_nm: float = 0.88
    widen_scale_v: float = 0.05
    close_v: float = 1.1
    open_v: float = 1.0
    gap_v_per_nm: float = 3.95
    move_scale_v: float = 0.06
    narrow_nm: float = 0.15
    """Of opened gap, over which a filament narrows to its stump."""

    def gap_nm(self, conductance_us: float) -> float:
        """The gap of a stump that conducts so at the READ voltage."""
        return self.gap_scale_nm * math.log(QUANTUM_US * self.stump_nm**2 / conductance_us)

    def carried(self, conductance_us: float, volts: float) -> float:
        """uA through a cell that does not move."""
        bend = self.curvature * max(0.0, 1 - conductance_us / QUANTUM_US)
        square = (volts / self.read_v) ** 2
        return conductance_us * volts * (1 - bend + bend * square / (1 + (square - 1) / self.curvature_ends))

    def functions(self) -> str:
        """What the two subcircuits share, in uS and V."""
        return f"""\
.func bend(g) {{{self.curvature}*max(0,1-g/{QUANTUM_US})}}
.func straight(c,q) {{1-c+c*q/(1+(q-1)/{self.curvature_ends})}}
.func carried(g,v) {{1e-6*g*v*straight(bend(g),v*v/{self.read_v**2})}}
.func rate(x) {{{self.rate_nm_s}/(exp(-min(max(x,-40),20))+{self.rate_nm_s / self.fastest_nm_s})}}
"""

    def still(self) -> str:
        """`.subckt still sl m g`: a cell whose conductance is the voltage at g, 1 V a uS."""
        return ".subckt still sl m g\nbi sl m i=carried(v(g),v(sl,m))\n.ends\n"

    def moving(self) -> str:
        """`.subckt moving sl m d r`: a cell with its gap and radius at d and r, 1 V a nm; a RESET opens it by a share
        `opens` of the model's rate."""
        opening = f"opens*rate((v(m,sl)-{self.open_v}-{self.gap_v_per_nm}*v(d))/{self.move_scale_v})"
        closing = f"rate((v(sl,m)-{self.close_v})/{self.move_scale_v})*min(1,max(v(d),0)/0.02)"
        widening = (
            f"rate((v(sl,m)-{self.widen_v}-{self.widen_v_per_nm}*(v(r)-{self.widen_at_nm}))/{self.widen_scale_v})"
        )
        return f"""\
.subckt moving sl m d r opens=1
bg g 0 v={QUANTUM_US}*v(r)*v(r)*exp(-max(v(d),0)/{self.gap_scale_nm})
bi sl m i=carried(v(g),v(sl,m))
cd d 0 1f
cr r 0 1f
bd 0 d i=1e-15*({opening}-{closing})
br 0 r i=1e-15*({widening}*max(0,1-v(d)/0.02)-(v(r)-{self.stump_nm})/{self.narrow_nm}*{opening})
.ends
"""

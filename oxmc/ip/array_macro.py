"""The array macro as an integrator takes it: pins, times, levels and area, and a stand-in for simulation.

Its times are the other side of the constraints in `oxmc.ip.sdc`: what a pin of the chip may leave of the period.
"""

from __future__ import annotations

from oxmc.energy.area import areas
from oxmc.energy.point import operating_point
from oxmc.hdl.array_port import DRIVEN, PULSE_PINS
from oxmc.ip.sdc import ARRAY
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.pymodels.oxram.devices import load_card
from oxmc.silicon.macro import Macro, MacroPin

NODE = "130nm"
PARTS = ("array", "drivers", "input_dac", "gate_dac", "adc")
"""Components of `energy/area.toml` that lie within the macro; charge pumps and regulators lie beside it."""
UNLIKE_EDGES = 0.05
"""Share of a pulse by which it may be shorter, since its edges are not alike."""


def array_name(name: str) -> str:
    return f"{name}_array"


def pulse_s(config: Config) -> dict[ArrayOp, float]:
    """How long each command's pulse lasts, in s, before it is rounded up to cycles."""
    return {
        ArrayOp.FORM: config.set_pulse_s,
        ArrayOp.RESET: config.reset_pulse_s,
        ArrayOp.SET: config.set_pulse_s,
        ArrayOp.READ: config.read_pulse_s,
        ArrayOp.EVAL: config.eval_pulse_s,
    }


def array_pins(formats: Formats) -> tuple[MacroPin, ...]:
    """As the chip's array port has them, but for `column`: `cell` is a keyword of Verilog."""
    trim = formats.config.auto_zero_bits
    inputs = {
        "op": 3, "row": formats.row_bits, "column": formats.cell_bits, "mask": formats.cells,
        "gate": formats.gates_bits, "segment": formats.segment_bits, "inputs": formats.lanes_bits,
        **dict.fromkeys((*PULSE_PINS, "latch"), 1), **({"trim": trim} if trim else {}),
    }  # fmt: skip
    pins = [MacroPin(name, width, width > 1, "input") for name, width in inputs.items()]
    return (*pins, MacroPin("data", formats.data_bits, True, "output"))


def array_macro(config: Config, name: str) -> Macro:
    """The macro of a chip that is called `name`."""
    formats, period_ns = Formats(config), 1e9 / config.clock_hz
    shortest = {
        pin: min(seconds for op, seconds in pulse_s(config).items() if DRIVEN[op][at])
        for at, pin in enumerate(PULSE_PINS)
    }
    return Macro(
        name=array_name(name),
        pins=array_pins(formats),
        setup_ns=ARRAY * period_ns,
        hold_ns=0.0,
        access_ns=ARRAY * period_ns,
        area_um2=sum(um2 for um2, _, _ in area(config).values()),
        period_ns=period_ns,
        width_ns={pin: (1 - UNLIKE_EDGES) * 1e9 * seconds for pin, seconds in shortest.items()},
    )


def area(config: Config) -> dict[str, tuple[float, float, float]]:
    """um2 of each of `PARTS` at 130 nm: estimate, low, high; for the rows that the chip can address."""
    built = config.replace(rows=Formats(config).row_capacity)
    point = operating_point(built, vars(load_card(config.card)), flip_flops=0)
    found = dict.fromkeys(PARTS, (0.0, 0.0, 0.0))
    for line in areas(NODE, point, row_current_a=0.0):
        if line.component in found:
            um2, low, high = found[line.component]
            found[line.component] = (um2 + line.um2, low + line.low, high + line.high)
    return found


def array_page(config: Config, name: str) -> str:
    """What an analogue team has to know, in Markdown."""
    formats, card, macro = Formats(config), load_card(config.card), array_macro(config, name)
    parts = area(config)
    pins = "".join(f"| `{pin.name}` | {pin.way} | {pin.width} |\n" for pin in macro.pins)
    um2, low, high = (sum(figures) for figures in zip(*parts.values(), strict=True))
    levels = {
        ArrayOp.FORM: (f"{card.form_wl_v:g}", "0", f"{card.form_sl_v:g}", "-"),
        ArrayOp.RESET: (f"{card.reset_wl_v:g}", f"{card.reset_bl_v:g}", "0", "-"),
        ArrayOp.SET: (f"{card.gate_low_v:g} to {card.gate_high_v:g}, by `gate`", "0", f"{card.set_sl_v:g}", "-"),
        ArrayOp.READ: (f"{card.read_wl_v:g}", "0", f"{card.read_sl_v:g}", "-"),
        ArrayOp.EVAL: (f"{card.read_wl_v:g}", "virtual ground", "-", f"{formats.input_step_v:.4g} a step"),
    }
    rows = "".join(
        f"| {op.value} | {op.name} | {', '.join(p for p, on in zip(PULSE_PINS, DRIVEN[op], strict=True) if on)} | "
        f"{config.cycles(seconds)} | {1e9 * seconds:g} | {' | '.join(levels[op])} |\n"
        for op, seconds in pulse_s(config).items()
    )
    return PAGE.format(
        name=macro.name,
        pins=pins,
        rows=rows,
        setup=f"{macro.setup_ns:g}",
        access=f"{macro.access_ns:g}",
        period=f"{macro.period_ns:g}",
        widths=", ".join(f"{pin} {ns:g}" for pin, ns in macro.width_ns.items()),
        conversion=config.cycles(config.conversion_s),
        area="".join(f"| {part} | {a:.0f} | {b:.0f} to {c:.0f} |\n" for part, (a, b, c) in parts.items()),
        total=f"{um2:.0f} | {low:.0f} to {high:.0f}",
        capacity=formats.row_capacity,
        cells=formats.cells,
        read_step=formats.read_step_ns,
        steps=", ".join(f"{formats.segment_step(segment)}" for segment in range(formats.segments)),
        card=card.name,
    )


PAGE = """\
# {name}

The array macro: {capacity} rows of {cells} cells. `{name}.v` stands in for it in simulation, `*_macros.lib` and
`*_macros.lef` in synthesis and placement, as a black box. Device card: {card}. Replace all three by yours.

## Pins

All logic pins are at the supply of the logic; the macro shifts levels. `clk` is the chip's clock.

| pin | way | bits |
|---|---|---|
| `clk` | input | 1 |
{pins}
## Commands and levels

Volts on the cells; lines that a command does not drive are at 0 V. Cycles are those of `clk`.

| `op` | command | pins that are high | cycles | ns | WL | BL | SL | inputs |
|---|---|---|---|---|---|---|---|---|
{rows}
A SET's word line is at the gate DAC's code; 0 is the lowest voltage. A READ answers floor(g / {read_step} nS). An EVAL
answers floor(sum((g+ - g-) * code) / step), in nS times input codes a step, by segment: {steps}. Both saturate; the
EVAL's is signed. Cell 2p is g+ of pair p, cell 2p + 1 its g-.

## Times

| | ns |
|---|---|
| set-up of all inputs to `clk` | {setup} |
| hold | 0 |
| `clk` to `data`, at most | {access} |
| period of `clk`, at least | {period} |
| high time of a pulse pin, at least | {widths} |

Pulse pins are flip-flops of the chip and change right after an edge; addresses settle up to the set-up time. Both hold
to the edge that ends the pulse, at which `latch` is high. `data` is taken once; cycles from that edge on: {conversion}.

## Area

Of `energy/area.toml` at 130 nm, in um2: estimates with their intervals. Charge pumps and regulators lie beside the
macro, and so do its supplies in LEF: that has those of the logic.

| part | um2 | from, to |
|---|---|---|
{area}| all | {total} |
"""

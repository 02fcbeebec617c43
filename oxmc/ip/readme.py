"""The README of the folder: an instance to copy, and what else its integrator has to know."""

from __future__ import annotations

import textwrap

from oxmc.hdl.verilog.netlist import Port, module_ports
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats


def readme(config: Config, bus: str, name: str, verilog: str) -> str:
    """About thirty lines of Markdown; `verilog` has the module `name`."""
    formats = Formats(config)
    ports = module_ports(verilog, name)
    shape = {
        "rows": formats.row_capacity, "features": config.features, "outputs": config.outputs, "hidden": config.hidden,
        "samples": formats.sample_capacity, "clock_hz": f"{config.clock_hz:g}",
    }  # fmt: skip
    files = "chip alone" if bus == "none" else f"bus (`{name}.v`) around the chip (`{name}_chip.v`)"
    about = ABOUT.format(name=name, files=files, shape=", ".join(f"`{key}` {value}" for key, value in shape.items()))
    return HEAD.format(
        about=textwrap.fill(" ".join(about.split()), 120, break_on_hyphens=False),
        top=_top(name, ports),
        name=name,
        use=BARE if bus == "none" else BEHIND.format(name=name),
    )


HEAD = """# {name}

{about}

```verilog
{top}```

{use}
- `array_*` goes to the OxRAM array macro: pulses on `wl`, `bl`, `sl` and `inputs_on`, at the addresses beside them. The
  clock has to be `clock_hz`, for which the pulses' cycles were built. Never stop it while `busy` is high.
- One clock, no crossing of clocks. A second chip in a design needs another `--name`; a second instance does not.
"""
ABOUT = """
Verilog 2001: {files}, listed in `{name}.f`, lint waivers in `{name}.vlt`, constraints in `{name}.sdc`. Registers:
`{name}.rdl` (SystemRDL), `registers.md`, `{name}.h` (C), `{name}.xml` (IP-XACT), `{name}.svd` (CMSIS-SVD). As built:
{shape}; all of it is in `config.toml`. The memories of `memories.csv` have bodies for simulation; with SYNTHESIS
defined they are black boxes.
"""
BEHIND = """\
- `rst_n` may come at any time, without a clock, too. Two flip-flops (`{name}_reset`) take it, and release it in step
  with `clk`. They are the only crossing of resets; `{name}.sdc` has `rst_n` as a false path.
- `irq` is a level: IRQ_STATUS and IRQ_ENABLE. A refused transfer gets the bus's error and a bit in ERRORS.
- A training: write tables, samples, settings and seed; give BUILD_MAP and wait for IDLE; give TRAIN and wait; give
  INFER and, each time IRQ_STATUS has RESULT, read RESULT_SUM, then RESULT. The chip waits while four results stand.
- `oxmc_driver.c` does so in C99 on two functions of yours for the bus; `{name}_words.h` has tables and settings."""
BARE = """\
- The host port is a valid/ready bus of words at 23-bit word addresses, a quarter of the byte addresses in
  `registers.md`. `rst` clears the array's pins at once and all else with the next edge of `clk`: release it in step.
- `irq` is high while ERRORS is not 0. Results leave on a stream: sum, winner and last, from the lowest bit on."""


def _top(name: str, ports: list[Port]) -> str:
    """A module with the same ports and one instance, several pins a line."""
    declared = [f"{port.way} {f'[{port.width - 1}:0] ' if port.width > 1 else ''}{port.name}" for port in ports]
    joined = [f".{port.name}({port.name})" for port in ports]
    return f"module {name}_soc(\n{_lines(declared)});\n  {name} trainer (\n{_lines(joined)}  );\nendmodule\n"


def _lines(parts: list[str], width: int = 116) -> str:
    """Parts with commas between them, in lines of `width`."""
    lines, line = [], ""
    for number, part in enumerate(parts):
        part += "," if number < len(parts) - 1 else ""
        if line and len(line) + len(part) > width:
            lines.append(line)
            line = ""
        line += f"{' ' if line else '    '}{part}"
    return "".join(f"{line}\n" for line in [*lines, line])

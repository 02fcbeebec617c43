"""The one place that says what RTL is built and which tests run in it; `oxmc.tb.cosim.runners` has the commands.

The co-simulation (`Simulation`) needs a build cached by content, only its ports public to Python (with every signal
public Verilator is half as fast), waves from either simulator, and a simulator that can be watched and killed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path

from oxmc.hdl.verilog.netlist import CHIP_NAME, build_config, chip_verilog
from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.pymodels import tools
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Command, Setting, Status, decision_widths, sample_lane_bits
from oxmc.pymodels.job import COUNTED, JOB_VARIABLE, LOCKSTEP_VARIABLE, OWNER_VARIABLE, SECONDS, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.circuit import has_circuit
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.effects import effects_of
from oxmc.tb.cosim import event_word, runners
from oxmc.tb.cosim.compiled import FINAL, REFUSED, explain_refusal, kept_event, load_for, read_outcome
from oxmc.tb.cosim.views import lines_of, view_files
from oxmc.tb.cosim.watchdog import PROGRESS, Heartbeat, Watchdog, read_progress

SIMULATORS = ("verilator", "icarus")
TOP = "cosim"
PINS = "chip_pins.vh"
"""Connects the pins that not every chip has."""
SOURCES = ("cosim.v", "oxram_array.v", "oxram_effects.vh", "oxram_circuit.vh", "host_rom.v")


def use_simulator(name: str, wanted_by: str = "") -> None:
    """Put the simulator on PATH if need be. Raises `InputError` if it or what it needs is not installed.

    `wanted_by` is the option that wants it, by default the engine of its name.
    """
    if name == "verilator":
        folder, path = str(runners.VERILATOR_ROOT / "bin"), os.environ.get("PATH", os.defpath)
        if folder not in path.split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join((folder, path))
    for tool in {"verilator": ("verilator", "g++", "make"), "icarus": ("iverilog", "vvp")}[name]:
        tools.find_tool(tool, wanted_by or f"--engine {name}")


class Simulation:
    """One co-simulation top built for a configuration and a simulator; builds are shared by their content."""

    module = "oxmc.tb.cosim.training"
    """The cocotb test that runs in it."""
    control = "cosim.vlt"
    rtl = (CHIP_NAME, "chip")
    """Module and instance of the chip whose signals have their names."""

    def __init__(self, config: Config, simulator: str, *, waves: bool = False):
        use_simulator(simulator)
        self.simulator, self.waves = simulator, self.waves_file(simulator) if waves else ""
        self.formats, self.effects = Formats(build_config(config)), effects_of(load_card(config.card), config).any
        self.circuit = has_circuit(config)
        self.sources = {
            f"{CHIP_NAME}.v": chip_verilog(self.formats.config, observed=True),
            event_word.FILE: event_word.header(),
            PINS: ".array_trim(trim),\n" if config.auto_zero_bits else "",
            **{name: resources.files("oxmc.tb.cosim").joinpath(name).read_text() for name in (*SOURCES, self.control)},
        }
        self.folder = cache_folder() / f"{simulator}-{self._digest()}"

    def waves_file(self, simulator: str) -> str:
        """Where waves go, in the folder of a run."""
        return runners.waves_file(simulator)

    def _parameters(self) -> dict[str, int]:
        formats = self.formats
        config = formats.config
        return {
            "ROW_BITS": formats.row_bits,
            "CELL_BITS": formats.cell_bits,
            "CELLS": formats.cells,
            "GATE_BITS": formats.gate_bits,
            "GATE_DACS": config.gate_dacs,
            "SEGMENT_BITS": formats.segment_bits,
            "INPUTS_BITS": formats.lanes_bits,
            "DATA_BITS": formats.data_bits,
            "RESULT_SUM_BITS": formats.response_sum_bits,
            "LABEL_BITS": formats.label_bits,
            "EVENTS": len(COUNTED) - 8,
            "EVENT_BITS": event_word.BITS,
            "DECISION_BITS": sum(decision_widths(formats).values()),
            "CONVERSION": config.cycles(config.conversion_s),
            "TRIMS": int(config.auto_zero_bits > 0),
            "TRIM_BITS": max(1, config.auto_zero_bits),
        }

    def _build_args(self) -> list[str]:
        if self.simulator == "icarus":
            return []
        return "-O3 --timing --no-public-flat-rw --x-assign fast --x-initial fast -Wno-fatal".split()

    def _digest(self) -> str:
        tools: dict[str, object] = dict(_packages())
        for name in ("iverilog",) if self.simulator == "icarus" else ("g++",):
            stat = os.stat(shutil.which(name) or "")  # of the system; `use_simulator` has found it
            tools[name] = (stat.st_size, stat.st_mtime_ns)
        text = repr((self.sources, self._parameters(), self._build_args(), self.waves, tools))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def build(self) -> None:
        """Build unless the cache has it, as it was built; a build appears under its final name only when whole.

        Raises `InputError` where others could change it, `RunError` where it fails.
        """
        runners.build_into(self.folder, self.sources, self._compile)

    def train(
        self, job: Job, folder: Path, watch: Callable[[], None] | None = None, *, lockstep: bool = False
    ) -> Outcome:
        """Train in `folder`; `watch` is called while it runs. Raises `RunError` where it fails."""
        job.save(folder / "job.npz")
        beside = {LOCKSTEP_VARIABLE: "1"} if lockstep else {}
        self.run(folder, beside | {JOB_VARIABLE: str(folder.absolute()), OWNER_VARIABLE: str(os.getpid())}, watch)
        if not (folder / "outcome.npz").exists():
            raise RunError(f"{self.simulator} ended without an outcome")
        return Outcome.load(folder / "outcome.npz")

    def _compile(self, folder: Path) -> None:
        """Build in `folder`, where the sources lie; what the tools say goes to build.log."""
        sources = [name for name in self.sources if name.endswith(".v")]
        verilator = self.simulator == "verilator"
        runners.build(
            self.simulator,
            folder,
            TOP,
            [self.control, *sources] if verilator else sources,
            parameters=self._parameters(),
            arguments=self._build_args(),
            waves=self.waves,
        )

    def keep_waves(self, scratch: Path, folder: Path, job: Job, outcome: Outcome) -> None:
        """Move the waves of a run in `scratch` to `folder`, and write the views of them beside."""
        kept = Path(self.waves).with_stem("waves")
        (scratch / self.waves).rename(folder / kept)
        ahead = sum(outcome.counts[phase]["cycle"] for phase in ("load", "form", "calibrate"))
        clears = job.config.rows * job.config.cycles(job.config.reset_pulse_s)
        groups = lines_of(self.sources[f"{self.rtl[0]}.v"], *self.rtl)
        for name, text in view_files(groups, str(kept), ahead + clears).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def run(self, folder: Path, environment: dict[str, str], watch: Callable[[], None] | None = None) -> None:
        """Run the cocotb test in `folder`; `watch` is called while it runs.

        Raises `RunError` with the last error line of the log if a test or the simulator fails, or stands still.
        """
        log = folder / runners.SIMULATOR_LOG
        plain = {"COCOTB_REWRITE_ASSERTION_FILES": ""}  # or it compiles every module anew
        try:
            runners.simulate(
                self.simulator,
                self.folder,
                folder,
                TOP,
                self.module,
                plain | environment,
                waves=self.waves,
                watch=Heartbeat(folder / PROGRESS, watch),
            )
        except RunError as error:
            raise RunError(f"{self.simulator} failed: {error}{_last_error(log)}") from error
        _check_results(folder / runners.RESULTS, log)


@cache
def _packages() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("cocotb", "verilator")}


def array_parameters(formats: Formats, effects: bool, circuit: bool) -> dict[str, int]:
    """Parameters of the compiled array, `oxram_array.v`; `effects` and `circuit` are built in where asked for."""
    config = formats.config
    return {
        "ROWS": formats.row_capacity,
        "ROW_BITS": formats.row_bits,
        "CELLS": formats.cells,
        "CELL_BITS": formats.cell_bits,
        "GATE_CODES": config.gate_codes,
        "GATE_BITS": formats.gate_bits,
        "GATE_DACS": config.gate_dacs,
        "OUTPUTS": config.outputs,
        "HIDDEN": config.hidden,
        "SEGMENT_BITS": formats.segment_bits,
        "FEATURES": config.features,
        "LANES": formats.lanes,
        "INPUT_BITS": config.input_bits,
        "ADC_BITS": config.adc_bits,
        "READ_BITS": config.read_bits,
        "DATA_BITS": formats.data_bits,
        "SET_CYCLES": config.cycles(config.set_pulse_s),
        "RESET_CYCLES": config.cycles(config.reset_pulse_s),
        "READ_CYCLES": config.cycles(config.read_pulse_s),
        "EVAL_CYCLES": config.cycles(config.eval_pulse_s),
        "EFFECTS": int(effects),
        "CIRCUIT": int(circuit),
        "TRIMS": int(config.auto_zero_bits > 0),
        "TRIM_BITS": max(1, config.auto_zero_bits),
    }


class ArraySimulation(Simulation):
    """The same with the array compiled into the top (`oxmc.tb.cosim.compiled`)."""

    def _parameters(self) -> dict[str, int]:
        formats = self.formats
        config = formats.config
        tables = config.gate_codes + 3 * 2**config.table_bits
        registers = len(Setting) + len(Command) + len(Status) + formats.row_capacity
        samples = formats.sample_capacity << sample_lane_bits(formats)
        return (
            super()._parameters()
            | array_parameters(formats, self.effects, self.circuit)
            | {
                "COMPILED": 1,
                "PROGRAM": tables + samples + registers,
                "RESULTS": formats.sample_capacity * config.outputs,
            }
        )


class CompiledSimulation(ArraySimulation):
    """The same with the host in it, too, and no Python: on Verilator a program whose main function makes the clock."""

    control = "compiled.cpp"

    def _parameters(self) -> dict[str, int]:
        verilator = self.simulator == "verilator"
        return super()._parameters() | {"STROBE": int(not self.waves), "PROGRESS": 100_000 if verilator else 10_000}

    def _build_args(self) -> list[str]:
        if self.simulator == "icarus":
            return []
        return [
            *"-DOXMC_CLOCK -O3 --x-assign fast --x-initial fast -Wno-fatal".split(),
            *("--top-module", TOP, "-o", TOP, "--timescale", "/".join(runners.TIMESCALE)),
            *([runners.trace_option(self.waves)] if self.waves else []),
            *(f"-G{name}={value}" for name, value in self._parameters().items()),
        ]

    def _compile(self, folder: Path) -> None:
        if self.simulator == "icarus":
            super()._compile(folder)
        else:
            sources = [self.control, *(name for name in self.sources if name.endswith(".v"))]
            runners.verilate(folder, [*self._build_args(), *sources], f"V{TOP}")

    def train(
        self, job: Job, folder: Path, watch: Callable[[], None] | None = None, *, lockstep: bool = False
    ) -> Outcome:
        """As in other simulations, which `lockstep` is for. Raises `ArrayError` at a pulse that the array refused."""
        assert not lockstep, "Python sees no pulses here"
        array, dog, progress = load_for(job, folder), Watchdog(Formats(job.config)), folder / PROGRESS

        def look() -> None:
            if seen := read_progress(progress):
                dog.check(*seen)
            if watch is not None:
                watch()

        started = time.perf_counter()
        self.run_alone(folder, Heartbeat(progress, look))
        (folder / SECONDS).write_text(repr(time.perf_counter() - started))
        try:
            if (folder / FINAL / REFUSED).exists():
                explain_refusal(kept_event(folder / FINAL / REFUSED), job, folder)
            return read_outcome(folder, job, array)
        except FileNotFoundError as error:
            raise RunError(f"{self.simulator} ended without an outcome") from error

    def run_alone(self, folder: Path, watch: Callable[[], None] | None = None) -> None:
        """Run in `folder`, which is loaded. Raises `RunError` if the simulator fails, or `watch` does."""
        try:
            runners.run_alone(self.simulator, self.folder, folder, TOP, waves=self.waves, watch=watch)
        except RunError as error:
            raise RunError(f"{self.simulator} failed: {error}") from error


class EpisodeSimulation(ArraySimulation):
    """The same with the host, and the environment behind it, in Python (`oxmc.tb.cosim.compiled_episodes`)."""

    module = "oxmc.tb.cosim.compiled_episodes"
    control = "episodes.vlt"

    def _parameters(self) -> dict[str, int]:
        return super()._parameters() | {"PYTHON_HOST": 1}


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text().splitlines() if "Error" in line] if log.exists() else []
    return f": {lines[-1].strip()}" if lines else ""


def _check_results(results: Path, log: Path) -> None:
    """Raises `RunError` if a test failed, with the last error of the log."""
    if runners.failed_tests(results):
        raise RunError(f"the simulation failed{_last_error(log)}")

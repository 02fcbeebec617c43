"""Joules of a processor: counters as the kernel lays them out, seconds times watts without, and the sampler itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxmc.pymodels.config import resolve
from oxmc.pymodels.errors import InputError
from oxmc.speed.cpu_energy import CPU_POWER_W, STATED_SOURCE, CpuEnergy, PackageCounters, float_training, measure

pytestmark = pytest.mark.testpoint(
    "energy of a processor",
    "package counters as the kernel lays them out, going round; seconds times watts without; the sampler",
)

SPAN = 262143328850
"""max_energy_range_uj of a common processor."""


def zone(folder: Path, name: str, kind: str, energy_uj: int) -> Path:
    made = folder / name
    made.mkdir(parents=True)
    for file, text in (("name", kind), ("energy_uj", energy_uj), ("max_energy_range_uj", SPAN)):
        (made / file).write_text(f"{text}\n")
    return made


@pytest.fixture
def packages(tmp_path: Path) -> list[Path]:
    """Two packages, with a zone of cores inside the first and one of the whole machine, which must not count again."""
    zone(tmp_path, "intel-rapl:0:0", "core", 5)
    zone(tmp_path, "intel-rapl:2", "psys", 5)
    return [zone(tmp_path, "intel-rapl:0", "package-0", 1_000), zone(tmp_path, "intel-rapl:1", "package-1", SPAN - 9)]


class Clock:
    """Seconds that pass only when a training says so."""

    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


def test_counters_add_packages_and_go_round(packages: list[Path], tmp_path: Path) -> None:
    counters = PackageCounters(tmp_path)
    (packages[0] / "energy_uj").write_text("3001000")
    (packages[1] / "energy_uj").write_text("999990")  # 9 uJ to the end, one to go round, 999,990 on
    (tmp_path / "intel-rapl:2" / "energy_uj").write_text("77000000")
    assert counters.joules() == pytest.approx(3.0 + 1.0, rel=1e-12)


def test_measured(packages: list[Path], tmp_path: Path) -> None:
    """A training of 0.3 s and 6 J, of which the first is not counted."""
    clock, runs = Clock(), []

    def training() -> None:
        clock.now += 0.3
        runs.append(clock.now)
        counter = packages[0] / "energy_uj"
        counter.write_text(str(int(counter.read_text()) + 6_000_000))

    found = measure(training, shortest_s=1.0, powercap=tmp_path, clock=clock)
    assert (found.trainings, found.measured, len(runs)) == (4, True, 5)
    assert found.seconds == pytest.approx(0.3) and found.joules == pytest.approx(6.0)
    assert found.power_w == pytest.approx(20.0)
    assert found.over({"28nm": 12e-6, "130nm": 105e-6})["28nm"] == pytest.approx(500_000)


@pytest.mark.parametrize("spoil", ["absent", "nothing moves", "text", "no packages"])
def test_without_counters_it_is_seconds_times_watts(packages: list[Path], tmp_path: Path, spoil: str) -> None:
    clock = Clock()
    if spoil == "text":
        (packages[1] / "energy_uj").write_text("lots")
    if spoil == "no packages":
        for package in packages:
            (package / "name").write_text("dram\n")
    folder = tmp_path / "none" if spoil == "absent" else tmp_path

    def training() -> None:
        clock.now += 0.5

    found = measure(training, power_w=40.0, powercap=folder, clock=clock)
    assert (found.trainings, found.measured) == (2, False)
    assert found.joules == pytest.approx(20.0) and found.source == STATED_SOURCE


@pytest.mark.parametrize("power_w", [0.0, -1.0, float("nan"), float("inf")])
def test_the_power_is_checked(power_w: float) -> None:
    with pytest.raises(InputError) as caught:
        measure(lambda: None, power_w=power_w)
    assert str(caught.value) == f"--cpu-power must be finite and positive, not {power_w!r}"


def test_the_sampler_trains(tmp_path: Path) -> None:
    """The same training each time; joules are those of the default power where the machine has no counters."""
    config = resolve("cancer", "paper", settings={"rows": 8, "burn_in": 1, "train_samples": 40, "test_samples": 10})
    training = float_training("cancer", config, 3)
    first, again = training(), training()
    assert first.proposals == again.proposals and (first.counters == again.counters).all()
    found = measure(training, shortest_s=0.01, powercap=tmp_path)
    assert found == CpuEnergy(found.trainings, found.seconds, found.seconds * CPU_POWER_W, False, found.source)
    assert set(found.as_json()) == {"trainings", "seconds", "joules", "measured", "source", "power_w"}

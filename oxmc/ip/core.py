"""The FuseSoC core of an IP (CAPI2): what other builds take of the folder, and its lint, elaboration and synthesis."""

from __future__ import annotations

import re
from collections.abc import Iterable


def core(name: str, title: str, version: str, verilog: Iterable[str]) -> str:
    """The text of `NAME.core`; `title` says in one line what it is of."""
    numbers = ".".join(re.findall(r"\d+", version)[:3])
    return CORE.format(name=name, title=title, version=numbers, verilog=", ".join(verilog))


CORE = """\
CAPI=2:
name: "::{name}:{version}"
description: "{title}"

filesets:
  rtl:
    files: [{verilog}]
    file_type: verilogSource
  waivers:
    files: [{name}.vlt]
    file_type: vlt
  constraints:
    files: [{name}.sdc]
    file_type: SDC

parameters:
  OXMC_INFER_MEMORIES:
    description: "memories with bodies in synthesis, not as black boxes"
    datatype: bool
    paramtype: vlogdefine

targets:
  default: &default
    filesets: [rtl, waivers, constraints]
    toplevel: {name}
  lint:
    <<: *default
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
  sim:
    <<: *default
    flow: sim
    flow_options:
      tool: icarus
      iverilog_options: [-g2001, -Wall, -Wno-timescale]
  synth:
    <<: *default
    flow: generic
    flow_options:
      tool: yosys
      arch: ice40
      output_format: json
    parameters: [OXMC_INFER_MEMORIES=true]
"""

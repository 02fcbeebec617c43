"""The registers in SystemRDL 2.0, byte addresses, and that text compiled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from oxmc.ip.registers import Block, Field, Register
from oxmc.pymodels.errors import InputError

WORD_BYTES = 4
SOFTWARE = {"r": "sw = r; hw = w;", "w": "sw = w; hw = r;", "rw": "sw = rw; hw = r;"}


def rdl(name: str, title: str, blocks: Iterable[Block]) -> str:
    """The address map `name`; `title` says in one line what it is of."""
    lines = [f"// {title}", f"addrmap {name} {{", f'    desc = "{title}";', *_map_lines(blocks), "};"]
    return "\n".join(lines) + "\n"


def _map_lines(blocks: Iterable[Block]) -> Iterator[str]:
    yield "    default regwidth = 32;"
    yield "    default accesswidth = 32;"
    for block in blocks:
        yield "    regfile {"
        yield f'        desc = "{block.meaning}";'
        for register in block.registers:
            yield from _register_lines(register)
        yield f"    }} {block.name}{_place(block.base, block.count, block.stride)};"


def _place(index: int, count: int, stride: int) -> str:
    array = f"[{count}]" if count > 1 else ""
    step = f" += {stride * WORD_BYTES:#x}" if count > 1 else ""
    return f"{array} @ {index * WORD_BYTES:#x}{step}"


def _register_lines(register: Register) -> Iterator[str]:
    yield f"        {'external ' if register.taking else ''}reg {{"
    yield f'            desc = "{register.meaning}";'
    for field in register.fields:
        yield from _field_lines(field, register)
    yield f"        }} {register.name}{_place(register.index, register.count, register.stride)};"


def _field_lines(field: Field, register: Register) -> Iterator[str]:
    names = f"{register.name}_{field.name}_values"
    if field.values:
        yield f"            enum {names} {{"
        for name, (value, meaning) in field.values.items():
            yield f'                {name} = {value} {{ desc = "{meaning}"; }};'
        yield "            };"
    encode = f" encode = {names};" if field.values else ""
    reads = " onread = ruser;" if register.taking else ""
    reset = "" if field.reset is None else f" = {field.reset:#x}"
    bits = f"[{field.low + field.width - 1}:{field.low}]"
    yield f'            field {{ desc = "{field.meaning}"; {SOFTWARE[register.access]}{encode}{reads} }}'
    yield f"                {field.name}{bits}{reset};"


def compiled(text: str) -> Any:
    """The elaborated tree of a SystemRDL text (`systemrdl.node.RootNode`). Raises `InputError` without the compiler."""
    try:
        from systemrdl import RDLCompiler
    except ModuleNotFoundError as error:
        raise InputError(f"oxmc ip needs the package {error.name}: pip install 'oxmc[ip]'") from error
    with tempfile.TemporaryDirectory(prefix="oxmc-") as folder:
        path = Path(folder, "chip.rdl")
        path.write_text(text)
        compiler = RDLCompiler()
        compiler.compile_file(str(path))
        return compiler.elaborate()

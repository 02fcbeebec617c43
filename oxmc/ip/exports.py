"""What other tools read of the registers: a C header, IP-XACT, SVD and a page, all from compiled SystemRDL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from oxmc.ip.svd import svd
from oxmc.pymodels.errors import InputError

INCLUDE = "#include <stdint.h>\n"
PACKED = "__attribute__ ((__packed__)) "
"""What the exporter has on structures that need none: all members are words at their natural places. With it compilers
for processors without unaligned words read bytes, which the bus refuses."""


def exports(root: Any, name: str, version: str) -> dict[str, str]:
    """The files by their names. Raises `InputError` where the exporters are not installed."""
    try:
        from peakrdl_cheader.c_standards import CStandard
        from peakrdl_cheader.exporter import CHeaderExporter
        from peakrdl_ipxact import IPXACTExporter
    except ModuleNotFoundError as error:
        raise InputError(f"oxmc ip needs the package {error.name}: pip install 'oxmc[ip]'") from error
    header = _exported(f"{name}.h", lambda path: CHeaderExporter().export(root, path, std=CStandard.gnu99))
    ipxact = IPXACTExporter(vendor="oxmc", library="oxmc", version=version)
    return {
        f"{name}.h": header.replace(PACKED, "").replace(INCLUDE, INCLUDE + "\n" + "".join(_values(root)), 1),
        f"{name}.xml": _exported(f"{name}.xml", lambda path: ipxact.export(root, path, component_name=name)),
        f"{name}.svd": svd(root, version),
        "registers.md": page(root),
    }


def _exported(file: str, export: Callable[[str], None]) -> str:
    """What an exporter writes into `file`, from whose name a header's guard comes."""
    with tempfile.TemporaryDirectory(prefix="oxmc-") as folder:
        path = Path(folder, file)
        export(str(path))
        return path.read_text()


def _registers(root: Any) -> Iterator[tuple[Any, Any]]:
    """Every register and the block that it is in, arrays once."""
    return ((block, register) for block in root.top.children() for register in block.children())


def _values(root: Any) -> Iterator[str]:
    """The values of fields, which the exporter leaves out."""
    for _, register in _registers(root):
        for field in register.fields():
            for value in field.get_property("encode") or ():
                path = "__".join(field.get_path_segments(array_suffix="")).upper()
                yield f"#define {path}__{value.name} {value.value}\n"


def page(root: Any) -> str:
    """The registers in Markdown: a table a block, a line a field."""
    lines = [f"# Registers of {root.top.inst_name}\n", f"{root.top.get_property('desc')}.\n", BITS]
    for block in root.top.children():
        lines += [f"## {block.inst_name}\n", f"{_sentence(block)} From {_at(block)}.\n"]
        lines += [
            "| address | register | access | bits | field | after reset | meaning |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_line(register, field) for register in block.children() for field in register.fields()]
        lines.append("")
    return "\n".join(lines)


COLUMNS = ["| address | register | access | bits | field | after reset | meaning |", "|---|---|---|---|---|---|---|"]
BITS = """\
Addresses are in bytes. Words of 32 bits are transferred, none smaller. Bits that are not listed read as 0 and are
written as 0. An address that is not listed is refused, and so is a value that does not fit.
"""


def _sentence(node: Any) -> str:
    said = str(node.get_property("desc"))
    return f"{said[0].upper()}{said[1:]}."


def _at(node: Any) -> str:
    """Where it is, and of an array which addresses follow."""
    place = f"{node.raw_absolute_address:#x}"
    return f"{place}, {node.n_elements} every {node.array_stride:#x}" if node.is_array else place


def _line(register: Any, field: Any) -> str:
    access = "r" * register.has_sw_readable + "w" * register.has_sw_writable
    bits = str(field.low) if field.width == 1 else f"{field.high}:{field.low}"
    reset = field.get_property("reset")
    values = "".join(f"; {value.value} {value.name}" for value in field.get_property("encode") or ())
    after = "undefined" if reset is None else f"{reset:#x}" if access != "w" or reset else ""
    alone = len(register.fields()) == 1 and field.inst_name == "value"
    said = register.get_property("desc") if alone else field.get_property("desc")
    name = "" if alone else field.inst_name
    return f"| {_at(register)} | {register.inst_name} | {access} | {bits} | {name} | {after} | {said}{values} |"

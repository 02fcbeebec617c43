"""The registers as CMSIS-SVD, from compiled SystemRDL: no exporter that is kept up writes it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

WORD_BITS = 32
READABLE, WRITABLE = 1, 2
ACCESS = {READABLE: "read-only", WRITABLE: "write-only", READABLE | WRITABLE: "read-write"}


def svd(root: Any, version: str) -> str:
    """A device of one peripheral at address 0, by version 1.3 of the format; a cluster a block."""
    top = root.top
    device = ET.Element("device", schemaVersion="1.3")
    _texts(device, name=top.inst_name, version=version, description=_said(top))
    _texts(device, addressUnitBits="8", width=str(WORD_BITS), size=str(WORD_BITS))
    peripheral = ET.SubElement(ET.SubElement(device, "peripherals"), "peripheral")
    _texts(peripheral, name=top.inst_name, description=_said(top), baseAddress="0x0")
    block = ET.SubElement(peripheral, "addressBlock")
    _texts(block, offset="0x0", size=hex(top.size), usage="registers")
    registers = ET.SubElement(peripheral, "registers")
    for regfile in top.children():
        cluster = ET.SubElement(registers, "cluster")
        _place(cluster, regfile)
        for register in regfile.children():
            _register(cluster, register)
    ET.indent(device)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(device, encoding="unicode") + "\n"


def _texts(parent: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        ET.SubElement(parent, name).text = text


def _said(node: Any) -> str:
    return " ".join(str(node.get_property("desc")).split())


def _place(element: ET.Element, node: Any) -> None:
    """An array if it is one, name, description and offset."""
    if node.is_array:
        _texts(element, dim=str(node.n_elements), dimIncrement=hex(node.array_stride))
    name = f"{node.inst_name}[%s]" if node.is_array else node.inst_name
    _texts(element, name=name, description=_said(node), addressOffset=hex(node.raw_address_offset))


def _access(node: Any) -> str:
    return ACCESS[READABLE * node.has_sw_readable + WRITABLE * node.has_sw_writable]


def _register(cluster: ET.Element, register: Any) -> None:
    element = ET.SubElement(cluster, "register")
    _place(element, register)
    _texts(element, size=str(WORD_BITS), access=_access(register))
    known = [field for field in register.fields() if field.get_property("reset") is not None]
    _texts(element, resetValue=hex(sum(field.get_property("reset") << field.low for field in known)))
    _texts(element, resetMask=hex(sum((1 << field.width) - 1 << field.low for field in known)))
    fields = ET.SubElement(element, "fields")
    for field in register.fields():
        _field(fields, field)


def _field(fields: ET.Element, field: Any) -> None:
    element = ET.SubElement(fields, "field")
    _texts(element, name=field.inst_name, description=_said(field))
    _texts(element, bitOffset=str(field.low), bitWidth=str(field.width))
    if field.get_property("onread") is not None:
        _texts(element, readAction="modify")
    if values := field.get_property("encode"):
        listed = ET.SubElement(element, "enumeratedValues")
        for value in values:
            one = ET.SubElement(listed, "enumeratedValue")
            _texts(one, name=value.name, description=value.rdl_desc, value=str(value.value))

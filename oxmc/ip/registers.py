"""The registers of a chip as a bus sees them, from the address map that the RTL is built from."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import (
    LAW_INDEX,
    PORT_INDEX,
    SHIFT_INDEX,
    Command,
    Error,
    Irq,
    Port,
    ResultBit,
    Setting,
    Space,
    State,
    Status,
    Words,
    address,
    built_commands,
    meanings,
    memory_words,
    port_constants,
    setting_limits,
    strobe_limits,
)


@dataclasses.dataclass(frozen=True)
class Field:
    """Bits of a register from `low` on. `reset` None: undefined; `values` are names of values, each with a meaning."""

    name: str
    width: int
    meaning: str
    low: int = 0
    reset: int | None = 0
    values: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Register:
    """`count` words from `index` of a block on, `stride` apart; `access` is r, w or rw; a `taking` read has effects."""

    name: str
    index: int
    access: str
    fields: tuple[Field, ...]
    meaning: str
    count: int = 1
    stride: int = 1
    taking: bool = False


@dataclasses.dataclass(frozen=True)
class Block:
    """Registers from word address `base` on; `count` times, `stride` words apart."""

    name: str
    base: int
    registers: tuple[Register, ...]
    meaning: str
    count: int = 1
    stride: int = 1


def blocks(formats: Formats, version: int | None) -> list[Block]:
    """All that a chip answers to; of one without a bus, where `version` is None, the registers `Port` are not there."""
    found = [
        _block(Space.SETTINGS, *_settings(formats)),
        _block(Space.STATUS, *_status()),
        _block(Space.COUNTERS, _counters(formats)),
        *(_memory(formats, space, words) for space, parts in memory_words(formats).items() for words in parts),
    ]
    if version is not None:
        constants = port_constants(formats, version)
        registers = tuple(_port(formats, port, constants.get(port, 0)) for port in Port)
        base = address(Space.SETTINGS, PORT_INDEX)
        found.append(Block("port", base, registers, "what the chip is, its interrupt and its results"))
    return sorted(found, key=lambda block: block.base)


def _said(names: type[enum.IntEnum]) -> dict[str, str]:
    """What the address map says of each member, for those who do not read its source."""
    return {name: meaning.replace("`", "") for name, meaning in meanings(names).items()}


def _block(space: Space, *registers: Register) -> Block:
    return Block(space.name.lower(), address(space, 0), registers, _said(Space)[space.name])


def _whole(width: int, reset: int | None, meaning: str, values: dict[str, tuple[int, str]] | None = None) -> Field:
    return Field("value", width, meaning, 0, reset, values or {})


def _bits(names: type[enum.IntEnum], without: int | None = None) -> tuple[Field, ...]:
    """A field a member."""
    said = _said(names)
    return tuple(Field(each.name.lower(), 1, said[each.name], each) for each in names if each != without)


def _settings(formats: Formats) -> Iterator[Register]:
    said, commands = _said(Setting), _said(Command)
    limits = setting_limits(formats) | {setting: (0, high) for setting, high in strobe_limits(formats).items()}
    built = {command.name: (int(command), commands[command.name]) for command in built_commands(formats)}
    for setting in Setting:
        meaning = said[setting.name]
        if setting == Setting.COMMAND:
            fields: tuple[Field, ...] = (_whole(max(Command).bit_length(), 0, meaning, built),)
        elif setting == Setting.CLEAR_ERRORS:
            fields = _bits(Error)
        elif setting in limits:
            low, high = limits[setting]
            fields = (_whole(high.bit_length(), 2 ** high.bit_length() - 1 if low else 0, f"from {low} to {high}"),)
        else:
            continue
        yield Register(setting.name.lower(), setting, "w", fields, meaning)


def _status() -> Iterator[Register]:
    said = _said(Status)
    phases = {name.upper(): (number, name) for number, name in enumerate(PHASES)}
    width = (len(PHASES) - 1).bit_length()
    phase = Field("phase", width, _said(State)["PHASE"], State.PHASE, 0, phases)
    of = {Status.STATE: (*_bits(State, State.PHASE), phase), Status.ERRORS: _bits(Error)}
    for status in Status:
        meaning = said[status.name]
        fields = of.get(status, (_whole(HOST_WORD_BITS, 0, meaning),))
        yield Register(status.name.lower(), status, "r", fields, meaning)


def _counters(formats: Formats) -> Register:
    meaning = "how often the row was sampled; 0 past the last filled row"
    field = _whole(formats.config.counter_bits, 0, meaning)
    return Register("row", 0, "r", (field,), meaning, formats.row_capacity)


def _memory(formats: Formats, space: Space, words: Words) -> Block:
    """A memory: a register an entry, or a block an entry where these take several words."""
    name, meaning = {
        (Space.LUT, LAW_INDEX): ("law", "law of a gate code: median, precision and log2 s.d., the lowest bits first"),
        (Space.LUT, SHIFT_INDEX): ("law_shift", "shift that is common to all precisions"),
        (Space.SAMPLES, 0): ("samples", "a point: its input codes, then its label"),
    }.get((space, words.first), (space.name.lower(), _said(Space)[space.name]))
    base = address(space, words.first)
    if words.stride > 1:
        return Block(name, base, tuple(_lanes(words)), meaning, words.depth, words.stride)
    readable = space == Space.LUT and not words.first and formats.config.calibrate
    width = HOST_WORD_BITS if words.signed else words.width
    sign = f", signed, of {words.width} bits and extended to {HOST_WORD_BITS}" if words.signed else ""
    field = _whole(width, 0 if words.first == SHIFT_INDEX else None, meaning + sign)
    entry = Register("entry", 0, "rw" if readable else "w", (field,), meaning, words.depth)
    return Block(name, base, (entry,), meaning)


def _lanes(words: Words) -> Iterator[Register]:
    for lane in range(words.lanes):
        width = words.top_width if lane == words.lanes - 1 else HOST_WORD_BITS
        meaning = f"bits from {lane * HOST_WORD_BITS} on"
        yield Register(f"lane{lane}", lane, "w", (_whole(width, None, meaning),), meaning)


def _port(formats: Formats, port: Port, constant: int) -> Register:
    config = formats.config
    parts = {
        Port.SHAPE: (("outputs", config.outputs), ("hidden", config.hidden), ("features", config.features)),
        Port.CODES: (
            ("input", config.input_bits), ("read", config.read_bits), ("table", config.table_bits),
            ("lfsr", config.lfsr_bits),
        ),
    }.get(port, ())  # fmt: skip
    meaning, access = _said(Port)[port.name], "rw" if port == Port.IRQ_ENABLE else "r"
    if parts:
        fields = tuple(Field(name, 8, f"{name} as built", 8 * at, value) for at, (name, value) in enumerate(parts))
    elif port == Port.COMMANDS:
        fields = tuple(
            Field(command.name.lower(), 1, f"the chip has {command.name}", command, constant >> command & 1)
            for command in Command
        )
    elif port in (Port.IRQ_ENABLE, Port.IRQ_STATUS):
        idle = int(port == Port.IRQ_STATUS)
        fields = tuple(dataclasses.replace(each, reset=idle if each.low == Irq.IDLE else 0) for each in _bits(Irq))
    elif port == Port.RESULT:
        winner = Field("winner", formats.label_bits, "output with the largest sum so far, or the class")
        fields = (winner, *_bits(ResultBit))
    else:
        fields = (_whole(HOST_WORD_BITS, constant, meaning),)
    return Register(port.name.lower(), port, access, fields, meaning, taking=port == Port.RESULT)

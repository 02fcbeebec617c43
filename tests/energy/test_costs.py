"""Cost tables: the shipped ones are complete and follow from their published figures; bad ones are refused by name."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from oxmc.energy import costs
from oxmc.energy.costs import NODES, SCALED_KEYS, CostTable, load_costs
from oxmc.energy.ledger import account
from oxmc.energy.point import BLOCKS, CARD_VOLTAGES, OperatingPoint, operating_point
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import ARRAY_EVENTS, EVENTS, QUANTITIES, QUANTITY_OF

COST_TABLES = pytest.mark.testpoint(
    "cost tables",
    "published figures scale to the tables; every event and quantity priced, sourced and bounded",
)
COST_TABLES_REFUSED = pytest.mark.testpoint(
    "cost tables refused",
    "bad entries, doubled figures and files that are no tables, by name",
)
OPERATING_POINT = pytest.mark.testpoint("operating point", "voltages, times, sizes from card and configuration")

VOLTAGES = dict(zip(CARD_VOLTAGES, (4.0, 1.3, 2.0, 1.8, 2.6, 4.0, 0.4, 4.0), strict=True))
"""Dalgaty et al., Nature Electronics 4 (2021), Methods: the 16k array."""

GOOD = {
    "component": '"adc"', "action": '"conversion"', "event": '"eval"', "per": '["adc_steps"]',
    "value": "1e-14", "low": "1e-15", "high": "1e-13", "unit": '"J/step"', "source": '"a survey"',
}  # fmt: skip

ENERGY_FITS = {
    ("45", 0.9): (1.018, -0.3107, 0.1539),
    ("32", 0.9): (0.8367, -0.4341, 0.1701),
    ("20", 0.9): (0.373, -0.1582, 0.04104),
    ("130", 1.2): (7.171, -6.709, 2.904),
}
"""Stillmaker & Baas, Integration 58 (2017), table 5: energy = a V^2 + b V + c, by (node, supply in V)."""


GATES = Path(str(resources.files("oxmc.energy"))) / "tables" / "gates_130nm.toml"
LINKS = {
    "Horowitz": "https://doi.org/10.1109/ISSCC.2014.6757323",
    "Stillmaker & Baas": "https://doi.org/10.1016/j.vlsi.2017.02.002",
    "Murmann": "https://github.com/bmurmann/ADC-survey",
}


def near(expected: Any, rel: float = 1e-12) -> Any:
    """Within `rel`, by default rounding only. pytest.approx alone would let 1e-12 pass for nothing: a picojoule."""
    return pytest.approx(expected, rel=rel, abs=0.0)


def write(folder: Path, *entries: dict[str, str], head: str = "") -> Path:
    tables = ["\n".join(["[[cost]]", *(f"{key} = {value}" for key, value in entry.items())]) for entry in entries]
    file = folder / "mine.toml"
    file.write_text(head + "\n".join(tables))
    return file


def without(*keys: str, **changes: str) -> dict[str, str]:
    return {**{key: value for key, value in GOOD.items() if key not in keys}, **changes}


def point(flip_flops: int = 2000) -> OperatingPoint:
    return operating_point(Config(), VOLTAGES, flip_flops)


def price(table: CostTable, component: str, item: str) -> float:
    """Joules of one count, summed over one component's entries."""
    return math.fsum(c.value * c.factor(point()) for c in table.pricing(item) if c.component == component)


def fit(node: str, supply_v: float) -> float:
    a, b, c = ENERGY_FITS[node, supply_v]
    return a * supply_v**2 + b * supply_v + c


@COST_TABLES
def test_our_fit_reproduces_the_corrigendum() -> None:
    # Corrigendum of Stillmaker & Baas, section 4.2.1: the 32 nm energy factor at 0.9 V is 0.4571, printed to 4 digits.
    assert fit("32", 0.9) == near(0.4571, rel=1e-4)


CACTI = {
    (256, 1): (0.0127, 0.0310, 1.03, 1.08), (256, 4): (0.0045, 0.0109, 1.67, 1.68),
    (1024, 2): (0.0166, 0.0388, 1.07, 1.15), (2048, 4): (0.0165, 0.0379, 1.07, 1.16),
    (2048, 16): (0.0069, 0.0161, 1.91, 1.97),
    (4096, 8): (0.0183, 0.0415, 1.06, 1.14), (8192, 8): (0.0248, 0.0538, 1.11, 1.24),
    (8192, 16): (0.0157, 0.0345, 1.61, 1.74), (16384, 16): (0.0299, 0.0652, 1.09, 1.20),
}  # fmt: skip
"""What CACTI 7 prints of a macro of so many bytes and bytes a word (itrs-lstp, energy before all, 300 K, one port): pJ
a bit read at 22 and at 32 nm, and what a write takes of a read there."""


def at_28nm(low: float, high: float) -> float:
    return low ** (1 - PART) * high**PART


PART = math.log(28 / 22) / math.log(32 / 22)
"""28 nm between 22 and 32, on a logarithmic scale."""


@COST_TABLES
@pytest.mark.parametrize(("size", "width"), CACTI)
def test_a_macro_costs_as_in_cacti(size: int, width: int) -> None:
    """Within the interval that the tables give, x/: 2; the fit's own worst is 1.48."""
    table, bits = load_costs("28nm"), 8 * width
    read22, read32, write22, write32 = CACTI[size, width]
    read = at_28nm(read22, read32) * bits * 1e-12
    write = read * at_28nm(write22, write32)
    there = dataclasses.replace(point(), macro_bits={"counters": 8 * size}, word_bits={"counters": bits})
    for event, joules in (("counter_read", read), ("counter_write", write)):
        (cost,) = (c for c in table.pricing(event) if c.component == "memories")
        found = cost.value * cost.factor(there)
        assert 1 / 1.5 < found / joules < 1.5
        assert cost.low == near(cost.value / 2, rel=2e-3) and cost.high == near(cost.value * 2, rel=2e-3)


@COST_TABLES
def test_memories_scale_to_130nm_alike() -> None:
    """One factor for all: the trend of CACTI's 28, 45 and 90 nm, 9.9; figures are printed with two digits."""
    small, large = (
        {(c.action, c.item): c for c in load_costs(node).costs if c.component == "memories"} for node in NODES
    )
    assert small.keys() == large.keys()
    for key, cost in small.items():
        assert large[key].per == cost.per and large[key].value / cost.value == near(9.9, rel=0.03)


@COST_TABLES
@pytest.mark.parametrize("node", NODES)
def test_the_measured_logic_is_scaled_as_published(node: str) -> None:
    """From 130 nm at 1.8 V: by the square of the supply, then by the fits; 2 %, as above."""
    nodes = {"130nm": ("130", 1.2, 1.0), "28nm": ("20", 0.9, 2 / 3)}
    _, _, part = nodes[node]
    target = fit("20", 0.9) + (fit("32", 0.9) - fit("20", 0.9)) * part if node == "28nm" else fit("130", 1.2)
    factor = (1.2 / 1.8) ** 2 * target / fit("130", 1.2)
    own = {(c.action, c.item): c for c in load_costs(GATES).costs if c.component in ("digital", "clock")}
    scaled = [c for c in load_costs(node).costs if c.component in ("digital", "clock")]
    assert len(own) == len(scaled) > 50
    for cost in scaled:
        before = own[cost.action, cost.item]
        assert cost.value == near(factor * before.value, rel=0.02)
        assert not cost.value or cost.low / cost.value <= before.low / before.value
        assert not cost.value or cost.high / cost.value >= before.high / before.value


@COST_TABLES
def test_a_published_flip_flop_bounds_the_clock() -> None:
    """sky130_fd_sc_hd__dfxtp_1, tt 25 C 1.8 V, as published: 17.4 + 22.4 fJ internal, 1.794 fF pin. At 1.2 V, always
    clocked, without wires or tree, it is no less than the low end of ours, whose cells are measured anew."""
    flip_flop = (17.4e-15 + 22.4e-15 + 1.794e-15 * 1.8**2) * (1.2 / 1.8) ** 2
    (clock,) = (c for c in load_costs("130nm").pricing("cycle") if c.action == "flip-flops and tree")
    assert 0 < clock.low < flip_flop and clock.per == ("flip_flops",)


@COST_TABLES
@pytest.mark.parametrize("node", NODES)
def test_every_event_and_quantity_is_priced(node: str) -> None:
    table = load_costs(node)
    assert [name for name in {**EVENTS, **QUANTITIES} if not table.pricing(name)] == []


@COST_TABLES
@pytest.mark.parametrize("table", [*NODES, GATES], ids=lambda table: Path(table).name)
def test_every_row_has_source_unit_and_interval(table: str | Path) -> None:
    """Loading refuses a row without them (test_a_bad_entry_is_refused_by_name); here they say something, too."""
    for cost in load_costs(table).costs:
        assert len(cost.source) > 20 and cost.unit.strip() and "{" not in cost.source
        assert 0 <= cost.low <= cost.value <= cost.high
        assert cost.low < cost.high or cost.source.startswith("Nothing beyond"), cost  # only an explicit zero is exact
        assert cost.value or cost.source.startswith("Nothing beyond"), cost
        units = cost.unit.partition("/")
        assert units[0] in ("J", "W", "F", "A", "S", "relative"), cost  # joules after `per`: W s, F V V, A V s, S V V s


@COST_TABLES
@pytest.mark.parametrize("file", sorted(GATES.parent.glob("*.toml")), ids=lambda file: file.name)
def test_every_table_is_walked(file: Path) -> None:
    """No table lies beside those that the test above reads."""
    assert file == GATES or file.stem in NODES


@COST_TABLES
@pytest.mark.parametrize("node", NODES)
def test_publications_have_links(node: str) -> None:
    for cost in load_costs(node).costs:
        for name, address in LINKS.items():
            assert name not in cost.source or address in cost.source, cost


@COST_TABLES
def test_nodes_price_the_same_things_and_130_nm_costs_no_less() -> None:
    small, large = (load_costs(node) for node in ("28nm", "130nm"))
    names = [[(cost.component, cost.action, cost.item) for cost in table.costs] for table in (small, large)]
    assert sorted(names[0]) == sorted(names[1])
    cost_of = {(cost.component, cost.action, cost.item): cost for cost in large.costs}
    pairs = [(cost, cost_of[cost.component, cost.action, cost.item]) for cost in small.costs]
    assert sorted(a.action for a, b in pairs if b.value < a.value) == [
        "logic leakage",
        "memory leakage",
    ]  # leakage alone falls with the older node


@COST_TABLES
def test_drivers_are_c_v_squared() -> None:
    # 256 cells of 1.5 fF swing by 2 V, from a pump of 50 %: 2 * 256 * 1.5e-15 * 4 = 3.072 pJ; 32 cells of 2 fF by
    # 1.8 V: 0.20736 pJ
    assert price(load_costs("130nm"), "drivers", "set") == near(3.072e-12 + 0.20736e-12)


@COST_TABLES
@pytest.mark.parametrize(("node", "joules"), [("28nm", (0.73, 0.83, 1.33)), ("130nm", (13, 15, 24))])
def test_a_conversion_costs_as_in_the_survey(node: str, joules: tuple[float, ...]) -> None:
    """The regression of arXiv:2404.06553 at 5, 6 and 8 bits, in pJ; 3 %, a line through three points of two digits."""
    costs = [c for c in load_costs(node).pricing("eval") if c.component == "adc" and c.unit.startswith("J")]
    for bits, due in zip((5, 6, 8), joules, strict=True):
        at = dataclasses.replace(point(), adc_bits=bits)
        assert math.fsum(c.value * c.factor(at) for c in costs) == near(due * 1e-12, rel=0.03)


@COST_TABLES
@pytest.mark.parametrize("node", NODES)
def test_supplies_lose_what_physics_says(node: str) -> None:
    """A pump of 50 % loses what it delivers; an input from a rail of V0 takes V0 mean |v| over mean v^2 of the heat."""
    table, at = load_costs(node), point()
    for operation in ("form", "set", "reset"):
        (pump,) = (c for c in table.pricing(QUANTITY_OF[operation]) if c.component == "regulators")
        assert pump.value * pump.factor(at) == near(at.physics(operation))
    (rail,) = (c for c in table.pricing(QUANTITY_OF["eval"]) if c.component == "regulators")
    sigma, heat = at.input_rms_v, at.physics("eval")
    mean = math.sqrt(2 / math.pi) * sigma  # of |v|, Gaussian
    # the heat is taken off as if at 0.15 V, whose own figure is 0.125 V at 4 s.d. of span and 0.18 V at 2.75
    assert rail.value * rail.factor(at) / heat == near((0.4 - 0.15) * mean / sigma**2)
    assert rail.value * rail.factor(at) / heat == near(0.4 * mean / sigma**2 - 1, rel=0.15)


@COST_TABLES
def test_named_sources_expand(tmp_path: Path) -> None:
    head = '[sources]\nbook = "a book"\nscaled = "{book}, scaled"\n'
    (cost,) = load_costs(write(tmp_path, without(source='"{scaled} twice"'), head=head)).costs
    assert cost.source == "a book, scaled twice"


@COST_TABLES
def test_a_table_of_ones_own(tmp_path: Path) -> None:
    table = load_costs(write(tmp_path, GOOD))
    assert table.name == str(tmp_path / "mine.toml")
    assert table.costs[0].per == ("adc_steps",) and table.costs[0].item == "eval"


BLOCK = without(component='"digital"', event='"decision"', per="[]", block='"reward"')


@COST_TABLES
def test_a_block_that_is_not_built_is_not_paid(tmp_path: Path) -> None:
    table = load_costs(write(tmp_path, BLOCK))
    counts: Any = {"train": {"decision": 3}}
    assert account(counts, {}, point(), table).lines == ()
    rewarded = dataclasses.replace(point(), blocks=frozenset({"reward"}))
    assert [line.energy_j for line in account(counts, {}, rewarded, table).lines] == near([3e-14])
    assert (table.costs[0].factor(point()), table.costs[0].factor(rewarded)) == (0.0, 1.0)


WHERE = "mine.toml, cost 1 (adc: conversion): "
ONE = {"value": "1.0", "low": "1.0", "high": "1.0"}
PHYSICAL = without("event", "per", quantity='"set_current_na_cycles"', physics='"set"', unit='"relative"', **ONE)
FIGURE = "must be a finite number that is not negative (at most 1e+60), not"

SCALED = """
[[scaled]]
file = "other.toml"
components = ["adc"]
value = 0.5
low = 0.25
high = 1.0
source = "times half"
"""


@COST_TABLES
def test_entries_of_another_table_times_a_factor(tmp_path: Path) -> None:
    """Value 1e-14, a tenth to ten times; the factor a half, itself x/: 2: their logarithms add as squares."""
    write(tmp_path, GOOD, {**GOOD, "component": '"drivers"'}).rename(tmp_path / "other.toml")
    table = load_costs(write(tmp_path, BLOCK, head=SCALED))
    assert [cost.component for cost in table.costs] == ["digital", "adc"]
    away = math.exp(math.hypot(math.log(10), math.log(2)))
    cost = table.costs[1]
    assert (cost.value, cost.low, cost.high) == near((5e-15, 5e-15 / away, 5e-15 * away))
    assert cost.source == "a survey times half"


@COST_TABLES_REFUSED
@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('source = "times half"', "", "source must be given"),
        ("low = 0.25", "low = 0.0", "low must be positive, not 0"),
        ("high = 1.0", "high = 0.1", "value must lie between low (0.25) and high (0.1), not 0.5"),
        ("high = 1.0", "high = inf", f"high {FIGURE} inf"),
        ("high = 1.0", "high = 1e61", f"high {FIGURE} 1e+61"),
        ('file = "other.toml"', "file = 3", "file must be a text that is not empty, not 3"),
        ('"times half"', '" "', "source must be a text that is not empty, not ' '"),
        ('"times half"', '"{book}"', "braces must hold the name of a text in [sources], not '{book}'"),
        ('["adc"]', '"adc"', "components must be a list of names, not 'adc'"),
        ('["adc"]', '["adcs"]', "components must name those of other.toml, adc, not 'adcs'"),
        ("high = 1.0", "high = 1.0\nunit = 1", f"every key must be one of {', '.join(SCALED_KEYS)}, not 'unit'"),
    ],
)
def test_a_bad_factor_is_refused(line: str, instead: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path, GOOD, head=SCALED.replace(line, instead))
    file.with_name("other.toml").write_text(file.read_text())
    with pytest.raises(InputError) as caught:
        load_costs(file)
    assert str(caught.value) == "mine.toml, scaled 1: " + message


BAD = {
    "unknown event": (without(event='"evil"'), "event must be one that events.py names, not 'evil'"),
    "unknown quantity": (without("event", quantity='"eval"'), "quantity must be one that events.py names, not 'eval'"),
    "both": (
        without(quantity='"set_current_na_cycles"'),
        "exactly one of event and quantity must be given, not event and quantity",
    ),
    "neither": (without("event"), "exactly one of event and quantity must be given, not none"),
    "missing": (without("value"), f"value {FIGURE} None"),
    "negative": (without(low="-1e-15"), f"low {FIGURE} -1e-15"),
    "nan": (without(value="nan"), f"value {FIGURE} nan"),
    "infinite": (without(high="inf"), f"high {FIGURE} inf"),
    "text": (without(value='"much"'), f"value {FIGURE} 'much'"),
    "no unit": (without("unit"), "unit must be a text that is not empty, not None"),
    "prefix": (
        without(unit='"pJ/step"'),
        "unit must begin with one of J, W, F, C, A, S, without prefix, not 'pJ/step'",
    ),
    "power": (without(unit='"W"'), "per must have 0 voltages and 1 times to make joules of W, not 0 and 0"),
    "energy by time": (
        without(per='["eval_s"]'),
        "per must have 0 voltages and 0 times to make joules of J/step, not 0 and 1",
    ),
    "list": (without(event='["eval"]'), "event must be one that events.py names, not ['eval']"),
    "digits": (without(high="1" + "0" * 400), f"high {FIGURE} 1" + "0" * 199 + "..."),
    "errs with": (without(errs_with="3"), "errs_with must be a text that is not empty, not 3"),
    "attribute": (
        without(source='"{book.title}"'),
        "braces must hold the name of a text in [sources], not '{book.title}'",
    ),
    "physics with unit": (
        {**PHYSICAL, "unit": '"J"'},
        "unit must be relative where physics gives the factor, not 'J'",
    ),
    "no source": (without(source='" "'), "source must be a text that is not empty, not ' '"),
    "below": (without(value="1e-16"), "value must lie between low (1e-15) and high (1e-13), not 1e-16"),
    "above": (without(value="1e-12"), "value must lie between low (1e-15) and high (1e-13), not 1e-12"),
    "per": (without(per='["steps"]'), "per must name figures of the operating point, not 'steps'"),
    "per text": (without(per='"adc_steps"'), "per must be a list of names, not 'adc_steps'"),
    "key": (
        without(note='"x"'),
        "every key must be one of component, action, event, quantity, value, low, high, unit, source, per, physics, "
        "block, errs_with, not 'note'",
    ),
    "block": (without(block='"x"'), f"block must be one of {', '.join(BLOCKS)}, not 'x'"),
    "physics": ({**PHYSICAL, "physics": '"burn"'}, "physics must be one of form, set, reset, read, eval, not 'burn'"),
    "physics of another": (
        {**PHYSICAL, "physics": '"read"'},
        "physics 'read' must price read_conductance_ns_cycles, not set_current_na_cycles",
    ),
    "physics doubled": (
        {**PHYSICAL, "value": "2.0", "high": "2.0"},
        "value must be 1 without per where physics gives the factor",
    ),
    "source name": (
        without(source='"{book}"'),
        "braces must hold the name of a text in [sources], not '{book}'",
    ),
}


@COST_TABLES_REFUSED
@pytest.mark.parametrize("case", BAD)
def test_a_bad_entry_is_refused_by_name(case: str, tmp_path: Path) -> None:
    entry, message = BAD[case]
    with pytest.raises(InputError) as caught:
        load_costs(write(tmp_path, entry))
    assert str(caught.value) == WHERE + message


OTHERS = {"unit": ("per",), "source": ("braces",), "value": (), "low": ("value",), "high": ("value",)}
"""What else a refusal may begin with: the field that the spoilt one does not go with."""


def mutants(row: dict[str, Any]) -> dict[str, list[Any]]:
    """Values that a field of a good row must not have."""
    wrong = [None, "1", -1.0, math.nan, math.inf, True]
    value, low, high = (row[key] for key in ("value", "low", "high"))
    unit = "W/event" if row["unit"].startswith("J") else "J/event"
    return {
        "unit": [None, "", " ", 3, unit, f"p{row['unit']}", "relatively"],
        "source": [None, "", " ", 3, "{nowhere}"],
        "value": [*wrong, 2 * high + 1, *([low / 2] if low else [])],
        "low": [*wrong, 2 * value + 1],
        "high": [*wrong, *([value / 2] if value else [])],
    }


@COST_TABLES_REFUSED
@pytest.mark.parametrize("file", sorted(GATES.parent.glob("*.toml")), ids=lambda file: file.name)
def test_each_row_with_a_spoilt_field_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a copy of each row that is shipped, in one line that names table, entry and field."""
    whole = tomllib.loads(file.read_text())
    for row in whole["cost"]:
        table = {"sources": whole["sources"], "cost": [row]}
        monkeypatch.setattr(costs, "_read", lambda *_, table=table: table)
        assert len(load_costs(file).costs) == 1
        for field, values in mutants(row).items():
            for value in values:
                table["cost"] = [{**row, field: value}]
                with pytest.raises(InputError) as caught:
                    load_costs(file)
                message = str(caught.value)
                assert message.startswith(f"{file.name}, cost 1 ({row['component']}: {row['action']}): ")
                assert "\n" not in message and message.split("): ", 1)[1].split()[0] in (field, *OTHERS[field]), message
            table["cost"] = [{key: text for key, text in row.items() if key != field}]
            with pytest.raises(InputError, match=f"{field} must be "):
                load_costs(file)


@COST_TABLES_REFUSED
def test_a_figure_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_costs(write(tmp_path, GOOD, GOOD))
    assert str(caught.value) == (
        "mine.toml, cost 2 (adc: conversion): eval must be priced once by one component and action, not twice"
    )
    again = {**PHYSICAL, "action": '"other words"'}  # physics under another name is the same joules
    with pytest.raises(InputError, match="set_current_na_cycles must be priced once"):
        load_costs(write(tmp_path, PHYSICAL, again))


@COST_TABLES_REFUSED
def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_costs("7nm")
    assert str(caught.value) == (
        "--node must be 28nm, 130nm or name a readable TOML file, not '7nm' (No such file or directory)"
    )
    file = write(tmp_path, head='node = "28nm"\n')
    with pytest.raises(InputError) as caught:
        load_costs(file)
    assert str(caught.value) == "mine.toml: cost must be a list of tables, [[cost]], not None"
    for text, message in (
        ("sources = 3", "mine.toml: sources must be a table, [sources], not 3"),
        ("[sources]\na = 3", "mine.toml, sources, a: must be a text, not 3"),
    ):
        file.write_text(text)
        with pytest.raises(InputError) as caught:
            load_costs(file)
        assert str(caught.value) == message
    file.write_text("= 1")
    with pytest.raises(InputError, match="^--node must name valid TOML, not "):
        load_costs(file)


@OPERATING_POINT
def test_the_operating_point_comes_from_the_configuration() -> None:
    at = point(flip_flops=7)
    assert (at.clock_hz, at.period_s, at.flip_flops) == (10e6, 1e-7, 7)
    assert (at.rows, at.cells, at.inputs, at.sample_word_bits) == (256, 32, 16, 129)
    assert (at.adc_steps, at.read_steps, at.input_steps) == (256, 256, 256)
    assert at.input_step_v == 0.4 / 127 and at.input_rms_v == 0.1
    assert at.set_s == near(100e-9)  # one cycle; rounding
    # samples 1024 x 129, counters 256 x 8, tables 256 x (12 + 8), code map 256 x 6, row codes 2 x 32 x 6, LUT 21 x 8
    assert at.memory_bits == 132096 + 2048 + 5120 + 1536 + 384 + 168


@OPERATING_POINT
def test_an_access_costs_by_the_root_of_its_macro() -> None:
    """As a macro's sides do."""

    def root(macro: str, **keys: Any) -> float:
        return operating_point(Config(**keys), VOLTAGES, 0).figure(f"{macro}_root")

    whole = {"input_bits": 2, "train_samples": 14_000, "test_samples": 2_000, "features": 31}
    assert root("samples", **whole) == near(math.sqrt(16384 * 63 / 65536))
    assert root("samples", **whole | {"features": 63, "input_bits": 4}) == near(math.sqrt(16384 * 253 / 65536))
    assert root("counters", rows=8192) == near(1.0)  # 8 KB
    assert root("counters", rows=16384, counter_bits=16) == near(2.0)  # 32 KB
    assert root("order", sample_order="hard_first") == near(math.sqrt(2560 / 8192))
    for small in ("lut", "map", "pairs", "law"):  # below 256 bytes, or not built
        assert root(small) == near(math.sqrt(256 / 8192))


@OPERATING_POINT
def test_the_operating_point_checks_its_voltages() -> None:
    with pytest.raises(InputError) as caught:
        operating_point(Config(), {"form_sl_v": 4.0}, 0)
    assert str(caught.value) == "card_voltages must give form_wl_v, not only form_sl_v"
    with pytest.raises(InputError) as caught:
        operating_point(Config(), {**VOLTAGES, "set_sl_v": math.nan}, 0)
    assert str(caught.value) == "set_sl_v must be finite and positive, not nan"
    with pytest.raises(InputError) as caught:
        operating_point(Config(), VOLTAGES, -1)
    assert str(caught.value) == "flip_flops must be finite and not negative, not -1"


@OPERATING_POINT
def test_physics_covers_every_quantity() -> None:
    assert sorted(QUANTITY_OF.values()) == sorted(QUANTITIES) and set(QUANTITY_OF) == set(ARRAY_EVENTS)


OVERLAY = 'base = "28nm"\n[change]\n"adc, conversion of an evaluation" = { value = 5e-15, source = "chip B." }\n'


@COST_TABLES
def test_an_overlay_changes_what_it_names(tmp_path: Path) -> None:
    """A figure changes wherever it is quoted, its interval in proportion; everything else is the base's."""
    file = tmp_path / "mine.toml"
    file.write_text(OVERLAY)
    base, mine = load_costs("28nm"), load_costs(file)
    pairs = [(a, b) for a, b in zip(base.costs, mine.costs, strict=True) if a != b]
    assert [b.action for _, b in pairs] == ["conversion of an evaluation", "conversion of a READ"]
    for a, b in pairs:
        ratio = 5e-15 / a.value
        assert (b.value, b.low, b.high) == (5e-15, near(a.low * ratio), near(a.high * ratio))
        assert b.source == "chip B. In place of 6.5e-13 J at 28nm."
        assert dataclasses.replace(b, value=a.value, low=a.low, high=a.high, source=a.source) == a
    assert mine.title == f"{file} (28nm, changed: adc, conversion of an evaluation)" and base.title == "28nm"
    assert mine.sha256 != base.sha256 == load_costs("28nm").sha256
    file.write_text(OVERLAY + '"adc, conversion of a READ" = { value = 1e-14, low = 0, high = 1, source = "old" }\n')
    apart = [b for a, b in zip(base.costs, load_costs(file).costs, strict=True) if a != b]
    assert [(b.value, b.high) for b in apart] == [(5e-15, near(1e-14)), (1e-14, 1.0)]


@COST_TABLES_REFUSED
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("28nm", "28mn", "base must be one of 28nm, 130nm, not '28mn'; did you mean '28nm'?"),
        (
            "conversion of an evaluation", "conversions of a READ",
            "change must name figures of 28nm, not 'adc, conversions of a READ'; "
            "did you mean 'adc, conversion of a READ'?",
        ),
        (
            "adc, conversion of an evaluation", "digital, reward",
            "change must name one figure, and 'digital, reward' is several: digital, reward (classify), "
            "digital, reward (decision)",
        ),
        (', source = "chip B."', "", "source must be a text that is not empty, not None"),
        ("value = 5e-15,", "", "value must be a finite number that is not negative (at most 1e+60), not None"),
        ("5e-15", "5e-15, low = 1e-15", "low and high must be given together"),
        ("5e-15", "5e-15, low = 1, high = 2", "value must lie between low (1) and high (2), not 5e-15"),
        ("5e-15", '5e-15, unit = "pJ"', "every key must be one of value, low, high, source, not 'unit'"),
        (
            "adc, conversion of an evaluation", "array, SET current",
            "value must be 1 where physics gives the factor, not 5e-15",
        ),
        ("[change]", "x = 1\n[change]", "an overlay must have base and change, not 'x'"),
        (OVERLAY.partition("\n")[2], "", "change must be a table of figures, [change], not None"),
    ],
)  # fmt: skip
def test_a_bad_overlay_is_refused_by_name(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OVERLAY.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        load_costs(file)
    assert str(refused.value).startswith("mine.toml") and str(refused.value).endswith(f": {message}")


@COST_TABLES
@pytest.mark.parametrize("node", NODES)
def test_assumptions_are_overlays(node: str) -> None:
    """Each changes what it names and nothing else; all of them change what any of them does."""
    base, changed = load_costs(node), {}
    for name in tomllib.loads((resources.files("oxmc.energy") / "assumptions.toml").read_text()):
        table = load_costs(f"{node}:{name}")
        assert (table.name, table.base) == (f"{node}:{name}", node)
        changed[name] = {index for index, (a, b) in enumerate(zip(base.costs, table.costs, strict=True)) if a != b}
        assert len(changed[name]) == len(table.changed)
    every = load_costs(f"{node}:as-before")
    found = {index for index, (a, b) in enumerate(zip(base.costs, every.costs, strict=True)) if a != b}
    assert found == set().union(*changed.values()) and len(found) == sum(map(len, changed.values()))
    with pytest.raises(InputError, match=f"after {node}:, not 'free-pump'; did you mean 'free-pumps'"):
        load_costs(f"{node}:free-pump")

"""Bit-true twin of the chip: its integer arithmetic without its clock, compiled.

The same decisions, counters, events and quantities as the RTL with the array model, for the same seed; cycles follow
from the counts by formula (`docs/design.md`, cycle budget). Device draws are the array model's own kernels; everything
the chip computes is written here a second time, from its documentation.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.budget.formulas import event_counts, preparation_counts
from oxmc.pymodels.config import Config
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, QUANTITIES, QUANTITY_OF
from oxmc.pymodels.formats import Formats, formats_of, lfsr_state
from oxmc.pymodels.job import Stored
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import first_gate, load_card
from oxmc.pymodels.oxram.ladder import room_to_see
from oxmc.pymodels.ring import voting_rows
from oxmc.pymodels.rule import Rule
from oxmc.pymodels.streams import lfsr_seed, stream_rng
from oxmc.pymodels.twin.evaluate import room_for, sample_codes
from oxmc.pymodels.twin.hastings import law_of, no_law
from oxmc.pymodels.twin.inference import hidden_codes, votes_of, winners
from oxmc.pymodels.twin.kernel import train_chain
from oxmc.pymodels.twin.lfsr import leap_table
from oxmc.pymodels.twin.noise import is_plain, noisy_votes
from oxmc.pymodels.twin.prepare import prepare
from oxmc.pymodels.twin.ruled import train_by_rule
from oxmc.pymodels.twin.sense import sensed_votes
from oxmc.pymodels.twin.softmax import fold_of
from oxmc.pymodels.twin.state import (
    CURRENT,
    EVAL_NS_BITS,
    FIRST,
    GOES_ON,
    PROPOSALS,
    ROW,
    TALLIES,
    VERIFY,
    Arithmetic,
    Block,
    Chain,
    Data,
    Devices,
    Workbench,
)
from oxmc.pymodels.twin.view import View, view_of

MOST_AT_ONCE = 64
"""Samples that are evaluated together with read noise, before a proposal is looked at again."""


def new_chain(config: Config, rows: int, seed: int, stored: Stored | None = None) -> Chain:
    """A chain ahead of its first row, with the LFSR as the host seeds it; with `stored` one that goes on from there."""
    cells, samples, zeros = Formats(config).cells, config.train_samples, np.zeros
    place, counters, number = zeros(8, np.int64), zeros(rows, np.int64), 0
    place[FIRST] = 1
    if stored is not None:
        number = stored.number
        place[GOES_ON], place[ROW], place[CURRENT] = 1, config.start_row, config.start_row
        counters[:] = stored.counters
    return Chain(
        place=place,
        seen_last=zeros(5, np.int64),
        programmed=zeros((cells * (1 + config.verify_tries), 3), np.int64),
        lfsr=np.array([lfsr_state(lfsr_seed(seed, config.lfsr_bits, number), config.lfsr_bits)], np.uint64),
        counters=counters,
        current_read=zeros(cells, np.int64),
        read=zeros(cells, np.int64),
        offsets=zeros(cells, np.int64),
        seen=zeros(cells, np.int64),
        activations=zeros((config.hidden, samples), np.int32),
        costs=zeros((config.outputs, samples), np.int32),
        order=np.arange(samples),
        tally=zeros(len(TALLIES), np.int64),
        bench=Workbench(
            words=zeros(cells, np.int64),
            room=room_for(samples),
            no_flips=zeros(samples, np.int32),
            code2=zeros(config.features, np.int64),
            order=zeros(samples, np.int64),
            codes=zeros(config.features, np.int64),
            neurons=zeros(config.hidden, np.int64),
            answers=zeros(config.outputs, np.int64),
            block=_block_for(config, min(samples, MOST_AT_ONCE)),
        ),
    )


def _block_for(config: Config, samples: int) -> Block:
    return Block(
        room_for(samples),
        codes=np.zeros((config.features, samples), np.int32),
        neurons=np.zeros((config.hidden, samples), np.int32),
        flips=np.zeros((config.outputs, samples), np.int32),
        no_flips=np.zeros(samples, np.int32),
    )


def nearest_gates(lut: np.ndarray, codes: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of `codes` read codes: the nearest LUT entry (first of equals), and whether it lies outside the LUT."""
    read = np.arange(codes)
    return np.abs(read[:, None] - lut[None, :]).argmin(axis=1), ((read < lut[0]) | (read > lut[-1])).astype(np.int64)


def arithmetic(formats: Formats, lut: np.ndarray, *, adapts: bool = False) -> Arithmetic:
    """The kernel's constants, of a training or of an adaptation; `lut` int64 [gate_codes] in read codes."""
    config = formats.config
    gate_map, gate_clamped = nearest_gates(lut, 2**config.read_bits)
    multiplier, shift = formats.prior_constants
    return Arithmetic(
        outputs=config.outputs,
        hidden=config.hidden,
        read_step_ns=formats.read_step_ns,
        read_top=2**config.read_bits - 1,
        input_top=formats.input_max,
        eval_step=formats.eval_step,
        hidden_eval_step=formats.hidden_eval_step,
        adc_top=2 ** (config.adc_bits - 1) - 1,
        table_shift=config.adc_bits - config.table_bits,
        activation_table=np.array(formats.activation_table, np.int32),
        likelihood_table=np.array(formats.likelihood_table, np.int32),
        log_u_table=np.array(formats.log_u_table, np.int64),
        log_u_index_bits=config.log_u_index_bits,
        log_fraction_bits=config.log_fraction_bits,
        lfsr_bits=config.lfsr_bits,
        lfsr_leap=leap_table(config.lfsr_bits),
        lfsr_summed=config.lfsr_output == "sum",
        prior_multiplier=multiplier,
        prior_shift=shift,
        gate_map=gate_map,
        gate_clamped=gate_clamped,
        gate_top=config.gate_codes - 1,
        first_gate=first_gate(config),
        first_draw_bits=formats.first_draw_bits if config.init == "random" else 0,
        counter_top=2**config.counter_bits - 1,
        max_proposals=config.max_proposals,
        verify=VERIFY[config.verify],
        window=formats.verify_window,
        tries=config.verify_tries,
        memory=config.verify_memory == "row",
        common_mode=formats.common_mode,
        reject_limit=config.reject_limit,
        temper=config.temper,
        early_rejection=config.early_rejection,
        late_evaluations=formats.late_evaluations,
        hard_first=config.sample_order == "hard_first",
        hard_above=formats.hard_above,
        ring=config.ring,
        stop_row=config.stop_row if adapts else config.rows - 1,
        hastings=config.hastings,
        law=law_of(config) if config.hastings else no_law(config),
        fold=fold_of(formats),
    )


def devices_of(array: OxramArray) -> Devices:
    """The kernel's view of an array model; conductances and SET counts are shared, not copied."""
    return Devices(
        *array.key,
        array.gates.median_ns,
        array.gates.sd_ns,
        array.gates.current_na,
        array.lcs_table,
        array.device_q16,
        array.stuck,
        array.set_count,
        array.conductance_ns,
        array.effects if array.effects.any else None,
        np.zeros(array.rows, np.int64),
        array.scatter_q16,
        array.circuit,
        room_to_see(array.cells, len(array.segments)),
    )


def training_data(config: Config, codes: np.ndarray, labels: np.ndarray) -> Data:
    """The kernel's view of the training points, int64 [train, features] and [train + any]."""
    classes = np.arange(config.outputs)[:, None] if config.outputs > 1 else np.ones((1, 1), np.int64)
    labels = np.ascontiguousarray(labels[: config.train_samples], np.int64)
    flips = np.where((labels == classes) | (config.likelihood == "softmax"), 0, -1).astype(np.int32)
    return Data(sample_codes(codes), np.ascontiguousarray(codes**2), (codes**2).sum(axis=0), flips, labels)


def run_twin(
    config: Config, seed: int, codes: np.ndarray, labels: np.ndarray, lut: np.ndarray, words: int,
    accept: Rule | None = None, stored: Stored | None = None,
) -> Outcome:  # fmt: skip
    """Train and infer as the chip does, or with the rule `accept` in the place of its acceptance; with `stored` adapt.

    `codes` int64 [train + test, features] and `labels` int64 [train + test] hold the training points first, `lut`
    int64 [gate_codes] the LUT in read codes, `words` is how many the host loads ahead of its commands.
    """
    formats, adapts = formats_of(config), stored is not None
    array = OxramArray(config, load_card(config.card), seed, formed=not config.form)
    array.restore(stored)
    devices = devices_of(array)
    lut, ahead = prepare(formats, array, devices, lut)
    train, test = np.split(codes, [config.train_samples])
    chain = new_chain(config, config.rows, seed, stored)
    chip = arithmetic(formats, lut, adapts=adapts)
    data = training_data(config, train, labels)
    if accept is None:
        train_chain(chip, devices, chain, data)
    else:
        train_by_rule(chip, devices, chain, data, accept, stream_rng(seed, "rule"))
    last_row, proposals = int(chain.place[CURRENT]), int(chain.place[PROPOSALS])
    counters, counted = chain.counters if config.ring else chain.counters[: last_row + 1], chain.tally
    tally = dict(zip(TALLIES, counted.tolist(), strict=True))
    voting = voting_rows(config, last_row)
    sums, drive = np.zeros((len(test), config.outputs), np.int64), 0
    for rows in voting:
        votes, work = _votes(formats, chip, devices, array, counters, rows, np.asarray(test, np.int64))
        sums, drive = sums + votes, drive + work
    counts = event_counts(
        formats, words, proposals, last_row, sum(map(len, voting)), tally, adapts=adapts
    )  # fmt: skip
    counts |= preparation_counts(formats, ahead)
    quantities = array_quantities(array, tally, drive, ahead, counts)
    return Outcome(
        conductance_ns=array.conductance_ns,
        counters=counters,
        classes=winners(sums),
        sums=sums,
        last_row=last_row,
        proposals=proposals,
        skipped=tally["skipped"],
        clamps=tally["clamps"],
        lost_counts=tally["lost"],
        cycles=sum(counts[phase]["cycle"] for phase in PHASES),
        counts=counts,
        quantities=quantities,
        joules=array_joules(array, quantities),
        seeds=[int(seed)],
    )


def _votes(
    formats: Formats, chip: Arithmetic, devices: Devices, array: OxramArray, counters: np.ndarray, rows: range,
    test: np.ndarray,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Response sums int64 [n, outputs] of test points int64 [n, features] by neighbouring rows, and their drive."""
    if array.effects.sensing:
        sums, voted = _votes_with_effects(formats, chip, devices, counters, rows, test)
        return sums, drive_of(dict(zip(TALLIES, voted.tolist(), strict=True)))
    some = slice(rows.start, rows.stop)
    sums = votes_of(formats, array.conductance_ns[some], counters[some], rows.start, test, circuit=array.circuit)
    view = view_of(array.circuit, formats, array.conductance_ns[some], rows.start)
    return sums, _test_drive(formats.config, array.conductance_ns[some], test, view)


def _votes_with_effects(
    formats: Formats, chip: Arithmetic, devices: Devices, counters: np.ndarray, filled: range, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`sense.sensed_votes` of test points int64 [n, features], all points of a row at once where that gives the
    same."""
    effects, first_vote, counters = devices.effects, filled.start, counters[: filled.stop]
    assert effects is not None
    table = chip.likelihood_table if formats.softmax else np.array(formats.response_table, np.int32)
    if all(is_plain(devices, row, formats.input_max, effects) for row in filled):
        codes, code2, room = sample_codes(test), (test**2).sum(axis=0), room_for(len(test))
        return noisy_votes(
            chip, devices, table, counters, first_vote, codes, code2, room, effects, devices.circuit, chip.fold
        )
    return sensed_votes(chip, devices, table, counters, first_vote, test, effects, chip.fold)


def _test_drive(config: Config, voting: np.ndarray, test: np.ndarray, view: View) -> int:
    """Conductance times squared code, over all test evaluations of the voting rows [rows, cells], seen as `view`."""
    both = voting.reshape(len(voting), -1, 2).sum(axis=2)
    code2, first = (test**2).sum(axis=0), (config.hidden or config.outputs) * config.features
    drive = exact_product(both[:, :first].sum(axis=0).reshape(-1, config.features).sum(axis=0), code2)
    if config.hidden:
        hidden = hidden_codes(Formats(config), view, test)
        by_neuron = both[:, first:].reshape(len(voting), config.outputs, config.hidden).sum(axis=1)
        drive += exact_product(by_neuron, (hidden**2).sum(axis=2).T)
    return drive


def exact_product(one: np.ndarray, other: np.ndarray) -> int:
    """Sum of the products of two int64 arrays of a shape, in integers without end: many rows and points outgrow 64."""
    return sum(a * b for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))


def drive_of(tally: dict[str, int]) -> int:
    """What `add_drive` has booked."""
    return (tally["eval_ns_high"] << EVAL_NS_BITS) + tally["eval_ns"]


def _pulse_quantities(config: Config, tally: dict[str, int]) -> dict[str, int]:
    """Tallied currents and conductances times the widths of their pulses."""
    return {
        QUANTITY_OF["set"]: tally["set_na"] * config.cycles(config.set_pulse_s),
        QUANTITY_OF["reset"]: tally["reset_ns"] * config.cycles(config.reset_pulse_s),
        QUANTITY_OF["read"]: tally["read_ns"] * config.cycles(config.read_pulse_s),
        QUANTITY_OF["eval"]: drive_of(tally) * config.cycles(config.eval_pulse_s),
    }


def array_quantities(
    array: OxramArray, tally: dict[str, int], test_drive: int, ahead: dict[str, dict[str, int]],
    counts: dict[str, dict[str, int]],
) -> dict[str, dict[str, int]]:  # fmt: skip
    """What joules scale with, by phase: of the training's `tally`, of what `prepare` tallied `ahead`, of the test.

    `test_drive` is conductance times squared code over all test evaluations.
    """
    config = array.config
    quantities = {phase: dict.fromkeys(QUANTITIES, 0) for phase in PHASES}
    quantities["train"] |= _pulse_quantities(config, tally)
    quantities["infer"][QUANTITY_OF["eval"]] = test_drive * config.cycles(config.eval_pulse_s)
    quantities |= {phase: quantities[phase] | _pulse_quantities(config, done) for phase, done in ahead.items()}
    formed = counts["form"]["form"] * config.cycles(config.set_pulse_s)
    quantities["form"][QUANTITY_OF["form"]] = formed * array.form_current_na
    return quantities


def array_joules(array: OxramArray, quantities: dict[str, dict[str, int]]) -> dict[str, dict[str, float]]:
    """Joules by phase and array operation."""
    return {
        phase: {event: array.joules_of(event, quantities[phase][QUANTITY_OF[event]]) for event in ARRAY_EVENTS}
        for phase in PHASES
    }

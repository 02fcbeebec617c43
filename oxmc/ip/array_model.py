"""A stand-in for the array macro in Verilog: devices that scatter, the contract of the port, timing checks."""

from __future__ import annotations

from collections.abc import Iterable

from oxmc.hdl.array_port import DRIVEN, PULSE_PINS
from oxmc.ip.array_macro import array_macro, pulse_s
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.pymodels.oxram.bulk_draws import MIN_NS
from oxmc.pymodels.oxram.devices import load_card, lut_table

FIELDS = {
    ArrayOp.FORM: ("row", "column", "gate"),
    ArrayOp.RESET: ("row", "mask"),
    ArrayOp.SET: ("row", "column", "gate"),
    ArrayOp.READ: ("row", "column"),
    ArrayOp.EVAL: ("row", "segment", "inputs"),
}
"""What each command says beside its op."""


def array_verilog(config: Config, name: str) -> str:
    """The module NAME_array, for simulation; its times are those of `array_macro`."""
    formats, card, macro = Formats(config), load_card(config.card), array_macro(config, name)
    table = lut_table(card, config)
    segments = range(formats.segments)
    pairs = [formats.segment_pairs(segment) for segment in segments]
    ports = [f"    {pin.way} wire {f'[{pin.width - 1}:0] ' if pin.bus else ''}{pin.name}" for pin in macro.pins]
    inputs = [pin.name for pin in macro.pins if pin.way == "input"]
    said = {field for fields in FIELDS.values() for field in fields}
    cycles = {op: config.cycles(seconds) for op, seconds in pulse_s(config).items()}
    return MODEL.format(
        name=macro.name,
        ports=",\n".join(ports),
        rows=formats.row_capacity,
        cells=formats.cells,
        codes=config.gate_codes,
        segments=formats.segments,
        gate_bits=formats.gate_bits,
        dacs=config.gate_dacs,
        lanes=formats.lanes,
        input_bits=config.input_bits,
        input_max=formats.input_max,
        data_bits=formats.data_bits,
        read_top=2**config.read_bits - 1,
        adc_top=2 ** (config.adc_bits - 1),
        read_step=formats.read_step_ns,
        conversion=config.cycles(config.conversion_s),
        formed=int(not config.form),
        least=MIN_NS,
        spread=round(config.d2d_spread * 2**16),
        lcs=round(1000 * card.lcs_median_us),
        lcs_sigma=round(card.lcs_sigma_ln * 2**16),
        median=_function("median_ns", table.median_ns.tolist()),
        sd=_function("sd_ns", table.sd_ns.tolist()),
        first=_function("first_pair", [pairs_of.start for pairs_of in pairs]),
        count=_function("pairs", map(len, pairs)),
        step=_function("step_ns", map(formats.segment_step, segments)),
        cycles=_function("cycles", [cycles.get(op, 0) for op in ArrayOp]),
        driven=_function("driven", [int("".join(map(str, DRIVEN[op])), 2) for op in ArrayOp]),
        command="".join(
            f"            {op.value}: command = {{op, {', '.join(fields)}}};\n" for op, fields in FIELDS.items()
        ),
        command_bits=3 + sum(pin.width for pin in macro.pins if pin.name in said),
        moving=" or ".join(inputs),
        pulse_pins=", ".join(PULSE_PINS),
        setup=f"{macro.setup_ns:.6g}",
        access=f"{macro.access_ns:.6g}",
        period=f"{macro.period_ns:.6g}",
        checks="".join(f"        $setuphold(posedge clk, {pin}, t_setup, t_hold);\n" for pin in inputs),
        widths="".join(f"        $width(posedge {pin}, {ns:.6g});\n" for pin, ns in macro.width_ns.items()),
        unused=", trim" if config.auto_zero_bits else "",
    )  # fmt: skip


def _function(name: str, values: Iterable[int]) -> str:
    """A function of a number that has these values from 0 on, and the first of them elsewhere."""
    values = list(values)
    cases = "".join(f"            {at}: {name} = {value};\n" for at, value in enumerate(values))
    return FUNCTION.format(name=name, cases=cases, other=values[0])


FUNCTION = """\
    function [31:0] {name}(input [31:0] number);
        case (number)
{cases}            default: {name} = {other};
        endcase
    endfunction
"""
MODEL = """\
// {name}: stands in for the OxRAM array macro in simulation. Not for synthesis.
//
// Cells scatter as the device card says: each SET about its gate code's median, each RESET log-normally, devices for
// life. Faults, noise, relaxation and wires are not in it; the models in Python have them. A pulse that breaks the
// contract of the port changes nothing: it is reported and counted in `errors`. A SET or RESET that a reset cuts leaves
// its cells x. The specify block has the times for simulators that check them; the set-up is checked by hand, too.
`timescale 1ns / 1ps

/* verilator lint_off SPECIFYIGN */
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off BLKSEQ */
/* verilator lint_off WIDTHEXPAND */
/* verilator lint_off WIDTHTRUNC */
module {name} #(
    parameter VARIES = 1,  // 0: no cell scatters
    parameter SEED = 1,  // of the scatter
    parameter FORMED = {formed},  // 0: cells wait for a FORM
    parameter real SETUP = {setup}  // ns that inputs stand before the edge of clk
) (
    input wire clk,
{ports}
);
    localparam ROWS = {rows}, CELLS = {cells}, CODES = {codes}, SEGMENTS = {segments};
    localparam GATE_BITS = {gate_bits}, DACS = {dacs}, LANES = {lanes}, INPUT_BITS = {input_bits};
    localparam CONVERSION = {conversion};  // cycles from the end of a READ or EVAL to its answer
    localparam [2:0] FORM = 1, RESET = 2, SET = 3, READ = 4, EVAL = 5;

    // the device card, in nS by gate code
{median}{sd}
    // a segment: its first pair, its pairs, nS times input codes a step of its answer
{first}{count}{step}
    // a command: cycles of its pulse, which of {pulse_pins} it drives
{cycles}{driven}
    reg [31:0] cell_ns [0:ROWS*CELLS-1];  // 0: unformed
    reg [31:0] device_q16 [0:ROWS*CELLS-1];
    integer errors;
    integer seed;
    integer i;

    function signed [31:0] scatter(input signed [31:0] sd);
        scatter = VARIES != 0 ? $dist_normal(seed, 0, sd) : 0;
    endfunction

    function [31:0] lcs_ns(input unused);
        lcs_ns = $rtoi({lcs}.0 * $exp(scatter({lcs_sigma}) / 65536.0) + 0.5);
    endfunction

    function [31:0] set_ns(input [31:0] index, input [31:0] code);
        reg signed [63:0] level;
        begin
            level = (({{32'b0, median_ns(code)}} * device_q16[index] + 32768) >> 16);
            level = level + scatter(sd_ns(code));
            set_ns = level < {least} ? {least} : level[31:0];
        end
    endfunction

    initial begin
        errors = 0;
        seed = SEED;
        for (i = 0; i < ROWS * CELLS; i = i + 1) begin
            device_q16[i] = 65536 + scatter({spread});
            cell_ns[i] = FORMED != 0 ? lcs_ns(1'b0) : 0;
        end
    end

    task refuse(input [8*64-1:0] rule);
        begin
            errors = errors + 1;
            $display("%m: op %0d of row %0d must %0s (%0t)", op, row, rule, $time);
        end
    endtask

    // what the running command says; all else may change
    reg [{command_bits}-1:0] command;
    always @* begin
        case (op)
{command}            default: command = 0;
        endcase
    end

    realtime moved;
    initial moved = 0;
    always @({moving}) moved = $realtime;

    reg running;  // a pulse has begun and not ended
    reg [{command_bits}-1:0] held;
    reg [2:0] held_op;
    reg [31:0] held_base, held_column;
    reg [CELLS-1:0] held_mask;
    integer wide;
    integer left;  // cycles to the answer, 0 for none
    reg [{data_bits}-1:0] code, answer;
    assign data = answer;

    wire [31:0] base = row * CELLS;
    integer k;

    task cut;  // a reset ended the pulse
        begin
            if (held_op == SET) for (k = 0; k < DACS && held_column + k < CELLS; k = k + 1)
                cell_ns[held_base + held_column + k] = 32'bx;
            if (held_op == RESET) for (k = 0; k < CELLS; k = k + 1)
                if (held_mask[k]) cell_ns[held_base + k] = 32'bx;
        end
    endtask

    task program_cells;  // SET: one code a gate DAC, codes past the end of the row are 0
        reg legal;
        begin
            legal = 1'b1;
            for (k = 0; k < DACS; k = k + 1)
                if (column + k >= CELLS) legal = legal && gate[k*GATE_BITS +: GATE_BITS] == 0;
                else legal = legal && gate[k*GATE_BITS +: GATE_BITS] < CODES && cell_ns[base + column + k] !== 0;
            if (!legal || column % DACS != 0) refuse("have gate codes and formed cells that exist");
            else for (k = 0; k < DACS && column + k < CELLS; k = k + 1)
                cell_ns[base + column + k] = set_ns(base + column + k, gate[k*GATE_BITS +: GATE_BITS]);
        end
    endtask

    task clear_cells;
        begin
            if (mask == 0) refuse("have a mask that names a cell");
            else for (k = 0; k < CELLS; k = k + 1)
                if (mask[k]) begin
                    if (cell_ns[base + k] === 0) refuse("meet formed cells");
                    else cell_ns[base + k] = lcs_ns(1'b0);
                end
        end
    endtask

    task answer_with(input [{data_bits}-1:0] value);
        begin
            if (left > 0) refuse("not end before the conversion ahead of it");
            left = CONVERSION;
            code = value;
        end
    endtask

    task read_cell;
        reg [31:0] level;
        begin
            level = cell_ns[base + column];
            if (level === 0) refuse("meet a formed cell");
            else answer_with(level / {read_step} > {read_top} ? {read_top} : level / {read_step});
        end
    endtask

    task evaluate;
        reg signed [63:0] dot, level, step;
        reg signed [INPUT_BITS-1:0] drive;
        reg legal;
        begin
            dot = 0;
            legal = segment < SEGMENTS;
            for (k = 0; k < LANES; k = k + 1) begin
                drive = inputs[k*INPUT_BITS +: INPUT_BITS];
                if (k < pairs(segment)) begin
                    legal = legal && drive >= -{input_max} && cell_ns[base + 2 * (first_pair(segment) + k)] !== 0 &&
                        cell_ns[base + 2 * (first_pair(segment) + k) + 1] !== 0;
                    level = {{32'b0, cell_ns[base + 2 * (first_pair(segment) + k)]}};
                    level = level - {{32'b0, cell_ns[base + 2 * (first_pair(segment) + k) + 1]}};
                    dot = dot + level * drive;
                end else legal = legal && drive == 0;
            end
            step = {{32'b0, step_ns(segment)}};
            level = dot / step;
            if (level * step > dot) level = level - 1;  // towards minus infinity
            if (legal === 1'b0) refuse("have a segment, input codes and formed cells that exist");
            else answer_with(level < -{adc_top} ? -{adc_top} : level > {adc_top} - 1 ? {adc_top} - 1 : level);
        end
    endtask

    task act;
        begin
            if (row >= ROWS || (op != RESET && op != EVAL && column >= CELLS))
                refuse("have a row and a cell that exist");
            else case (op)
                FORM: begin
                    if (cell_ns[base + column] !== 0) refuse("meet an unformed cell");
                    else cell_ns[base + column] = set_ns(base + column, 0);
                end
                RESET: clear_cells;
                SET: program_cells;
                READ: read_cell;
                EVAL: evaluate;
                default: refuse("be a command");
            endcase
        end
    endtask

    initial begin
        running = 1'b0;
        left = 0;
        wide = 0;
    end

    always @(posedge clk) begin
        if (left > 0) left = left - 1;
        if (op === 0 || ^op === 1'bx) begin
            if (running) cut;
            running = 1'b0;
            if ((wl | bl | sl | inputs_on | latch) === 1'b1) refuse("leave its pins low");
        end else begin
            wide = running ? wide + 1 : 1;
            if ($realtime - moved < SETUP) refuse("stand the set-up time before the edge");
            else if (running && command !== held) refuse("hold its fields in a pulse");
            else if ({{wl, bl, sl, inputs_on}} !== driven(op)) refuse("drive its pins and no others");
            else if (latch && wide != cycles(op)) refuse("last the cycles of its pulse");
            else if (latch) act;
            running = !latch;
            held = command;
            held_op = op;
            held_base = base;
            held_column = column;
            held_mask = mask;
        end
        answer <= left == 1 ? code : {{{data_bits}{{1'bx}}}};
    end

    specify
        specparam t_setup = {setup}, t_hold = 0, t_period = {period};
{checks}{widths}        $period(posedge clk, t_period);
        (posedge clk *> (data +: answer)) = {access};  // no specparam: Icarus 11 takes the lowest 4 bits of one
    endspecify
endmodule
"""

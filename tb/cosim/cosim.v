// Co-simulation top: clock and reset, the chip, an observer of its array port, and event counters.
//
// Simulation only. Python sleeps between events: it is woken by `event_toggle` once a pulse, at the clock edge that ends
// it, and reads `event_*`; an answer it writes to `answer` in that time step reaches the chip when the conversion time
// is over and is inverted before and after, so a chip that samples at a wrong time reads garbage. The observer measures
// each pulse on the pins; what breaks the protocol raises `fault` in the event. All registers that Python reads are
// assigned before the toggle in one block, so that they are settled when it is woken.
//
// With COMPILED the array (`oxram_array`) and the host (`host_rom`) are in here and no Python: progress, a refused pulse,
// counts and results go to files, and the simulation ends by itself. With PYTHON_HOST the host stays in Python, as an
// environment in the loop needs it, says by `host_done` when the array is to be saved, and is woken by `wake` when it is,
// or at a refused pulse. OXMC_CLOCK is for a simulator whose program makes the clock (`compiled.cpp`). OXMC_GATES is for a
// chip of gates that delay (oxmc.silicon.gates), which has no ports for observers: beside it runs the RTL that has them,
// on the same inputs. With QUIET a compiled run goes on after a refused pulse, which changed nothing, and writes no files
// (oxmc.tb.upsets).
`timescale 1ns / 1ps

module cosim #(
    parameter ROW_BITS = 8,
    parameter CELL_BITS = 5,
    parameter CELLS = 32,
    parameter GATE_BITS = 5,
    parameter GATE_DACS = 1,
    parameter SEGMENT_BITS = 1,
    parameter INPUTS_BITS = 128,
    parameter DATA_BITS = 8,
    parameter ADDRESS_BITS = 23,
    parameter RESULT_SUM_BITS = 24,
    parameter LABEL_BITS = 1,
    parameter EVENTS = 15,
    parameter PHASE_BITS = 3,
    parameter EVENT_BITS = 59,
    parameter DECISION_BITS = 64,
    parameter CONVERSION = 1,
    // of the compiled coupling alone
    parameter COMPILED = 0,
    parameter PYTHON_HOST = 0,
    parameter QUIET = 0,
    parameter STROBE = 0,  // a clock without width, for speed
    parameter PROGRESS = 10000,  // clock cycles between two looks at the world outside
    parameter ROWS = 256,
    parameter GATE_CODES = 21,
    parameter OUTPUTS = 1,
    parameter HIDDEN = 0,
    parameter FEATURES = 16,
    parameter LANES = 16,
    parameter INPUT_BITS = 8,
    parameter ADC_BITS = 8,
    parameter READ_BITS = 8,
    parameter SET_CYCLES = 1,
    parameter RESET_CYCLES = 1,
    parameter READ_CYCLES = 1,
    parameter EVAL_CYCLES = 1,
    parameter EFFECTS = 0,
    parameter CIRCUIT = 0,
    parameter TRIMS = 0,  // there is a trim DAC
    parameter TRIM_BITS = 1,
    parameter PROGRAM = 4096,
    parameter RESULTS = 1024
) (
`ifdef OXMC_CLOCK
    input  wire                     clk,
`else
    output reg                      clk,
`endif
    output reg                      rst,
    // host bus
    input  wire                     host_valid,
    input  wire                     host_write,
    input  wire [ADDRESS_BITS-1:0]  host_address,
    input  wire [31:0]              host_write_data,
    output wire                     host_ready,
    output wire [31:0]              host_read_data,
    input  wire                     host_done,
    // pulses on the array port, packed as oxmc.tb.cosim.event_word
    output reg                      event_toggle,
    output reg  [EVENT_BITS-1:0]    event_word,
    output reg  [INPUTS_BITS-1:0]   event_inputs,
    output reg  [CELLS-1:0]         event_mask,
    output reg  [GATE_DACS*GATE_BITS-1:0] event_gates,
    output reg  [TRIM_BITS-1:0]     event_trim,
    input  wire [DATA_BITS-1:0]     python_answer,
    // results of the inference: {last, winner, sum}
    output reg                      result_toggle,
    output reg  [RESULT_SUM_BITS+LABEL_BITS:0] result_word,
    // decisions of the chain, packed as oxmc.hdl.top.observers.decision_layout, for --lockstep
    output reg                      decision_toggle,
    output reg  [DECISION_BITS-1:0] decision_word,
    // progress and counts
    output wire                     busy,
    output wire                     waiting,  // for the host, in an episode
    output wire [ROW_BITS-1:0]      row,
    output wire [23:0]              proposals,
    output wire [PHASE_BITS-1:0]    phase,
    output reg  [63:0]              cycle,
    input  wire [7:0]               count_phase,
    input  wire [7:0]               count_index,
    output wire [47:0]              count_value,
    // compiled coupling: `wake` changes at a pulse that the array refused and at the end
    output wire                     wake,
    output reg                      finished,
    output wire                     refused
);
    localparam IDLE = 3'd0, FORM = 3'd1, RESET = 3'd2, SET = 3'd3, READ = 3'd4, EVAL = 3'd5;
    localparam PHASES = 5;
    // after the chip's own events: cells of form, reset, set, read, eval; reset pulses; lines of evaluations; cycles
    localparam COUNTS = EVENTS + 8;

`ifndef OXMC_CLOCK
    initial clk = 1'b0;
    generate if (STROBE) begin : strobe
        // nothing acts on falling edges: one time step a cycle, in which the clock falls again, costs half of two
        always begin
            #100 clk = 1'b1;
            clk <= 1'b0;
        end
    end else begin : square
        always #50 clk = ~clk;
    end endgenerate
`endif

    reg [2:0] reset_left = 3'd4;
    initial rst = 1'b1;
    always @(posedge clk) begin
        if (reset_left != 0) reset_left <= reset_left - 3'd1;
        rst <= reset_left > 1;
    end

    wire [2:0] op;
    wire [ROW_BITS-1:0] array_row;
    wire [CELL_BITS-1:0] array_cell;
    wire [CELLS-1:0] array_mask;
    wire [GATE_DACS*GATE_BITS-1:0] array_gate;
    wire [SEGMENT_BITS-1:0] array_segment;
    wire [INPUTS_BITS-1:0] array_inputs;
`ifdef OXMC_GATES
    // the host waits for an edge of `busy`, which may glitch here: it sees the line long after the last gate has settled
    wire busy_now;
    reg settled = 1'b0;
    always @(posedge clk) #40 settled = busy_now;
    assign busy = settled;
`endif
    wire wl, bl, sl, inputs_on, latch;
    wire [TRIM_BITS-1:0] trim;  // of the front end; open where the chip sets none
    wire [EVENTS-1:0] events;
    wire result_valid;
    wire [RESULT_SUM_BITS+LABEL_BITS:0] result_payload;
    wire decide;
    wire [DECISION_BITS-1:0] decision;
    reg answering = 1'b0;
    wire [DATA_BITS-1:0] answer;
    // the host bus as the chip sees it
    wire bus_valid, bus_write;
    wire [ADDRESS_BITS-1:0] bus_address;
    wire [31:0] bus_data;
    wire idle;  // the compiled host's commands are through: nothing counts any more
    wire done;  // all has been said: the compiled array's state goes to its files
    reg save;

    oxmc_chip chip (
        .clk(clk),
        .host_valid(bus_valid),
        .host_write(bus_write),
        .host_address(bus_address),
        .host_write_data(bus_data),
        .host_ready(host_ready),
        .host_error(),  // kept in the ERRORS register, which the host reads at the end
        .host_read_data(host_read_data),
        .array_op(op),
        .array_row(array_row),
        .array_cell(array_cell),
        .array_mask(array_mask),
        .array_gate(array_gate),
        .array_segment(array_segment),
        .array_inputs(array_inputs),
        .array_wl(wl),
        .array_bl(bl),
        .array_sl(sl),
        .array_inputs_on(inputs_on),
        .array_latch(latch),
`include "chip_pins.vh"
`ifdef OXMC_GATES
        .array_data(answer),
        .busy(busy_now),
`else
        .array_data(answering ? answer : ~answer),
        .busy(busy),
`endif
        .result_valid(result_valid),
        .result_ready(1'b1),
        .result_payload(result_payload),
        .irq(),
        .waiting(waiting),
`ifdef OXMC_GATES
        .rst(rst)
    );

    oxmc_observed observed (
        .clk(clk),
        .host_valid(bus_valid),
        .host_write(bus_write),
        .host_address(bus_address),
        .host_write_data(bus_data),
        .array_data(answer),
        .result_ready(1'b1),
`endif
        .rst(rst),
        .phase(phase),
        .row(row),
        .proposals(proposals),
        .events(events),
        .decide(decide),
        .decision(decision)
    );

    // pins that each command must drive, as {wl, bl, sl, inputs_on}
    reg [3:0] pins_due;
    always @* case (op)
        FORM, SET, READ: pins_due = 4'b1010;
        RESET: pins_due = 4'b1100;
        EVAL: pins_due = 4'b1001;
        default: pins_due = 4'b0000;
    endcase

`include "event_word.vh"
    reg [PULSE_WIDTH-1:0] width = 0;  // cycles of the running pulse so far
    assign pulse_op = op;
    assign pulse_phase = phase;
    assign pulse_width = width + 1'b1;
    assign pulse_row = {{(PULSE_ROW-ROW_BITS){1'b0}}, array_row};
    assign pulse_place = op == EVAL ? {{(PULSE_PLACE-SEGMENT_BITS){1'b0}}, array_segment}
                                    : {{(PULSE_PLACE-CELL_BITS){1'b0}}, array_cell};
    assign pulse_gate = {{(PULSE_GATE-GATE_BITS){1'b0}}, array_gate[GATE_BITS-1:0]};

    // what addresses a pulse must hold from its first cycle to its last
    localparam COMMAND_BITS = GATE_DACS * GATE_BITS + PULSE_PLACE + PULSE_ROW + PULSE_OP;
    wire [COMMAND_BITS-1:0] command = {array_gate, pulse_place, pulse_row, pulse_op};
    reg [COMMAND_BITS-1:0] held = 0;
    wire started = width != 0;
    wire bad = {wl, bl, sl, inputs_on} != pins_due
            || (op == IDLE) && (latch || started)
            || op > EVAL
            || started && command != held;
    assign pulse_fault = bad;

    reg [11:0] conversion_left = 12'd0;

    initial begin
        event_toggle = 1'b0;
        event_word = 0;
        result_toggle = 1'b0;
        result_word = 0;
        decision_toggle = 1'b0;
        decision_word = 0;
        event_inputs = 0;
        event_mask = 0;
        event_gates = 0;
        event_trim = 0;
    end

    always @(posedge clk) if (!rst) begin
        width <= (op == IDLE || latch) ? 0 : pulse_width;
        held <= command;
        if (latch && (op == READ || op == EVAL)) begin
            conversion_left <= CONVERSION;
            answering <= CONVERSION == 1;
        end else begin
            if (conversion_left != 0) conversion_left <= conversion_left - 12'd1;
            answering <= conversion_left == 2;
        end
        event_word <= pulse_word;
        if (latch || bad) begin
            if (op == EVAL) event_inputs <= array_inputs;
            event_mask <= array_mask;
            event_gates <= array_gate;
            event_trim <= trim;
            event_toggle <= ~event_toggle;
        end
        if (decide) begin
            decision_word <= decision;
            decision_toggle <= ~decision_toggle;
        end
        if (result_valid) begin
            result_word <= result_payload;
            result_toggle <= ~result_toggle;
        end
    end

    generate if (COMPILED) begin : compiled
        oxram_array #(
            .ROWS(ROWS), .ROW_BITS(ROW_BITS), .CELLS(CELLS), .CELL_BITS(CELL_BITS), .GATE_CODES(GATE_CODES),
            .GATE_BITS(GATE_BITS), .GATE_DACS(GATE_DACS), .OUTPUTS(OUTPUTS), .HIDDEN(HIDDEN), .SEGMENT_BITS(SEGMENT_BITS),
            .FEATURES(FEATURES), .LANES(LANES), .INPUT_BITS(INPUT_BITS), .ADC_BITS(ADC_BITS), .READ_BITS(READ_BITS), .DATA_BITS(DATA_BITS),
            .PHASE_BITS(PHASE_BITS), .SET_CYCLES(SET_CYCLES), .RESET_CYCLES(RESET_CYCLES), .READ_CYCLES(READ_CYCLES),
            .EVAL_CYCLES(EVAL_CYCLES), .EFFECTS(EFFECTS),
            .CIRCUIT(CIRCUIT), .TRIMS(TRIMS), .TRIM_BITS(TRIM_BITS), .QUIET(QUIET)
        ) array (
            .clk(clk), .rst(rst), .op(op), .row(array_row), .place(array_cell), .mask(array_mask), .gate(array_gate),
            .segment(array_segment), .inputs(array_inputs), .trim(trim), .latch(latch), .width(pulse_width), .bad(bad),
            .phase(phase), .data(answer), .save(save), .refused(refused)
        );

        always @(posedge clk) begin
            save <= done && !save && !finished && !QUIET;
            if (save) $writememh("final/counts.hex", counts);
            finished <= (QUIET ? done : save && !refused) || finished;
        end
    end else begin : python
        assign answer = python_answer;
        assign refused = 1'b0;
    end endgenerate

    generate if (COMPILED && !PYTHON_HOST) begin : player
        host_rom #(
            .ADDRESS_BITS(ADDRESS_BITS), .PROGRAM(PROGRAM), .ANSWERS(ROWS + 16), .RESULTS(RESULTS),
            .RESULT_BITS(RESULT_SUM_BITS + LABEL_BITS + 1)
        ) host (
            .clk(clk), .rst(rst), .valid(bus_valid), .write(bus_write), .address(bus_address), .write_data(bus_data),
            .ready(host_ready), .read_data(host_read_data), .busy(busy), .result_valid(result_valid),
            .result(result_payload), .idle(idle), .done(done), .save(save)
        );

        // the progress; an end at a refused pulse, whose event Python is to explain, at the end, and where the process that
        // wants this run is gone: `owner` is then a link that leads nowhere
        integer file;
        integer looked = 0;
        wire explained = refused && !QUIET;
        always @(posedge clk) begin
            looked <= looked == PROGRESS - 1 ? 0 : looked + 1;
            if (looked == PROGRESS - 1 && !QUIET) begin
                file = $fopen("progress", "w");
                $fdisplay(file, "%0d %0d %0d %0d", cycle, row, proposals, phase);
                $fclose(file);
                file = $fopen("owner", "r");
                if (file == 0) $finish(0);
                else $fclose(file);
            end
            if (explained) begin
                file = $fopen("final/refused", "w");
                $fdisplay(
                    file, "%h %h %h %h %h %h", event_word, event_inputs, event_mask, event_gates,
                    TRIMS ? event_trim : 1'b0, cycle
                );
                $fclose(file);
            end
            if (explained || finished) $finish(0);
        end
    end else begin : bus
        assign bus_valid = host_valid;
        assign bus_write = host_write;
        assign bus_address = host_address;
        assign bus_data = host_write_data;
        assign idle = 1'b0;
        assign done = host_done;
    end endgenerate

    assign wake = refused ^ finished;

    // counts
    reg [47:0] counts [0:PHASES*COUNTS-1];
    integer i;
    reg [47:0] masked;
    reg standing;  // the word line has stood since an evaluation of the row `standing_row`
    reg [ROW_BITS-1:0] standing_row;
    wire [31:0] left = CELLS - {{(32-CELL_BITS){1'b0}}, array_cell};  // cells of a group at the end of a row
    initial begin
        cycle = 64'd0;
        save = 1'b0;
        standing = 1'b0;
        standing_row = 0;
        finished = 1'b0;
        for (i = 0; i < PHASES * COUNTS; i = i + 1) counts[i] = 48'd0;
    end
    assign count_value = counts[count_phase * COUNTS + count_index];

    always @(posedge clk) if (!rst && !idle) begin
        cycle <= cycle + 64'd1;
        counts[phase * COUNTS + COUNTS - 1] <= counts[phase * COUNTS + COUNTS - 1] + 48'd1;
        for (i = 0; i < EVENTS; i = i + 1)
            if (events[i]) counts[phase * COUNTS + i] <= counts[phase * COUNTS + i] + 48'd1;
        if (latch || !wl) begin
            standing <= latch && op == EVAL;
            standing_row <= array_row;
        end
        if (latch && op == EVAL && !(standing && standing_row == array_row))
            counts[phase * COUNTS + EVENTS + 6] <= counts[phase * COUNTS + EVENTS + 6] + 48'd1;
        if (latch) begin
            masked = 48'd1;
            if (op == SET) masked = {16'd0, left < GATE_DACS ? left : GATE_DACS};
            if (op == RESET) begin
                masked = 48'd0;
                for (i = 0; i < CELLS; i = i + 1) masked = masked + {47'd0, array_mask[i]};
                counts[phase * COUNTS + EVENTS + 5] <= counts[phase * COUNTS + EVENTS + 5] + 48'd1;
            end
            counts[phase * COUNTS + EVENTS + op - 1] <= counts[phase * COUNTS + EVENTS + op - 1] + masked;
        end
    end

`ifndef VERILATOR
    reg [8*16-1:0] waves_file;
    initial if ($value$plusargs("oxmc_waves=%s", waves_file)) begin
        $dumpfile(waves_file);
        $dumpvars(0, cosim);
    end
`endif
endmodule

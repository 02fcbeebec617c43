// OxRAM array of the compiled coupling: the integer arithmetic of `oxmc.pymodels.oxram.array.OxramArray`, equal to the bit.
//
// Simulation only. The population is read from load/*.hex while reset lasts and the state written to final/*.hex on
// `save`. Draws are made in here, by the generator of `oxram_effects.vh`. A pulse that breaks the array's rules changes
// nothing: the state is saved and `refused` raised, for Python to say which rule it was.
`timescale 1ns / 1ps

module oxram_array #(
    parameter ROWS = 256,
    parameter ROW_BITS = 8,
    parameter CELLS = 32,
    parameter CELL_BITS = 5,
    parameter GATE_CODES = 21,
    parameter GATE_BITS = 5,
    parameter GATE_DACS = 1,  // cells of a SET, from `place` on, with a gate code each
    parameter OUTPUTS = 1,
    parameter HIDDEN = 0,  // neurons of a hidden layer; segments are theirs, then the outputs
    parameter SEGMENT_BITS = 1,
    parameter FEATURES = 16,
    parameter LANES = 16,  // input DACs
    parameter INPUT_BITS = 8,
    parameter ADC_BITS = 8,
    parameter READ_BITS = 8,
    parameter DATA_BITS = 8,
    parameter PHASE_BITS = 3,
    parameter SET_CYCLES = 1,
    parameter RESET_CYCLES = 1,
    parameter READ_CYCLES = 1,
    parameter EVAL_CYCLES = 1,
    parameter EFFECTS = 0,  // faults drawn anew, read noise or relaxation, see `oxram_effects.vh`
    parameter TRIMS = 0,  // the front end has a trim DAC
    parameter TRIM_BITS = 1,
    parameter QUIET = 0,  // no state is saved at a pulse that is refused
    parameter CIRCUIT = 0  // wires, front end and converters, see `oxram_circuit.vh`
) (
    input  wire                           clk,
    input  wire                           rst,
    // the array port; `width` is how many cycles the pulse lasts with this one, `bad` a breach of the port's protocol
    input  wire [2:0]                     op,
    input  wire [ROW_BITS-1:0]            row,
    input  wire [CELL_BITS-1:0]           place,
    input  wire [CELLS-1:0]               mask,
    input  wire [GATE_DACS*GATE_BITS-1:0] gate,
    input  wire [SEGMENT_BITS-1:0]        segment,
    input  wire [LANES*INPUT_BITS-1:0]    inputs,
    input  wire [TRIM_BITS-1:0]           trim,
    input  wire                           latch,
    input  wire [11:0]                    width,
    input  wire                           bad,
    input  wire [PHASE_BITS-1:0]          phase,
    output reg  [DATA_BITS-1:0]           data,
    // results
    input  wire                           save,
    output reg                            refused
);
    localparam FORM = 3'd1, RESET = 3'd2, SET = 3'd3, READ = 3'd4, EVAL = 3'd5;
    localparam UNFORMED = 2'd0, FORMED = 2'd1, HCS = 2'd2;
    localparam NOT_STUCK = 2'd0, STUCK_LCS = 2'd1, STUCK_HCS = 2'd2;
    localparam PHASES = 5;
    // books of a phase: cells of FORM, RESET, SET, READ and EVAL, RESET pulses, quantities of the five operations
    localparam CALIBRATE = 4;  // phase in which evaluations are the auto-zero's
    localparam BOOKS = 11, PULSES = 5, QUANTITIES = 6;
    localparam POPULATION = ROWS * CELLS;
    localparam signed [63:0] ADC_TOP = (64'sd1 << (ADC_BITS - 1)) - 64'sd1;
    localparam signed [63:0] INPUT_MAX = (64'sd1 << (INPUT_BITS - 1)) - 64'sd1;

    // rows, nS an EVAL step of an output, nS a READ step, nA of a FORM, least nS after a SET, nS an EVAL step of segment 0,
    // SETs that each cell has seen
    reg [63:0] settings [0:6];
    reg [31:0] median_ns [0:GATE_CODES-1];
    reg [31:0] sd_ns [0:GATE_CODES-1];
    reg [31:0] current_na [0:GATE_CODES-1];
    reg [31:0] lcs_ns [0:255];
    reg [31:0] device_q16 [0:POPULATION-1];
    reg [31:0] conductance_ns [0:POPULATION-1];
    reg [31:0] set_count [0:POPULATION-1];
    reg [1:0] state [0:POPULATION-1];
    reg [1:0] stuck [0:POPULATION-1];
    reg [63:0] books [0:PHASES*BOOKS-1];
    // the integral of V I dt, apart from the books: W for one of each operation's quantity, then the clock period in s, as
    // doubles; J by phase and operation
    localparam OPERATIONS = 5;
    reg [63:0] pins [0:OPERATIONS];
    real joules [0:PHASES*OPERATIONS-1];
    real lost_j [0:PHASES*OPERATIONS-1];
    reg [63:0] joules_bits [0:PHASES*OPERATIONS-1];
    // of the draws: key of the generator, quantiles of the normal law
    reg [31:0] keys [0:1];
    reg [31:0] normal_knots [0:2048];
    // of the effects: fault mode (1 at each SET, 2 at each read), thresholds of faults, nS of a cell stuck in the HCS,
    // relative s.d. of read noise and relaxation; reads since a cell's SET, whether it is to relax yet; SETs of a row,
    // evaluations since
    reg [63:0] effects [0:9];
    reg [31:0] reads [0:POPULATION-1];
    reg fresh [0:POPULATION-1];
    reg [31:0] row_sets [0:ROWS-1];
    reg [31:0] evaluations [0:ROWS-1];
    reg [1:0] fault_mode;
    reg [32:0] lcs_below, hcs_below;
    reg [31:0] hcs_stuck_ns;
    reg signed [63:0] noise_q16, relax_q16;
    // how SETs scatter, see pymodels/oxram/scatter.py: threshold of SETs that fail, correlation, knots by gate code
    localparam KNOTS = 153, REACH = 76;
    reg [32:0] fail_below;
    reg signed [63:0] rho_q16, rest_q16;
    reg bent;
    reg signed [63:0] bends [0:GATE_CODES*KNOTS-1];
    reg signed [63:0] scatter_q16 [0:POPULATION-1];
    reg loaded = 1'b0;
    integer rows;
    reg signed [63:0] eval_step, hidden_eval_step, read_step_ns, form_na, min_ns;

    task automatic load;
        integer i;
        begin
            $readmemh("load/settings.hex", settings);
            rows = settings[0][31:0];
            eval_step = settings[1];
            read_step_ns = settings[2];
            form_na = settings[3];
            min_ns = settings[4];
            hidden_eval_step = settings[5];
            $readmemh("load/median_ns.hex", median_ns);
            $readmemh("load/sd_ns.hex", sd_ns);
            $readmemh("load/current_na.hex", current_na);
            $readmemh("load/lcs_ns.hex", lcs_ns);
            $readmemh("load/device_q16.hex", device_q16, 0, rows * CELLS - 1);
            $readmemh("load/conductance_ns.hex", conductance_ns, 0, rows * CELLS - 1);
            $readmemh("load/state.hex", state, 0, rows * CELLS - 1);
            $readmemh("load/stuck.hex", stuck, 0, rows * CELLS - 1);
            $readmemh("load/pins.hex", pins);
            $readmemh("load/keys.hex", keys);
            $readmemh("load/normal_knots.hex", normal_knots);
            load_effects;
            load_circuit;
            for (i = 0; i < POPULATION; i = i + 1) set_count[i] = settings[6][31:0];
            for (i = 0; i < PHASES * BOOKS; i = i + 1) books[i] = 64'd0;
            for (i = 0; i < PHASES * OPERATIONS; i = i + 1) begin
                joules[i] = 0.0;
                lost_j[i] = 0.0;
            end
        end
    endtask

    task automatic load_effects;
        integer i;
        begin
            $readmemh("load/effects.hex", effects);
            fault_mode = effects[0][1:0];
            lcs_below = effects[1][32:0];
            hcs_below = effects[2][32:0];
            hcs_stuck_ns = effects[3][31:0];
            noise_q16 = effects[4];
            relax_q16 = effects[5];
            fail_below = effects[6][32:0];
            rho_q16 = effects[7];
            rest_q16 = effects[8];
            bent = effects[9][0];
            if (EFFECTS) if (bent) $readmemh("load/bends.hex", bends);
            if (EFFECTS) for (i = 0; i < POPULATION; i = i + 1) {reads[i], fresh[i]} = 33'd0;
            if (EFFECTS) for (i = 0; i < ROWS; i = i + 1) begin
                row_sets[i] = settings[6][31:0] * CELLS;
                evaluations[i] = 32'd0;
            end
        end
    endtask

    task automatic store;
        integer i;
        begin
            for (i = 0; i < PHASES * OPERATIONS; i = i + 1) joules_bits[i] = $realtobits(joules[i]);
            $writememh("final/joules.hex", joules_bits);
            $writememh("final/conductance_ns.hex", conductance_ns, 0, rows * CELLS - 1);
            $writememh("final/set_count.hex", set_count, 0, rows * CELLS - 1);
            $writememh("final/state.hex", state, 0, rows * CELLS - 1);
            $writememh("final/books.hex", books);
        end
    endtask

    // pulses; `first` is the index of the row's first cell, `at` that of the addressed one

    wire [31:0] first = {{(32-ROW_BITS){1'b0}}, row} * CELLS;
    wire [31:0] at = first + {{(32-CELL_BITS){1'b0}}, place};

    // what a pulse found: a breach of the rules, or what is to be booked; `quantity` is that of one cycle
    reg wrong;
    reg [63:0] cells, quantity;
    reg [11:0] width_due;

    function automatic signed [63:0] scaled(input signed [63:0] value, input signed [63:0] factor_q16);
        scaled = (value * factor_q16 + 64'sd32768) >>> 16;
    endfunction

    `include "oxram_effects.vh"
    `include "oxram_circuit.vh"

    // a FORM leaves a draw of gate code 0 before any SET, or what a stuck cell is stuck at
    task automatic form_cell;
        if (state[at] == UNFORMED) begin
            state[at] = stuck[at] == STUCK_LCS ? FORMED : HCS;
            conductance_ns[at] = stuck[at] == STUCK_LCS ? low_ns(at, 32'd0)
                               : stuck[at] == STUCK_HCS ? hcs_stuck_ns : high_ns(at, 32'd0, 0);
            quantity = form_na;
        end else wrong = 1'b1;
    endtask

    task automatic reset_cells;
        integer i;
        begin
            wrong = mask == 0;
            seen_row = ~32'd0;
            for (i = 0; i < CELLS; i = i + 1) if (mask[i] && state[first+i] == UNFORMED) wrong = 1'b1;
            cells = 64'd0;
            if (!wrong) for (i = 0; i < CELLS; i = i + 1) if (mask[i]) begin
                cells = cells + 64'd1;
                quantity = quantity + {32'd0, conductance_ns[first+i]};
                if (stuck[first+i] == NOT_STUCK) begin
                    conductance_ns[first+i] = low_ns(first + i, set_count[first+i]);
                    state[first+i] = FORMED;
                end
                quantity = quantity + {32'd0, conductance_ns[first+i]};
            end
        end
    endtask

    // a cell of the row at a gate code
    task automatic set_cell(input [31:0] number, input [GATE_BITS-1:0] code);
        reg [31:0] cell_at;
        begin
            cell_at = first + number;
            seen_row = ~32'd0;
            set_count[cell_at] = set_count[cell_at] + 32'd1;
            if (stuck[cell_at] == NOT_STUCK) begin
                if (EFFECTS) conductance_ns[cell_at] = scattered_ns(cell_at, set_count[cell_at], code);
                else conductance_ns[cell_at] = high_ns(cell_at, set_count[cell_at], code);
                if (EFFECTS && fault_mode == 2'd1)
                    conductance_ns[cell_at] = faulty(philox(cell_at, set_count[cell_at], 32'd0, DOMAIN_FAULT_SET),
                                                     conductance_ns[cell_at]);
                state[cell_at] = HCS;
            end
            if (EFFECTS) begin
                {reads[cell_at], fresh[cell_at], evaluations[row]} = {32'd0, 1'b1, 32'd0};
                row_sets[row] = row_sets[row] + 32'd1;
            end
            cells = cells + 64'd1;
            quantity = quantity + {32'd0, current_na[code]};
        end
    endtask

    task automatic set_cells;
        integer i;
        reg [31:0] cell_number;
        begin
            wrong = place % GATE_DACS != 0;
            for (i = 0; i < GATE_DACS; i = i + 1) begin
                cell_number = {{(32-CELL_BITS){1'b0}}, place} + i;
                if (cell_number >= CELLS) wrong = wrong || gate[i*GATE_BITS+:GATE_BITS] != 0;
                else if (state[first+cell_number] == UNFORMED || gate[i*GATE_BITS+:GATE_BITS] >= GATE_CODES) wrong = 1'b1;
            end
            cells = 64'd0;
            if (!wrong) for (i = 0; i < GATE_DACS; i = i + 1) begin
                cell_number = {{(32-CELL_BITS){1'b0}}, place} + i;
                if (cell_number < CELLS) set_cell(cell_number, gate[i*GATE_BITS+:GATE_BITS]);
            end
        end
    endtask

    task automatic read_cell;
        reg [63:0] code;
        if (state[at] == UNFORMED) wrong = 1'b1;
        else begin
            code = {32'd0, conductance_ns[at]};
            if (CIRCUIT) code = read_through(code);
            if (EFFECTS) sense_cell(code);
            code = code / read_step_ns;
            data <= code > 2**READ_BITS - 1 ? 2**READ_BITS - 1 : code[DATA_BITS-1:0];
            quantity = {32'd0, conductance_ns[at]};
        end
    endtask

    task automatic evaluate;
        integer i;
        reg signed [63:0] code, plus, minus, dot, drive, quotient, step, power, third;
        reg [31:0] number, pair, used;
        reg [127:0] drawn;
        reg unfit;
        begin
            power = 64'sd0;
            unfit = 1'b0;
            dot = 64'sd0;
            drive = 64'sd0;
            third = 64'sd0;
            number = {{(32-SEGMENT_BITS){1'b0}}, segment};
            if (HIDDEN == 0 || number < HIDDEN) begin
                pair = first + number * (2 * FEATURES);
                used = FEATURES;
                step = hidden_eval_step;
            end else begin
                pair = first + 2 * HIDDEN * FEATURES + (number - HIDDEN) * (2 * HIDDEN);
                used = HIDDEN;
                step = eval_step;
            end
            if (EFFECTS && relax_q16 != 0) relax;
            if (CIRCUIT) see;
            for (i = 0; i < LANES; i = i + 1) if (i >= used) begin
                unfit = unfit || inputs[i*INPUT_BITS+:INPUT_BITS] != 0;
            end else begin
                code = {{(64-INPUT_BITS){inputs[i*INPUT_BITS+INPUT_BITS-1]}}, inputs[i*INPUT_BITS+:INPUT_BITS]};
                plus = {32'd0, conductance_ns[pair+2*i]};
                minus = {32'd0, conductance_ns[pair+2*i+1]};
                drive = drive + (plus + minus) * (code * code);
                unfit = unfit || code < -INPUT_MAX || plus == 0 || minus == 0;
                if (CIRCUIT) begin
                    plus = {32'd0, weights[pair-first+2*i]};
                    minus = {32'd0, weights[pair-first+2*i+1]};
                    third = third + (cubes[pair-first+2*i] - cubes[pair-first+2*i+1]) * (code * code * code);
                end
                if (EFFECTS) begin
                    if (fault_mode == 2'd2) begin
                        drawn = fault_block(pair + 2 * i);
                        plus = {32'd0, faulty(drawn[31:0], plus[31:0])};
                        minus = {32'd0, faulty(drawn[63:32], minus[31:0])};
                    end
                    power = power + square((plus * (code < 0 ? -code : code)) >>> 8)
                                  + square((minus * (code < 0 ? -code : code)) >>> 8);
                end
                dot = dot + (plus - minus) * code;
            end
            wrong = unfit;
            if (EFFECTS && !wrong) begin
                drawn = philox(first, row_sets[row], evaluations[row], DOMAIN_EVAL);
                dot = dot + scaled(scaled(root(power) <<< 8, noise_q16), normal(drawn[31:0]));
                if (phase != CALIBRATE) evaluations[row] = evaluations[row] + 32'd1;
            end
            if (CIRCUIT) dot = dot + tilt(number) + (nonlinear ? floored(third, read_code2) : 64'sd0);
            quotient = floored(dot, step);
            if (CIRCUIT) if (shaped) quotient = shaped_code(dot, number < HIDDEN ? 32'd0 : 32'd1);
            if (quotient > ADC_TOP) quotient = ADC_TOP;
            if (quotient < -ADC_TOP - 64'sd1) quotient = -ADC_TOP - 64'sd1;
            data <= quotient[DATA_BITS-1:0];
            quantity = drive;
        end
    endtask

    task automatic check_address;
        begin
            case (op)
                FORM, SET: width_due = SET_CYCLES;
                RESET: width_due = RESET_CYCLES;
                READ: width_due = READ_CYCLES;
                default: width_due = EVAL_CYCLES;
            endcase
            wrong = bad || width != width_due || {{(32-ROW_BITS){1'b0}}, row} >= rows;
            if (op == FORM) wrong = wrong || gate[GATE_BITS-1:0] >= GATE_CODES;
            if (op == EVAL) wrong = wrong || segment >= HIDDEN + OUTPUTS;
            else if (op != RESET) wrong = wrong || place >= CELLS;
        end
    endtask

    task automatic book;
        integer page, operation;
        real drawn_w, term, total;
        begin
            page = phase * BOOKS;
            books[page+op-1] = books[page+op-1] + cells;
            books[page+QUANTITIES+op-1] = books[page+QUANTITIES+op-1] + quantity * {52'd0, width_due};
            if (op == RESET) books[page+PULSES] = books[page+PULSES] + 64'd1;
            operation = phase * OPERATIONS + op - 1;
            drawn_w = quantity;
            drawn_w = drawn_w * $bitstoreal(pins[op-1]);
            // a sum that keeps what each addition loses: equal pulses would lose the same way millions of times
            term = drawn_w * width * $bitstoreal(pins[OPERATIONS]) - lost_j[operation];
            total = joules[operation] + term;
            lost_j[operation] = (total - joules[operation]) - term;
            joules[operation] = total;
        end
    endtask

    task automatic pulse;
        begin
            check_address;
            cells = 64'd1;
            quantity = 64'd0;
            if (TRIMS) offset_q16 = untrimmed_q16 - $signed(trims_q16[trim]);
            if (!wrong) case (op)
                FORM: form_cell;
                RESET: reset_cells;
                SET: set_cells;
                READ: read_cell;
                default: evaluate;
            endcase
            if (!wrong) book;
            refused <= refused || wrong;
        end
    endtask

    initial begin
        data = 0;
        refused = 1'b0;
    end

    // blocking assignments: only this block writes the state, and no one reads it at this edge
    always @(posedge clk) begin
        wrong = 1'b0;
        if (rst) begin
            if (!loaded) load;
            loaded = 1'b1;
        end else if (latch || bad) pulse;
        if (save || wrong && !QUIET) store;
    end
endmodule

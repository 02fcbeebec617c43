// The chip's array pins between clock edges: how often each changes a cycle, what they are from the moment reset is
// applied on, and that a reset in the middle of a pulse ends it at once. RTL or gates, without Python.
//
// The host plays program.hex ({address, data} a word) after each reset; converters answer with noise, which the chip takes
// for what it reads. With +op=K the bench applies reset, the clock standing still, in the middle of the first pulse of
// operation K, and lets the chip run on from the host's first word; without it runs on for +cycles=N.
`timescale 1ns / 1ps

module array_pins #(
    parameter ROW_BITS = 8,
    parameter CELL_BITS = 5,
    parameter CELLS = 32,
    parameter GATES_BITS = 5,
    parameter SEGMENT_BITS = 1,
    parameter INPUTS_BITS = 128,
    parameter DATA_BITS = 8,
    parameter WORDS = 100
);
    reg [54:0] program [0:WORDS-1];
    reg clk = 1'b0, running = 1'b0, rst;
    reg [DATA_BITS-1:0] data;
    integer seed = 1, word, cycles, wanted, cycle, glitches, moves, k;
    wire wl, bl, sl, inputs_on, latch, busy;
    wire [2:0] op;
    wire [ROW_BITS-1:0] row;
    wire [CELL_BITS-1:0] place;
    wire [CELLS-1:0] mask;
    wire [GATES_BITS-1:0] gate;
    wire [SEGMENT_BITS-1:0] segment;
    wire [INPUTS_BITS-1:0] inputs;
    reg resets = 1'b0;  // whether a reset has begun that has cleared the pins
    reg playing = 1'b0;
    reg valid = 1'b0;
    reg [54:0] now;

    oxmc_chip chip (
        .clk(clk), .rst(rst), .host_valid(valid && playing), .host_write(1'b1), .host_address(now[54:32]),
        .host_write_data(now[31:0]), .array_op(op), .array_row(row), .array_cell(place),
        .array_mask(mask), .array_gate(gate), .array_segment(segment), .array_inputs(inputs), .array_wl(wl),
        .array_bl(bl), .array_sl(sl), .array_inputs_on(inputs_on), .array_latch(latch), .array_data(data),
        .result_ready(1'b1), .busy(busy)
    );

    always #50 if (running) clk = ~clk;
    always @(negedge clk) begin
        data <= $random(seed);
        valid <= 1'b0;
        if (playing && word < WORDS && !busy) begin  // a busy chip refuses
            valid <= 1'b1;
            now <= program[word];
            word <= word + 1;
        end
    end

    // pins and fields, each bit of its own: changes since the last edge of the clock
    localparam WATCHED = 4 + 3 + ROW_BITS + CELL_BITS + CELLS + SEGMENT_BITS;
    wire [WATCHED-1:0] watched = {segment, mask, place, row, op, wl, bl, sl, inputs_on};
    wire [3:0] pins = watched[3:0];
    reg [WATCHED-1:0] before;
    integer changes [0:WATCHED-1];
    integer field_glitches;
    initial for (k = 0; k < WATCHED; k = k + 1) changes[k] = 0;
    always @(watched) begin
        for (k = 0; k < WATCHED; k = k + 1) if (watched[k] !== before[k]) begin
            changes[k] = changes[k] + 1;
            if (resets && !rst && changes[k] == 2 && k < 4) glitches = glitches + 1;
            if (resets && !rst && changes[k] == 2 && k >= 4 && wl) field_glitches = field_glitches + 1;
            if (k < 4) moves = moves + 1;
        end
        before = watched;
        if (resets && ^pins === 1'bx) fail("a pin is X");
        if (resets && ^{op, latch} === 1'bx) fail("op or latch is X");
    end
    always @(posedge clk) begin
        for (k = 0; k < WATCHED; k = k + 1) changes[k] = 0;
        cycle = cycle + 1;
    end

    task fail(input [8*40-1:0] what);
        begin
            $display("FAIL %0s at %0t ns: wl %b bl %b sl %b inputs_on %b op %d", what, $time, wl, bl, sl, inputs_on, op);
            $finish(0);  // silent: Icarus 13 says it on standard output
        end
    endtask

    // reset with the clock standing still, for longer than any gate takes, then with the clock; released off an edge
    task reset_now;
        begin
            rst = 1'b1;
            running = 1'b0;
            #5 resets = 1'b1;
            if ({wl, bl, sl, inputs_on, op, latch} !== 8'd0) fail("pins are not inactive without a clock");
            #1000 if ({wl, bl, sl, inputs_on, op, latch} !== 8'd0) fail("pins do not stay inactive");
            clk = 1'b0;
            running = 1'b1;
            repeat (3) @(posedge clk);
            #23 rst = 1'b0;
            @(negedge clk) word = 0;
            playing = 1'b1;
        end
    endtask

    initial begin
        $readmemh("program.hex", program);
        if (!$value$plusargs("cycles=%d", cycles)) cycles = 0;
        if (!$value$plusargs("op=%d", wanted)) wanted = 0;
        word = WORDS;
        glitches = 0;
        field_glitches = 0;
        moves = 0;
        cycle = 0;
        #100 reset_now;
        if (wanted != 0) begin
            wait (op == wanted && wl);
            #2 wait (clk);
            #20 if (op != wanted || !wl) fail("the pulse to cut is over");
            playing = 1'b0;
            reset_now;
            wait (op == wanted && wl);  // it does not hang
        end
        cycle = 0;
        moves = 0;
        wait (wl);
        cycle = 0;
        while (cycle < cycles) @(negedge clk);
        #40 $display("DONE cycles %0d moves %0d glitches %0d field glitches %0d", cycle, moves, glitches, field_glitches);
        $finish(0);  // silent: Icarus 13 says it on standard output
    end

    initial #50_000_000 fail("the chip hangs");
endmodule

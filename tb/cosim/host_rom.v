// Host of the compiled coupling: plays load/program.hex to the chip, a word a cycle, and keeps what the chip says.
//
// Simulation only. An entry of the program is {write, address, data}; while the chip is busy it offers none. `idle`
// is high once all writes are through and the chip is idle, `done` once the reads are, too. On `save` what was read goes to
// final/answers.hex, the results of the inference to final/results.hex.
`timescale 1ns / 1ps

module host_rom #(
    parameter ADDRESS_BITS = 23,
    parameter PROGRAM = 4096,
    parameter ANSWERS = 512,
    parameter RESULTS = 1024,
    parameter RESULT_BITS = 26
) (
    input  wire                    clk,
    input  wire                    rst,
    output wire                    valid,
    output wire                    write,
    output wire [ADDRESS_BITS-1:0] address,
    output wire [31:0]             write_data,
    input  wire                    ready,
    input  wire [31:0]             read_data,
    input  wire                    busy,
    input  wire                    result_valid,
    input  wire [RESULT_BITS-1:0]  result,
    output wire                    idle,
    output wire                    done,
    input  wire                    save
);
    reg [31:0] length [0:0];
    reg [ADDRESS_BITS+32:0] entries [0:PROGRAM-1];
    reg [31:0] answers [0:ANSWERS-1];
    reg [RESULT_BITS-1:0] results [0:RESULTS-1];
    integer next, answered, classified;
    reg loaded;
    reg [ADDRESS_BITS+32:0] entry;

    initial begin
        loaded = 1'b0;
        next = 0;
        answered = 0;
        classified = 0;
        length[0] = 32'd0;
        entry = 0;
    end

    wire pending = loaded && next != length[0];
    assign valid = pending && !busy;
    assign {write, address, write_data} = entry;
    assign idle = valid && !write || done;
    assign done = loaded && next == length[0];

    always @(posedge clk) begin
        if (rst && !loaded) begin
            $readmemh("load/length.hex", length);
            $readmemh("load/program.hex", entries, 0, length[0] - 1);
            loaded <= 1'b1;
            entry <= entries[0];
        end
        if (!rst && valid && ready) begin
            next <= next + 1;
            entry <= entries[next+1];
            if (!write) begin
                answers[answered] <= read_data;
                answered <= answered + 1;
            end
        end
        if (!rst && result_valid) begin
            results[classified] <= result;
            classified <= classified + 1;
        end
        if (save) begin
            $writememh("final/answers.hex", answers, 0, answered - 1);
            $writememh("final/results.hex", results, 0, classified - 1);
        end
    end
endmodule

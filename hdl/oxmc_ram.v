// Simple dual-port memory: one synchronous write port with lanes, one synchronous read port that holds its output.
// Every memory of the chip is one of these, so that synthesis sees macros: with SYNTHESIS defined (yosys defines it by
// itself) the module is a black box, unless OXMC_INFER_MEMORIES asks for the behavioural body. Reading and writing one
// address in the same cycle returns the old word.
`ifdef SYNTHESIS
`ifndef OXMC_INFER_MEMORIES
`define OXMC_BLACK_BOX
`endif
`endif

`ifdef OXMC_BLACK_BOX
(* blackbox *)
`endif
module oxmc_ram #(
    parameter WIDTH = 8,
    parameter DEPTH = 256,
    parameter ADDRESS_BITS = 8,
    parameter LANES = 1,
    parameter LANE_BITS = 8
) (
    input  wire                    clk,
    input  wire [LANES-1:0]        write_lanes,
    input  wire [ADDRESS_BITS-1:0] write_address,
    input  wire [WIDTH-1:0]        write_data,
    input  wire                    read_enable,
    input  wire [ADDRESS_BITS-1:0] read_address,
    output reg  [WIDTH-1:0]        read_data
);
`ifndef OXMC_BLACK_BOX
    reg [WIDTH-1:0] mem [0:DEPTH-1];
    integer i;

    always @(posedge clk) begin
        for (i = 0; i < WIDTH; i = i + 1)
            if (write_lanes[i / LANE_BITS]) mem[write_address][i] <= write_data[i];
        if (read_enable) read_data <= mem[read_address];
    end
`endif
endmodule

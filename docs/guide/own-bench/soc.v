// A top of one's own around the chip `tiny`: other names of ports, and a place where a mistake is easily made.
module soc (
    input  wire        clk,
    input  wire        rst,
    input  wire        cfg_valid,
    input  wire        cfg_write,
    input  wire [22:0] cfg_address,
    input  wire [31:0] cfg_write_data,
    output wire        cfg_ready,
    output wire        cfg_error,
    output wire [31:0] cfg_read_data,
    output wire [2:0]  mem_op,
    output wire [7:0]  mem_row,
    output wire [1:0]  mem_cell,
    output wire [3:0]  mem_mask,
    output wire [4:0]  mem_gate,
    output wire        mem_segment,
    output wire [15:0] mem_inputs,
    output wire        mem_wl,
    output wire        mem_bl,
    output wire        mem_sl,
    output wire        mem_inputs_on,
    output wire        mem_latch,
    input  wire [7:0]  mem_data,
    output wire        out_valid,
    input  wire        out_ready,
    output wire [25:0] out_payload,
    output wire        working
);
    wire latch;

    tiny chip (
        .clk(clk), .rst(rst),
        .host_valid(cfg_valid), .host_write(cfg_write), .host_address(cfg_address), .host_write_data(cfg_write_data),
        .host_ready(cfg_ready), .host_error(cfg_error), .host_read_data(cfg_read_data),
        .array_op(mem_op), .array_row(mem_row), .array_cell(mem_cell), .array_mask(mem_mask), .array_gate(mem_gate),
        .array_segment(mem_segment), .array_inputs(mem_inputs), .array_wl(mem_wl), .array_bl(mem_bl),
        .array_sl(mem_sl), .array_inputs_on(mem_inputs_on), .array_latch(latch), .array_data(mem_data),
        .result_valid(out_valid), .result_ready(out_ready), .result_payload(out_payload),
        .irq(), .busy(working), .waiting()
    );

`ifdef LATE_LATCH
    reg late = 1'b0;  // a register too many in the way to the array
    always @(posedge clk) late <= latch;
    assign mem_latch = late;
`else
    assign mem_latch = latch;
`endif
endmodule

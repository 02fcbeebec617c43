// Random draws and what they do to devices, for `oxram_array`: the arithmetic of pymodels/oxram/philox.py, draws.py and effects.py.
//
// Included in the module: it reads the module's `keys`, `normal_knots`, laws of the gate codes and the effects' settings.

    localparam DOMAIN_SET = 32'd0, DOMAIN_RESET = 32'd1;
    localparam DOMAIN_READ = 32'd2, DOMAIN_EVAL = 32'd3, DOMAIN_FAULT_SET = 32'd6, DOMAIN_FAULT_EVAL = 32'd7;
    localparam DOMAIN_RELAX = 32'd8;

    // the block of Philox4x32-10 at a counter, word 0 in the low bits
    function automatic [127:0] philox(input [31:0] c0, input [31:0] c1, input [31:0] c2, input [31:0] c3);
        integer i;
        reg [31:0] x0, x1, x2, x3, k0, k1;
        reg [63:0] product0, product1;
        begin
            {x0, x1, x2, x3, k0, k1} = {c0, c1, c2, c3, keys[0], keys[1]};
            for (i = 0; i < 10; i = i + 1) begin
                product0 = {32'd0, x0} * 64'h00000000D2511F53;
                product1 = {32'd0, x2} * 64'h00000000CD9E8D57;
                x0 = product1[63:32] ^ x1 ^ k0;
                x1 = product1[31:0];
                x2 = product0[63:32] ^ x3 ^ k1;
                x3 = product0[31:0];
                k0 = k0 + 32'h9E3779B9;
                k1 = k1 + 32'hBB67AE85;
            end
            philox = {x3, x2, x1, x0};
        end
    endfunction

    // a standard normal in Q16: knots by octave and top six bits of the tail probability, linear between them
    function automatic signed [63:0] normal(input [31:0] word);
        integer i;
        reg [31:0] tail;
        reg [11:0] index;
        reg signed [63:0] knot, slope, magnitude;
        begin
            tail = {word[30:0] ^ {31{word[31]}}, 1'b1};
            index = 12'd31;
            for (i = 0; i < 31; i = i + 1) if (!tail[31]) begin
                tail = tail << 1;
                index = index - 12'd1;
            end
            index = {index[5:0], tail[30:25]};
            knot = {32'd0, normal_knots[index]};
            slope = {32'd0, normal_knots[index+12'd1]} - knot;
            magnitude = knot + ((slope * $signed({39'd0, tail[24:0]}) + 64'sd16777216) >>> 25);
            normal = word[31] ? magnitude : -magnitude;
        end
    endfunction

    // what the k-th SET of a cell leaves, at a gate code
    function automatic [31:0] high_ns(input [31:0] cell_at, input [31:0] k, input [GATE_BITS-1:0] code);
        reg signed [63:0] left_ns;
        begin
            left_ns = scaled({32'd0, median_ns[code]}, {32'd0, device_q16[cell_at]})
                    + scaled({32'd0, sd_ns[code]}, normal(philox(cell_at, k, 32'd0, DOMAIN_SET)));
            high_ns = left_ns < min_ns ? min_ns[31:0] : left_ns[31:0];
        end
    endfunction

    // a variate bent by the knots of a gate code, straight between them and flat beyond
    function automatic signed [63:0] bent_q16(input signed [63:0] z, input [GATE_BITS-1:0] code);
        reg signed [63:0] index, rest, left, right;
        begin
            index = (z + (REACH <<< 13)) >>> 13;
            index = index < 0 ? 64'sd0 : index > KNOTS - 2 ? KNOTS - 2 : index;
            rest = z + (REACH <<< 13) - (index <<< 13);
            rest = rest < 0 ? 64'sd0 : rest > 64'sd8192 ? 64'sd8192 : rest;
            left = bends[code*KNOTS+index];
            right = bends[code*KNOTS+index+1];
            bent_q16 = left + (((right - left) * rest + 64'sd4096) >>> 13);
        end
    endfunction

    // the same with what goes on from SET to SET, and SETs that fail
    function automatic [31:0] scattered_ns(input [31:0] cell_at, input [31:0] k, input [GATE_BITS-1:0] code);
        reg [127:0] drawn;
        reg signed [63:0] z, left_ns;
        begin
            drawn = philox(cell_at, k, 32'd0, DOMAIN_SET);
            z = normal(drawn[31:0]);
            if (rho_q16 != 0) begin
                if (k > 32'd1) z = scaled(scatter_q16[cell_at], rho_q16) + scaled(z, rest_q16);
                scatter_q16[cell_at] = z;
            end
            if (bent) z = bent_q16(z, code);
            left_ns = scaled({32'd0, median_ns[code]}, {32'd0, device_q16[cell_at]}) + scaled({32'd0, sd_ns[code]}, z);
            scattered_ns = left_ns < min_ns ? min_ns[31:0] : left_ns[31:0];
            if ({1'b0, drawn[63:32]} < fail_below) scattered_ns = lcs_ns[drawn[39:32]];
        end
    endfunction

    // what a RESET after the k-th SET of a cell leaves
    function automatic [31:0] low_ns(input [31:0] cell_at, input [31:0] k);
        reg [31:0] word;
        begin
            word = philox(cell_at, k, 32'd0, DOMAIN_RESET);
            low_ns = lcs_ns[word[31:24]];
        end
    endfunction

    function automatic [31:0] faulty(input [31:0] word, input [31:0] found_ns);
        if ({1'b0, word} < lcs_below) faulty = lcs_ns[word[7:0]];
        else faulty = {1'b0, word} < hcs_below ? hcs_stuck_ns : found_ns;
    endfunction

    // a conductance in nS moved by a normal of s.d. `factor_q16` times itself
    function automatic signed [63:0] moved(input signed [63:0] at_ns, input signed [63:0] factor_q16, input [31:0] word);
        moved = at_ns + scaled(scaled(at_ns, factor_q16), normal(word));
    endfunction

    function automatic signed [63:0] root(input signed [63:0] value);
        integer i;
        reg signed [63:0] trial;
        begin
            root = 64'sd0;
            for (i = 30; i >= 0; i = i - 1) begin
                trial = root | (64'sd1 << i);
                if (trial * trial <= value) root = trial;
            end
        end
    endfunction

    function automatic signed [63:0] square(input signed [63:0] value);
        square = value * value;
    endfunction

    // words that decide on the faults of the pair from cell `cell` on, which is even: the low or the high half of a block
    function automatic [127:0] fault_block(input [31:0] cell_index);
        fault_block = philox(cell_index >> 2, row_sets[row], evaluations[row], DOMAIN_FAULT_EVAL) >> (cell_index[1] ? 64 : 0);
    endfunction

    // what a READ senses of the addressed cell
    task automatic sense_cell(inout reg [63:0] seen_ns);
        reg [127:0] drawn;
        reg signed [63:0] noisy_ns;
        begin
            drawn = philox(at, set_count[at], reads[at], DOMAIN_READ);
            if (fault_mode == 2'd2) seen_ns = {32'd0, faulty(drawn[63:32], seen_ns[31:0])};
            noisy_ns = moved(seen_ns, noise_q16, drawn[31:0]);
            seen_ns = noisy_ns < 0 ? 64'd0 : noisy_ns;
            reads[at] = reads[at] + 32'd1;
        end
    endtask

    // the first EVAL after a SET of the row: what was SET relaxes
    task automatic relax;
        integer i;
        reg signed [63:0] left_ns;
        for (i = 0; i < CELLS; i = i + 1) if (fresh[first+i]) begin
            if (state[first+i] == HCS && stuck[first+i] == NOT_STUCK) begin
                left_ns = moved({32'd0, conductance_ns[first+i]}, relax_q16,
                                philox(first + i, set_count[first+i], 32'd0, DOMAIN_RELAX));
                conductance_ns[first+i] = left_ns < min_ns ? min_ns[31:0] : left_ns[31:0];
                seen_row = ~32'd0;
            end
            fresh[first+i] = 1'b0;
        end
    endtask

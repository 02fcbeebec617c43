// The circuit around the cells, for `oxram_array`: the arithmetic of pymodels/oxram/ladder.py on what pymodels/oxram/circuit.py
// works out.
//
// Included in the module: it reads the module's conductances. Doubles are divided and added in the one order of the Python
// model; no product meets a sum, so that no compiler can fuse the two.

    localparam SEGMENTS = HIDDEN + OUTPUTS;
    localparam signed [63:0] OHMIC_NS = 64'sd77481, ONE_Q16 = 64'sd65536;
    localparam THRESHOLDS = (1 << ADC_BITS) - 1;

    // GOhm as doubles: in series with each cell of a row, from each cell's node to the front end, from node to node
    reg [63:0] column_bits [0:ROWS-1];
    reg [63:0] reach_bits [0:CELLS-1];
    // line GOhm as a double; offset, READ voltage, its square in codes, curvature, nS of the limit; nonlinear, shaped
    reg [63:0] circuit [0:7];
    reg [63:0] gains_q16 [0:2*LANES-1];
    reg [63:0] thresholds [0:2*THRESHOLDS-1];
    real line;
    reg [63:0] trims_q16 [0:(1<<TRIM_BITS)-1];  // what each code of the trim DAC takes off
    reg signed [63:0] untrimmed_q16, offset_q16, read_q16, read_code2, curve_top_q16, limit_ns;
    reg nonlinear, shaped;

    // the row last solved, as the front end sees it
    reg [31:0] seen_row;
    reg [31:0] weights [0:CELLS-1];
    reg signed [63:0] cubes [0:CELLS-1];
    reg signed [63:0] loads [0:SEGMENTS-1];
    real ladder [0:CELLS-1];

    task automatic load_circuit;
        begin
            seen_row = ~32'd0;
            if (CIRCUIT) begin
                $readmemh("load/column.hex", column_bits, 0, rows - 1);
                $readmemh("load/reach.hex", reach_bits);
                $readmemh("load/circuit.hex", circuit);
                $readmemh("load/gains_q16.hex", gains_q16);
                $readmemh("load/thresholds.hex", thresholds);
                line = $bitstoreal(circuit[0]);
                untrimmed_q16 = circuit[1];
                offset_q16 = untrimmed_q16;
                if (TRIMS) $readmemh("load/trims_q16.hex", trims_q16);
                read_q16 = circuit[2];
                read_code2 = circuit[3];
                curve_top_q16 = circuit[4];
                limit_ns = circuit[5];
                nonlinear = circuit[6][0];
                shaped = circuit[7][0];
            end
        end
    endtask

    function automatic signed [63:0] floored(input signed [63:0] value, input signed [63:0] divisor);
        begin
            floored = value / divisor;  // towards zero
            if (value < 0 && floored * divisor != value) floored = floored - 64'sd1;
        end
    endfunction

    function automatic real with_series(input real at_ns, input real giga_ohm);
        with_series = 1.0 / (1.0 / at_ns + giga_ohm);
    endfunction

    // half a nS is added and the rest cut off
    function automatic signed [63:0] rounded(input real value);
        rounded = $rtoi(value + 0.5);
    endfunction

    function automatic signed [63:0] curve_q16(input signed [63:0] at_ns);
        curve_q16 = at_ns > OHMIC_NS ? 64'sd0 : curve_top_q16 * (OHMIC_NS - at_ns) / OHMIC_NS;
    endfunction

    function automatic signed [63:0] compression_q16(input signed [63:0] at_ns);
        reg signed [63:0] ratio;
        if (limit_ns == 0) compression_q16 = 64'sd0;
        else begin
            ratio = (at_ns <<< 16) / limit_ns;
            if (ratio > ONE_Q16) ratio = ONE_Q16;
            compression_q16 = (ratio * ratio) >>> 17;
            if (compression_q16 > ONE_Q16 / 4) compression_q16 = ONE_Q16 / 4;
        end
    endfunction

    task automatic solve_ladder(input [31:0] begins, input [31:0] ends);
        integer i;
        real beyond, node, resistance, column, at_ns;
        begin
            column = $bitstoreal(column_bits[row]);
            beyond = 0.0;
            for (i = ends - 1; i >= $signed(begins); i = i - 1) begin
                at_ns = conductance_ns[first+i];
                ladder[i] = with_series(at_ns, column) + beyond;
                beyond = with_series(ladder[i], line);
            end
            node = 1.0;
            for (i = begins; i < $signed(ends); i = i + 1) begin
                resistance = 1.0 / ladder[i];
                node = node * (resistance / (resistance + (i == $signed(begins) ? $bitstoreal(reach_bits[i]) : line)));
                at_ns = conductance_ns[first+i];
                weights[i] = rounded(node / (1.0 / at_ns + column));
            end
        end
    endtask

    // the addressed row into `weights`, `cubes` and `loads`
    task automatic see;
        integer i, segment_number;
        reg [31:0] begins, ends;
        reg signed [63:0] through, curved, cube, at_ns, gain;
        if (seen_row != {{(32-ROW_BITS){1'b0}}, row}) begin
            seen_row = {{(32-ROW_BITS){1'b0}}, row};
            ends = 32'd0;
            for (segment_number = 0; segment_number < SEGMENTS; segment_number = segment_number + 1) begin
                begins = ends;
                ends = begins + (HIDDEN == 0 || segment_number < HIDDEN ? 2 * FEATURES : 2 * HIDDEN);
                solve_ladder(begins, ends);
                loads[segment_number] = 64'sd0;
                for (i = begins; i < $signed(ends); i = i + 1) begin
                    through = {32'd0, weights[i]};
                    gain = gains_q16[i-begins];
                    cubes[i] = 64'sd0;
                    if (nonlinear) begin
                        at_ns = {32'd0, conductance_ns[first+i]};
                        curved = scaled(through, curve_q16(at_ns));
                        cube = curved - scaled(through, compression_q16(at_ns));
                        through = through - curved;
                        cubes[i] = scaled(cube, gain);
                    end
                    loads[segment_number] = loads[segment_number] + through;
                    weights[i] = scaled(through, gain);
                end
            end
        end
    endtask

    // what the offset adds to V.w of a segment
    function automatic signed [63:0] tilt(input [31:0] segment_number);
        tilt = (-loads[segment_number] * offset_q16) >>> 16;
    endfunction

    // ADC code by thresholds: how many are reached
    function automatic signed [63:0] shaped_code(input signed [63:0] dot, input [31:0] kind);
        integer i;
        reg signed [63:0] low, trial;
        begin
            low = 64'sd0;
            for (i = ADC_BITS - 1; i >= 0; i = i - 1) begin
                trial = low + (64'sd1 << i);
                if ($signed(thresholds[kind*THRESHOLDS+trial-1]) <= dot) low = trial;
            end
            shaped_code = low - ADC_TOP - 64'sd1;
        end
    endfunction

    // what a READ of the addressed cell at a conductance sees
    function automatic signed [63:0] read_through(input signed [63:0] at_ns);
        real seen;
        begin
            seen = at_ns;
            seen = with_series(with_series(seen, $bitstoreal(column_bits[row])), $bitstoreal(reach_bits[place]));
            read_through = rounded(seen);
            read_through = read_through - scaled(read_through, compression_q16(at_ns));
            read_through = read_through - floored(read_through * offset_q16, read_q16);
            if (read_through < 0) read_through = 64'sd0;
        end
    endfunction

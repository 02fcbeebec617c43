// The chain as the chip walks it, preset paper of task toy, in the integers of pymodels/twin and pymodels/oxram.
// A number of JavaScript holds integers exactly below 2^53, which none here reaches; words of 32 bits are kept unsigned.
const ONE_Q16 = 65536;

function product(a, b) {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const middle = a1 * b0 + Math.floor((a0 * b0) / ONE_Q16);
  const other = a0 * b1 + (middle % ONE_Q16);
  return [(a1 * b1 + Math.floor(middle / ONE_Q16) + Math.floor(other / ONE_Q16)) >>> 0, Math.imul(a, b) >>> 0];
}

// First word of the Philox4x32-10 block of counter (cell, k, 0, domain).
function philox(cell, k, domain, key) {
  let [x0, x1, x2, x3] = [cell >>> 0, k >>> 0, 0, domain >>> 0], [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = product(0xd2511f53, x0), [high1, low1] = product(0xcd9e8d57, x2);
    [x0, x1, x2, x3] = [(high1 ^ x1 ^ k0) >>> 0, low1, (high0 ^ x3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return x0;
}

// Standard normal in Q16 of one word: straight between the knots, 64 an octave of the tail's probability.
function normalQ16(word, knots) {
  const upper = word >= 0x80000000;
  const tail = 2 * (upper ? 0xffffffff - word : word) + 1; // probability times 2^33
  const octave = 31 - Math.clz32(tail), fraction = (tail - 2 ** octave) * 2 ** (31 - octave);
  const segment = Math.floor(fraction / 2 ** 25), rest = fraction % 2 ** 25;
  const knot = knots[64 * octave + segment], step = knots[64 * octave + segment + 1] - knot;
  const magnitude = knot + Math.floor((step * rest + 2 ** 24) / 2 ** 25);
  return upper ? magnitude : -magnitude;
}

const scaledQ16 = (value, factor) => Math.floor((value * factor + ONE_Q16 / 2) / ONE_Q16);

// To the nearest integer, halves to the even one, as numpy's rint and Python's round.
function rint(value) {
  const low = Math.floor(value), above = value - low;
  return above > 0.5 || (above === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

// Median and s.d. in nS and current in uA of each gate code, and for each read code the gate code that is nearest.
function gatesOf(law, chip) {
  const last = chip.gate_codes - 1, step = (law.current_high_ua - law.current_low_ua) / last;
  const current = Array.from({ length: last + 1 }, (_, code) => (code < last ? law.current_low_ua + code * step : law.current_high_ua));
  const median = current.map((ua) => rint(1000 * (law.median_offset_us + law.median_gain_us * ua ** law.median_exponent)));
  const sd = current.map((ua) => rint(1000 * (law.sd_gain_us * ua ** law.sd_exponent)));
  const lut = median.map((ns) => Math.min(Math.floor(ns / chip.read_step_ns), chip.read_top));
  const nearest = Array.from({ length: chip.read_top + 1 }, (_, read) =>
    lut.reduce((best, entry, code) => (Math.abs(entry - read) < Math.abs(lut[best] - read) ? code : best), 0));
  return { current, median, sd, nearest };
}

class Chain {
  // `chip` has the constants of the page, `law` those of a device card and d2d_spread, `seed` the keys of a run.
  constructor(chip, law, seed) {
    Object.assign(this, { chip, law, seed, lfsr: seed.lfsr, cells: 2 * chip.features });
    this.gates = gatesOf(law, chip);
    this.spread = rint(law.d2d_spread * ONE_Q16);
    this.rows = []; // conductances in nS of the rows that hold a model
    this.counters = [];
    this.setCount = new Uint32Array(chip.rows * this.cells);
    this.currentRead = null;
    this.currentCost = 0;
    this.proposals = 0;
    this.counts = { SET: 0, RESET: chip.rows * this.cells, READ: 0, EVAL: 0 }; // all rows are RESET at the start
    this.last = null;
    this.ended = false;
  }

  draw() {
    for (let shift = 0; shift < this.chip.lfsr_bits; shift++) {
      const bit = this.chip.lfsr_taps.reduce((parity, tap) => parity ^ (this.lfsr >>> (tap - 1)), 0) & 1;
      this.lfsr = ((this.lfsr << 1) | bit) >>> 0;
    }
    return this.lfsr;
  }

  // -log2 u of the LFSR's state: the octave by its leading zeros, the mantissa by its lowest bits.
  negLog2U() {
    const { lfsr_bits, log_u_index_bits: bits, log_fraction_bits, log_u_table } = this.chip, state = this.draw();
    const zeros = lfsr_bits - bits - (32 - Math.clz32(state >>> bits));
    return (zeros + 1) * 2 ** log_fraction_bits - log_u_table[state & (2 ** bits - 1)];
  }

  device(cell) {
    const normal = normalQ16(philox(cell, 0, this.chip.domains.device, this.seed.devices), this.chip.knots);
    return Math.max(this.chip.min_device_q16, ONE_Q16 + scaledQ16(this.spread, normal));
  }

  // SET each cell of a row as the current row's was read; row 0 at gate code 0. In nS.
  program(row) {
    const { chip, gates } = this;
    this.asked = Array.from({ length: this.cells }, (_, cell) => (row ? gates.nearest[this.currentRead[cell]] : chip.first_gate));
    return this.asked.map((code, cell) => {
      const index = row * this.cells + cell, k = ++this.setCount[index];
      const normal = normalQ16(philox(index, k, chip.domains.set, this.seed.array), chip.knots);
      return Math.max(chip.min_ns, scaledQ16(gates.median[code], this.device(index)) + scaledQ16(gates.sd[code], normal));
    });
  }

  // -log2 likelihood of all points, by the converter's code of V.w and a table.
  likelihood(ns) {
    const { chip } = this, half = chip.adc_top + 1;
    let sum = 0;
    for (const [label, ...codes] of chip.samples) {
      const dot = codes.reduce((total, code, pair) => total + code * (ns[2 * pair] - ns[2 * pair + 1]), 0);
      const code = Math.min(Math.max(Math.floor(dot / chip.eval_step), -half), chip.adc_top);
      sum += chip.likelihood_table[((label ? code : ~code) + half) >> chip.table_shift];
    }
    return sum;
  }

  prior(read) {
    let squares = 0;
    for (let cell = 0; cell < this.cells; cell += 2) squares += (read[cell] - read[cell + 1]) ** 2;
    return Math.floor((squares * this.chip.prior_multiplier) / 2 ** this.chip.prior_shift);
  }

  // One proposal and what follows from it; costs are in units of 2^-log_fraction_bits bits.
  step() {
    const { chip } = this, row = this.rows.length, ns = this.program(row), current = row - 1;
    const read = ns.map((each) => Math.min(Math.floor(each / chip.read_step_ns), chip.read_top));
    const u = row ? this.negLog2U() : 0, likelihood = this.likelihood(ns), prior = this.prior(read);
    const before = this.currentCost, accepted = row === 0 || likelihood + prior <= before + u;
    this.proposals += row > 0;
    this.counts.SET += this.cells;
    this.counts.READ += this.cells;
    this.counts.EVAL += chip.samples.length;
    if (accepted) {
      this.rows.push(ns);
      this.counters.push(1);
      this.currentRead = read;
      this.currentCost = likelihood + prior;
    } else {
      this.counters[current] = Math.min(this.counters[current] + 1, chip.counter_top);
      this.counts.RESET += this.cells;
    }
    this.ended = this.rows.length === chip.rows || this.proposals === chip.max_proposals;
    this.last = { number: this.proposals, row, current, asked: this.asked, ns, read, likelihood, prior, before, u, accepted };
    return this.last;
  }
}

const weights = (ns) => Array.from({ length: ns.length / 2 }, (_, pair) => (ns[2 * pair] - ns[2 * pair + 1]) / 1000);

if (typeof module !== "undefined") module.exports = { Chain, gatesOf, normalQ16, philox, weights };

// The page around chain.js: controls, pictures and words.
const { chip } = data, bits = 2 ** chip.log_fraction_bits, SPAN = 80;
const byId = (id) => document.getElementById(id);
const minus = (text) => String(text).replace("-", "\u2212");
const inBits = (cost) => (cost / bits).toFixed(1);
let law = { ...data.law }, chain, timer = null, exact;

// The posterior of the points as the chip has them, on a grid of models, in real numbers: its greatest value is 1.
function exactPosterior() {
  const side = 2 * SPAN + 1, values = new Float64Array(side * side), scale = chip.scale_per_us * chip.input_step;
  let top = -Infinity;
  values.forEach((_, place) => {
    const [x, y] = [(place % side) - SPAN, SPAN - Math.floor(place / side)];
    let log = -(x * x + y * y) / (2 * chip.prior_sigma_us ** 2);
    for (const [label, a, b] of chip.samples) log -= Math.log1p(Math.exp((label ? -1 : 1) * scale * (x * a + y * b)));
    values[place] = log;
    top = Math.max(top, log);
  });
  return { side, values: values.map((log) => Math.exp(log - top)) };
}

// Greatest weight, in whole µS, of two cells that each have the median of a gate code.
function reachOf({ median }) {
  return Math.min(SPAN, Math.round((median[median.length - 1] - median[0]) / 1000));
}

// Mean and s.d. of the exact posterior where pairs reach.
function within(reach) {
  const sums = [0, 0, 0, 0, 0];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const p = exact.values[(SPAN - y) * exact.side + SPAN + x];
      [1, x, y, x * x, y * y].forEach((power, of) => (sums[of] += p * power));
    }
  }
  return moments(sums);
}

function moments([all, x, y, xx, yy]) {
  const sd = (square, mean) => Math.sqrt(Math.max(0, square / all - (mean / all) ** 2));
  return { mean: [x / all, y / all], sd: [sd(xx, x), sd(yy, y)] };
}

// Mean and s.d. of the weights by the rows that vote, each with its counter; null as long as none does.
function walked() {
  if (chain.rows.length <= chip.burn_in) return null;
  const sums = [0, 0, 0, 0, 0];
  for (let row = chip.burn_in; row < chain.rows.length; row++) {
    const [x, y] = weights(chain.rows[row]);
    [1, x, y, x * x, y * y].forEach((power, of) => (sums[of] += chain.counters[row] * power));
  }
  return moments(sums);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// A canvas cleared for drawing in CSS pixels: its context, width and height.
function sheet(id) {
  const canvas = byId(id), ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = canvas;
  canvas.width = Math.round(clientWidth * ratio);
  canvas.height = Math.round(clientHeight * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "11px system-ui, sans-serif";
  return [context, clientWidth, clientHeight];
}

function dot(context, x, y, radius, fill, line) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (fill) { context.fillStyle = fill; context.fill(); }
  if (line) { context.strokeStyle = line; context.lineWidth = 2; context.stroke(); }
}

function axes(context, width, height, span, step) {
  context.strokeStyle = colour("line");
  context.fillStyle = colour("soft");
  context.lineWidth = 1;
  for (let value = -span + step; value < span; value += step) {
    const x = ((value + span) / (2 * span)) * width, y = ((span - value) / (2 * span)) * height;
    context.strokeRect(x, 0, 0, height);
    context.strokeRect(0, y, width, 0);
    context.fillText(minus(value), x + 2, height - 3);
    if (value) context.fillText(minus(value), 2, y - 2);
  }
}

function drawModels() {
  const [context, width, height] = sheet("models"), { side, values } = exact;
  const at = (w) => [((w[0] + SPAN) / (2 * SPAN)) * width, ((SPAN - w[1]) / (2 * SPAN)) * height];
  context.fillStyle = colour("digital-tint");
  values.forEach((p, place) => {
    if (p < 0.01) return;
    context.globalAlpha = p;
    const x = place % side, y = Math.floor(place / side);
    context.fillRect(((x - 0.5) / (side - 1)) * width, ((y - 0.5) / (side - 1)) * height, width / (side - 1) + 0.5, height / (side - 1) + 0.5);
  });
  context.globalAlpha = 1;
  axes(context, width, height, SPAN, 20);
  const reach = reachOf(chain.gates), [left, up] = at([-reach, reach]);
  context.setLineDash([4, 4]);
  context.strokeStyle = colour("soft");
  context.strokeRect(left, up, width - 2 * left, height - 2 * up);
  context.setLineDash([]);
  context.globalAlpha = 0.6;
  chain.rows.forEach((ns, row) => dot(context, ...at(weights(ns)), 1.5 + Math.sqrt(chain.counters[row]), colour("analogue-tint")));
  context.globalAlpha = 1;
  context.strokeStyle = colour("analogue");
  context.lineWidth = 1;
  context.beginPath();
  chain.rows.slice(-12).forEach((ns) => context.lineTo(...at(weights(ns))));
  context.stroke();
  if (!chain.last) return;
  dot(context, ...at(weights(chain.rows[chain.rows.length - 1])), 5, colour("analogue"));
  if (!chain.last.accepted) dot(context, ...at(weights(chain.last.ns)), 5, null, colour("digital"));
}

function drawPoints() {
  const [context, width, height] = sheet("points"), span = 127;
  const at = ([x, y]) => [((x + span) / (2 * span)) * width, ((span - y) / (2 * span)) * height];
  const line = (ns, ink, thick) => { // w1 x + w2 y = 0, as far as the plane goes
    const [a, b] = weights(ns), far = (2 * span) / (Math.hypot(a, b) || 1);
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.beginPath();
    context.moveTo(...at([-b * far, a * far]));
    context.lineTo(...at([b * far, -a * far]));
    context.stroke();
  };
  chain.rows.slice(-40, -1).forEach((ns) => line(ns, colour("analogue-tint"), 1));
  if (chain.rows.length) line(chain.rows[chain.rows.length - 1], colour("analogue"), 2);
  for (const [label, x, y] of chip.samples) dot(context, ...at([x, y]), 4, label ? colour("ink") : colour("wash"), colour("ink"));
}

function drawArray() {
  const [context, width, height] = sheet("array"), tall = height / chip.rows, wide = (0.62 * width) / chain.cells;
  const most = Math.max(8, ...chain.counters);
  chain.rows.forEach((ns, row) => {
    context.fillStyle = colour("analogue");
    ns.forEach((each, cell) => {
      context.globalAlpha = Math.min(1, Math.max(0.05, (each - 20000) / 80000));
      context.fillRect(cell * wide + (cell >> 1) * 3, row * tall, wide - 1, tall + 0.3);
    });
    context.globalAlpha = 1;
    context.fillStyle = row < chip.burn_in ? colour("soft") : colour("digital");
    context.fillRect(0.66 * width, row * tall, (0.34 * width * chain.counters[row]) / most, tall + 0.3);
  });
  context.fillStyle = colour("ink");
  context.fillRect(0, chip.burn_in * tall, width, 1);
  context.fillRect(0, chain.rows.length * tall, 0.64 * width, 1.5);
}

function drawLaw() {
  const [context, width, height] = sheet("law"), { current, median, sd } = chain.gates, edge = 28;
  const x = (ua) => edge + (ua / 160) * (width - edge - 6), y = (ns) => (height - 18) * (1 - ns / 150000);
  context.fillStyle = colour("soft");
  context.strokeStyle = colour("line");
  for (const tick of [0, 50, 100, 150]) {
    context.strokeRect(edge, y(1000 * tick), width, 0);
    context.fillText(tick, 2, y(1000 * tick) + (tick < 150 ? 3 : 10));
    context.fillText(tick, x(tick) - (tick < 150 ? 4 : 14), height - 4);
  }
  context.fillStyle = colour("analogue-tint");
  context.beginPath();
  current.forEach((ua, code) => context.lineTo(x(ua), y(median[code] + sd[code])));
  for (let code = current.length - 1; code >= 0; code--) context.lineTo(x(current[code]), y(median[code] - sd[code]));
  context.fill();
  current.forEach((ua, code) => dot(context, x(ua), y(median[code]), 2.5, colour("analogue")));
  byId("law").setAttribute("aria-label", `law of the device: median ${(median[0] / 1000).toFixed(0)} µS, s.d. ${(sd[0] / 1000).toFixed(1)} µS ` +
    `at ${current[0]} µA; ${(median[median.length - 1] / 1000).toFixed(0)} and ${(sd[sd.length - 1] / 1000).toFixed(1)} µS at ${current[current.length - 1]} µA`);
}

// What happened last, in words.
function story() {
  const { last } = chain;
  if (!last) return "All cells are RESET, none holds a model yet. Step programs row 0.";
  const [w1, w2] = weights(last.ns).map((w) => minus(w.toFixed(1))), cost = last.likelihood + last.prior;
  const of = `Its weights are ${w1} and ${w2} µS; it costs ${inBits(cost)} bits: ${inBits(last.likelihood)} for the points, ${inBits(last.prior)} for the prior.`;
  if (!last.row) return `Row 0 was SET at gate code ${chip.first_gate}. ${of} It is the first model, so it is taken without a question.`;
  const limit = last.before + last.u;
  const rule = `Row ${last.current} costs ${inBits(last.before)}, and the draw allows ${inBits(last.u)} more: ${inBits(cost)} is ${last.accepted ? "not above" : "above"} ${inBits(limit)}.`;
  const end = last.accepted ? `Accepted: row ${last.row} is the current row, its counter is 1.` : `Rejected: row ${last.row} is RESET, the counter of row ${last.current} is now ${chain.counters[last.current]}.`;
  const full = chain.rows.length === chip.rows ? "The array is full" : "No more proposals are made";
  const done = chain.ended ? ` ${full}: the walk is over.` : "";
  return `Proposal ${last.number}: row ${last.row} was SET like row ${last.current}. ${of} ${rule} ${end}${done}`;
}

function fillRows() {
  byId("rows").replaceChildren(...chain.rows.map((ns, row) => [ns, row]).slice(-6).reverse().map(([ns, row]) => {
    const line = element("tr");
    line.append(element("td", "", row));
    for (const value of [...ns.map((each) => each / 1000), ...weights(ns)]) line.append(element("td", "n", minus(value.toFixed(1))));
    line.append(element("td", "n", chain.counters[row]));
    return line;
  }));
}

function fillFacts() {
  const found = walked(), due = within(reachOf(chain.gates)), both = (pair) => pair.map((value) => minus(value.toFixed(1))).join(", ");
  const share = chain.proposals ? `${((100 * (chain.rows.length - 1)) / chain.proposals).toFixed(0)} %` : "–";
  const facts = [
    ["rows filled", `${chain.rows.length} of ${chip.rows}`], ["proposals", chain.proposals], ["accepted", share],
    ["SETs", chain.counts.SET.toLocaleString("en")], ["RESETs", chain.counts.RESET.toLocaleString("en")],
    ["evaluations", chain.counts.EVAL.toLocaleString("en")],
    ["mean of w₁, w₂: votes", found ? both(found.mean) : "–"], ["exact, where pairs reach", both(due.mean)],
    ["s.d. of w₁, w₂: votes", found ? both(found.sd) : "–"], ["exact, where pairs reach", both(due.sd)],
  ];
  byId("facts").replaceChildren(...facts.map(([name, value]) => {
    const item = element("div");
    item.append(element("dt", "", name), element("dd", "", value));
    return item;
  }));
}

function show() {
  drawModels();
  drawPoints();
  drawArray();
  fillRows();
  fillFacts();
  const told = `${chain.rows.length} of ${chip.rows} rows filled after ${chain.proposals} proposals`;
  byId("models").setAttribute("aria-label", `plane of models: ${told}`);
  byId("array").setAttribute("aria-label", `array: ${told}`);
  byId("points").setAttribute("aria-label", `plane of ${chip.samples.length} points, with the line of the current row`);
  byId("said").textContent = story();
  for (const id of ["step", "walking", "end"]) byId(id).disabled = chain.ended;
}

function pause() {
  clearTimeout(timer);
  timer = null;
  byId("walking").setAttribute("aria-pressed", "false");
  byId("walking").textContent = "Walk";
  byId("said").setAttribute("aria-live", "polite");
}

function stride() {
  chain.step();
  if (chain.ended) pause();
  else timer = setTimeout(stride, 1000 / Number(byId("speed").value));
  show();
}

function walk() {
  if (timer !== null) { pause(); return; }
  byId("walking").setAttribute("aria-pressed", "true");
  byId("walking").textContent = "Pause";
  byId("said").setAttribute("aria-live", "off"); // a reader of the screen hears the end, not every step
  stride();
}

function begin() {
  pause();
  const seed = data.seeds[Number(byId("seed").value)];
  chain = new Chain(chip, law, seed);
  byId("of-seed").textContent = seed.seed;
  drawLaw();
  show();
}

function makeSliders() {
  byId("sliders").replaceChildren(...data.sliders.map(({ name, words, unit, low, high, step }) => {
    const knob = element("label", "knob"), value = element("output"), input = element("input");
    knob.htmlFor = name;
    Object.assign(input, { type: "range", id: name, min: low, max: high, step });
    input.value = law[name];
    const told = () => {
      value.textContent = `${law[name].toFixed(step < 1 ? 2 : 0)}\u202f${unit}`;
      input.setAttribute("aria-valuetext", value.textContent);
    };
    input.addEventListener("input", () => { law[name] = Number(input.value); told(); begin(); });
    told();
    knob.append(element("span", "", words), value, input);
    return knob;
  }));
}

exact = exactPosterior();
makeSliders();
begin();
byId("step").addEventListener("click", () => { pause(); chain.step(); show(); });
byId("walking").addEventListener("click", walk);
byId("end").addEventListener("click", () => { pause(); while (!chain.ended) chain.step(); show(); });
byId("again").addEventListener("click", begin);
byId("seed").addEventListener("change", begin);
byId("card").addEventListener("click", () => { law = { ...data.law }; makeSliders(); begin(); });
window.addEventListener("resize", () => { drawLaw(); show(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawLaw(); show(); });
ready();

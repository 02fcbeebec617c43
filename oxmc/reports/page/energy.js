// The model of energy/whatif.py over again: same table of terms, same arithmetic. A test holds the two together.
const models = data.models;
const pulses = { set: "set_pulse_s", reset: "reset_pulse_s", read: "read_pulse_s", eval: "eval_pulse_s" };
let model = models[0];
let settings = {};

function cycleWidths(values, conversion) {
  const cycles = (seconds) => Math.max(1, Math.ceil(seconds * values.clock_hz * (1 - 1e-6)));
  const widths = {};
  for (const [operation, key] of Object.entries(pulses)) widths[operation] = cycles(values[key]);
  widths.conversion = Math.min(cycles(conversion), widths.read, widths.eval);
  return widths;
}

function phaseCycles(timing, widths) {
  return Object.entries(timing.pulses).reduce((sum, [name, count]) => sum + count * widths[name], timing.base);
}

function evaluate(node) {
  const values = Object.fromEntries(model.knobs.map((knob) => [knob.name, knob.value]));
  const now = { ...values, ...settings };
  const oldWidths = cycleWidths(values, model.conversion_s);
  const widths = cycleWidths(now, model.conversion_s);
  const ratios = Object.fromEntries(Object.keys(values).map((name) => [name, now[name] / values[name]]));
  ratios.period = values.clock_hz / now.clock_hz;
  for (const operation of Object.keys(pulses)) ratios[operation] = (widths[operation] / oldWidths[operation]) * ratios.period;
  const answer = { total: 0, training: 0, analogue: 0, cycles: 0 };
  for (const timing of Object.values(model.timing)) answer.cycles += phaseCycles(timing, widths);
  for (const term of model.nodes[node]) {
    const timing = model.timing[term.phase];
    const was = phaseCycles(timing, oldWidths);
    ratios.cycles = was ? phaseCycles(timing, widths) / was : 1;
    let joules = term.energy_j;
    for (const [name, power] of Object.entries(term.powers)) joules *= ratios[name] ** power;
    answer.total += joules;
    if (!model.headline.includes(term.phase)) continue;
    answer.training += joules;
    if (model.analogue.includes(term.component)) answer.analogue += joules;
  }
  answer.seconds = answer.cycles / now.clock_hz;
  return answer;
}

function si(value, unit) {
  const scales = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"], [1e-12, "p"], [1e-15, "f"]];
  const [scale, prefix] = scales.find(([size]) => Math.abs(value) >= size * 0.9995) || scales[scales.length - 1];
  const digits = (value / scale).toPrecision(3);
  return `${unit === "J" ? digits : Number(digits)}\u202f${prefix}${unit}`;
}

function amount(knob, value) {
  return knob.unit === "x" ? `× ${Number(value.toPrecision(3))}` : si(value, knob.unit);
}

function shown(knob, value) {
  if (!knob.name.endsWith("pulse_s")) return amount(knob, value);
  const clock = settings.clock_hz || model.knobs.find((other) => other.name === "clock_hz").value;
  const cycles = Math.max(1, Math.ceil(value * clock * (1 - 1e-6)));
  return `${si(value, "s")}, ${cycles} cycle${cycles > 1 ? "s" : ""}`;
}

const STEPS = 1000;
const place = (knob, value) => Math.round((STEPS * Math.log(value / knob.low)) / Math.log(knob.high / knob.low));
function valueAt(knob, position) {
  if (position === place(knob, knob.value)) return knob.value; // the run's own value can be found again
  return Number((knob.low * (knob.high / knob.low) ** (position / STEPS)).toPrecision(3));
}

function turn(knob, value) {
  if (value === knob.value) delete settings[knob.name];
  else settings[knob.name] = value;
  history.replaceState(null, "", "#" + new URLSearchParams(settings).toString());
  show();
}

function buildKnobs() {
  const box = document.getElementById("knobs");
  box.replaceChildren();
  for (const knob of model.knobs) {
    const row = element("div", "knob");
    const label = element("label", "", knob.label.replace(", x table", ""));
    const input = element("input");
    label.htmlFor = input.id = `knob-${knob.name}`;
    Object.assign(input, { type: "range", min: 0, max: STEPS, step: 1 });
    input.addEventListener("input", () => turn(knob, valueAt(knob, Number(input.value))));
    const ends = element("div", "ends");
    for (const end of [knob.low, knob.high]) ends.append(element("span", "", amount(knob, end)));
    row.append(label, element("output"), input, ends);
    box.append(row);
  }
}

function show() {
  model.knobs.forEach((knob, index) => {
    const row = document.getElementById("knobs").children[index];
    const value = settings[knob.name] || knob.value;
    const input = row.querySelector("input"), text = shown(knob, value);
    input.value = place(knob, value);
    input.setAttribute("aria-valuetext", text);
    row.querySelector("output").textContent = text;
    row.classList.toggle("moved", knob.name in settings);
  });
  const box = document.getElementById("answers");
  box.replaceChildren();
  const kept = settings;
  for (const node of Object.keys(model.nodes)) {
    const now = evaluate(node);
    settings = {};
    const was = evaluate(node);
    settings = kept;
    const part = element("div", "answer");
    part.dataset.node = node;
    for (const key of ["total", "training", "analogue", "cycles"]) part.dataset[key] = now[key];
    const change = (100 * (now.training - was.training)) / was.training;
    const moved = Object.keys(settings).length > 0;
    const delta = moved ? `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(1)} % of ${si(was.training, "J")}` : "as it ran";
    const legend = element("ul", "legend");
    legend.append(element("li", "analogue", `${si(now.analogue, "J")} array and converters`));
    legend.append(element("li", "digital", `${si(now.training - now.analogue, "J")} memories and logic`));
    const all = element("p", "delta", `${si(now.total, "J")} with all other parts`);
    part.append(element("h3", "", `training at ${node}`), element("p", "big", si(now.training, "J")));
    part.append(element("p", "delta", delta), legend, all);
    box.append(part);
    box.dataset.time = `${si(now.seconds, "s")} on the chip`;
  }
  box.append(element("p", "note", box.dataset.time));
  const reset = element("button", "", "reset");
  reset.type = "button";
  reset.addEventListener("click", () => { settings = {}; history.replaceState(null, "", "#"); show(); });
  box.append(reset);
}

function fromAddress() {
  if (location.hash.length > 1 && !location.hash.includes("=")) return; // a place of the page, not a setting
  settings = {};
  for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
    const value = Number(text);
    if (model.knobs.some((knob) => knob.name === name) && value > 0 && Number.isFinite(value)) settings[name] = value;
  }
  show();
}

const which = document.getElementById("which");
if (which) which.addEventListener("change", () => { model = models[which.value]; buildKnobs(); show(); });
window.addEventListener("hashchange", fromAddress);
buildKnobs();
show();
fromAddress();
ready();

// The scrubber over the array's rows: what the page embeds of the state, drawn and said for one row at a time.
const array = data.array;
const byId = (id) => document.getElementById(id);

function decoded() {
  const bytes = Uint8Array.from(atob(array.codes), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Uint16Array.from({ length: bytes.length / 2 }, (_, place) => view.getUint16(2 * place, true));
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const stops = [0, 1, 2].map((stop) => {
    const hex = style.getPropertyValue(`--ramp-${stop}`).trim();
    return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  });
  return Array.from({ length: 256 }, (_, level) => {
    const at = level / 127.5, stop = Math.min(1, Math.floor(at));
    return stops[stop].map((part, channel) => part + (at - stop) * (stops[stop + 1][channel] - part));
  });
}

function draw(codes) {
  const canvas = byId("cells"), table = colours();
  canvas.width = array.cells;
  canvas.height = array.rows;
  const context = canvas.getContext("2d"), image = context.createImageData(array.cells, array.rows);
  codes.forEach((code, place) => {
    if (!array.counters[Math.floor(place / array.cells)]) return; // the chain was not there: left clear
    const level = Math.min(255, Math.round((255 * code * array.step_us) / array.most_us));
    image.data.set([...table[level], 255], 4 * place);
  });
  context.putImageData(image, 0, 0);
}

function kind(row) {
  if (!array.counters[row]) return "empty";
  return row % array.block < array.burn_in ? "burn-in, does not vote" : "votes";
}

function facts(row) {
  const inBlock = row % array.block, block = Math.floor(row / array.block), start = block * array.block;
  const votes = array.counters.slice(start + array.burn_in, start + array.block).reduce((sum, count) => sum + count, 0);
  const counter = array.counters[row], found = [["row is", kind(row)], ["counter", String(counter)]];
  if (array.names[block]) found.push(["output", array.names[block]]);
  if (kind(row) === "votes") found.push(["share of the votes", `${((100 * counter) / votes).toFixed(1)} %`]);
  if (array.rewards.length > row) found.push(["reward", String(array.rewards[row])]);
  const alone = array.alone[inBlock], each = array.names.length > 1 ? ` ${inBlock} of each output` : "";
  if (alone !== null && alone !== undefined) found.push([`test accuracy, row${each || " " + row} alone`, alone.toFixed(4)]);
  const until = array.together.slice(0, inBlock + 1).filter((value) => value !== null);
  if (until.length) found.push(["test accuracy, votes up to it", until[until.length - 1].toFixed(4)]);
  return found;
}

function watch(codes, row) {
  const box = byId("watched"), watched = array.watched[Math.floor(row / array.block)];
  const weight = (pair, of) => (codes[of * array.cells + 2 * pair] - codes[of * array.cells + 2 * pair + 1]) * array.step_us;
  const reach = array.reach;
  const place = (value) => `${Math.max(0, Math.min(100, 50 + (50 * value) / reach))}%`;
  box.replaceChildren();
  for (const { pair, name, low, high } of watched) {
    const line = element("div", "watch"), plot = element("div"), label = element("span", "", name);
    label.title = name;
    const band = element("i", "reach"), zero = element("i", "zero"), value = element("i", "value");
    band.style.left = place(low);
    band.style.width = `${(50 * (high - low)) / reach}%`;
    plot.append(band, zero);
    const w = weight(pair, row), filled = array.counters[row] > 0;
    value.style.left = place(w);
    if (filled) plot.append(value);
    line.append(label, plot, element("b", "", filled ? w.toFixed(1).replace("-", "\u2212") : "–"));
    box.append(line);
  }
}

function show(codes) {
  const input = byId("row"), row = Number(input.value);
  byId("row-name").textContent = row;
  input.setAttribute("aria-valuetext", `row ${row}, counter ${array.counters[row]}, ${kind(row)}`);
  const list = byId("row-facts");
  list.replaceChildren();
  for (const [key, value] of facts(row)) {
    const item = element("div");
    item.append(element("dt", "", key), element("dd", "", value));
    list.append(item);
  }
  watch(codes, row);
  const height = byId("cells").clientHeight, cursor = byId("cursor");
  cursor.style.top = `${(height * row) / array.rows}px`;
  cursor.style.height = `${height / array.rows}px`;
}

function follow(event, codes) {
  const box = byId("cells").getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * array.rows);
  byId("row").value = Math.max(0, Math.min(array.rows - 1, row));
  show(codes);
}

if (array) {
  const codes = decoded(), input = byId("row"), map = byId("map");
  byId("panel").hidden = false;
  input.value = Math.max(0, array.counters.findLastIndex((count) => count > 0));
  input.addEventListener("input", () => show(codes));
  map.addEventListener("pointerdown", (event) => follow(event, codes));
  map.addEventListener("pointermove", (event) => { if (event.buttons) follow(event, codes); });
  window.addEventListener("resize", () => show(codes));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(codes));
  window.addEventListener("beforeprint", () => draw(codes));
  draw(codes);
  show(codes);
}
ready();

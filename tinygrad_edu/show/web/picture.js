// The picture: boxes and wires as SVG, in one of three details, and what each step shows in them.

const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function html(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const measure = document.createElement("canvas").getContext("2d"); // it measures in frames that are not shown yet, too
function textWidth(text, style = "") {
  measure.font = style + " 14px Helvetica, Arial, sans-serif";
  return measure.measureText(text).width;
}

// In words: 0 names only, 1 numbers too, 2 the local derivatives on the wires as well.
const NAMES = 0,
  NUMBERS = 1,
  FACTORS = 2;
const GAPS = {
  [FACTORS]: { beside: 14, between: 66 },
  [NUMBERS]: { beside: 12, between: 30 },
  [NAMES]: { beside: 9, between: 26 },
};
const DENSE = 100; // wires, from where they are thin and have more room
const gapsOf = (detail) => (wires.length < DENSE ? GAPS[detail] : { beside: 8, between: 84 });

// The sign of an operation; a power with a whole exponent as it is written, x².
function symbolOf(unit) {
  const node = nodes[unit.node]; // a closed box has none
  if (!node || !node.op) return "";
  const exponent = node.op === "pow" ? node.constants[1] : null;
  return Number.isInteger(exponent) && exponent >= 0
    ? "x" + [...String(exponent)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")
    : node.symbol;
}
const WIDEST = Math.ceil(textWidth("−0.00" + "5".repeat(trace.digits))); // of the numbers in a box

function sizeOf(unit, detail) {
  const title =
    textWidth(shortName(unit.name), "italic") + (symbolOf(unit) ? textWidth(symbolOf(unit), "bold") + 7 : 0);
  if (detail === NAMES) return { width: Math.max(38, Math.ceil(title) + 14), height: 28 };
  return { width: Math.max(WIDEST + 12, Math.ceil(title) + 16), height: 62 };
}

let drawn; // the layout, its detail, and the elements by unit and wire

function drawPicture({ detail, direction, laidOut }) {
  drawn = { ...laidOut, detail, direction, unit: new Map(), wire: new Map() };
  const lines = svg("g", { class: "wires" }),
    labels = svg("g", { class: "labels" }),
    boxes = svg("g", { class: "boxes" });
  for (const wire of wires) {
    const { path, label } = drawn.paths.get(wire);
    const line = svg("path", { d: path, class: "wire", id: wire.id });
    const text = svg("text", { x: label.x, y: label.y + 4, class: direction === "right" ? "factor beside" : "factor" });
    lines.append(line);
    labels.append(text);
    line.addEventListener("click", () => {
      const w = weightOf(wire);
      if (w !== null) pin(w);
    });
    drawn.wire.set(wire, { line, text });
  }
  for (const unit of order) boxes.append(drawBox(unit, detail));
  at("picture").classList.toggle("dense", wires.length >= DENSE);
  at("world").replaceChildren(lines, labels, boxes);
}

function drawBox(unit, detail) {
  const { x, y, width, height } = drawn.boxes.get(unit),
    left = -width / 2,
    top = -height / 2;
  const kind = unit.group !== null ? "closed" : isOperation(unit.node) ? "operation" : nodes[unit.node].role;
  const group = svg("g", {
    id: unit.id,
    class: "box " + kind,
    transform: "translate(" + x + "," + y + ")",
    tabindex: "0",
    role: "button",
  });
  const round = unit.group !== null ? 12 : 5;
  group.append(svg("rect", { x: left, y: top, width, height, rx: round, class: "back" }));
  const title = svg("text", { x: 0, y: detail === NAMES ? 5 : top + 17, class: "title" });
  if (symbolOf(unit)) title.append(svg("tspan", { class: "symbol" }, symbolOf(unit)), " ");
  title.append(svg("tspan", { class: "name" }, shortName(unit.name)));
  group.append(title);
  let data, gradient;
  if (detail !== NAMES) {
    data = svg("text", { x: 0, y: top + 36, class: "data" });
    gradient = svg("text", { x: 0, y: top + 54, class: "grad" });
    group.append(svg("line", { x1: left, x2: -left, y1: top + 23, y2: top + 23, class: "rule" }), data, gradient);
  }
  group.addEventListener("pointerenter", () => light(unit));
  group.addEventListener("pointerleave", () => light(null));
  group.addEventListener("focus", () => {
    light(unit);
    if (group.matches(":focus-visible")) keepInView([unit]);
  });
  group.addEventListener("click", () => press(unit));
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press(unit);
  });
  drawn.unit.set(unit, { group, data, gradient });
  return group;
}

function press(unit) {
  if (unit.group !== null) {
    openGroup(unit.group);
    return;
  }
  pin(unit.node);
}

// A layer opens into its neurons, a neuron into its nodes; each can be closed again.
function openGroup(group) {
  closed.delete(group);
  rearrange();
  const first = units.find((unit) => unit.members.some((k) => placeOf(k) && placeOf(k).join(".").startsWith(group)));
  if (first) {
    drawn.unit.get(first).group.focus({ preventScroll: true });
    keepInView([first]);
  }
}

function rearrange() {
  const { kind, unit } = steps[now];
  const anchor = unit && unit.main;
  const atEnd = now === steps.length - 1;
  arrange();
  const found = steps.findIndex((s) => s.kind === kind && s.unit && s.unit.members.includes(anchor));
  now = kind === "start" ? 0 : atEnd ? steps.length - 1 : found >= 0 ? found : Math.min(now, steps.length - 1);
  at("step").max = steps.length - 1;
  redraw();
  ask();
}

// What a step changes: numbers that are known, the box and the wire that it is about, the lines' colour and width.
let lit = null,
  pinned = null;

function paintPicture() {
  const { reached, gradients, passed } = known(asking ? now - 1 : now),
    step = steps[now];
  const along = lit === null ? new Set() : wiresAbove(lit);
  const target = step.kind === "backward" ? step.wire.tail : step.unit;
  const measured = wires.map((wire) => strength(wire, passed)),
    largest = Math.max(0, ...measured.filter(Number.isFinite).map(Math.abs)) || 1;
  for (const unit of order) {
    const { group, data, gradient } = drawn.unit.get(unit),
      has = unit.main !== null && gradients.has(unit.main);
    const done = reached.has(unit);
    if (data) data.textContent = unit.main === null ? unit.exits.length + " outputs" : done ? shown(v[unit.main]) : "";
    if (gradient) gradient.textContent = has ? shownDerivative(gradients.get(unit.main)) : "";
    group.classList.toggle("reached", done);
    group.classList.toggle("has-grad", has);
    group.classList.toggle("now", step.kind !== "start" && unit === target);
    group.classList.toggle("from", step.kind === "backward" && unit === step.unit);
    group.classList.toggle("lit", lit !== null && unit.members.includes(lit));
    group.setAttribute("aria-label", described(unit, done, has ? gradients.get(unit.main) : null));
    if (unit.group === null) group.setAttribute("aria-pressed", String(pinned === unit.node));
    else group.setAttribute("aria-expanded", "false");
  }
  const labels = [];
  wires.forEach((wire, j) => {
    const { line, text } = drawn.wire.get(wire),
      active = step.wire === wire;
    const isNow = active || (step.kind === "forward" && wire.head === step.unit);
    const number = factorOn(wire),
      size = measured[j];
    const room = drawn.detail === FACTORS || drawn.direction === "down";
    const show =
      number !== null &&
      reached.has(wire.head) &&
      room &&
      !(active && asking) &&
      (drawn.detail === FACTORS || active || (along.has(wire) && along.size < 24));
    text.textContent = show ? (Number.isNaN(number) ? "none" : "×" + shown(number, trace.digits - 1)) : "";
    if (show) labels.push({ wire, text, first: active ? 2 : along.has(wire) ? 1 : 0 });
    text.classList.toggle("now", active);
    line.classList.toggle("now", isNow);
    line.classList.toggle("lit", along.has(wire));
    line.classList.toggle("positive", Number.isFinite(size) && size > 0);
    line.classList.toggle("negative", Number.isFinite(size) && size < 0);
    const width = Number.isFinite(size) && !isNow // that of the step is wide, whatever it carries
      ? (wires.length < DENSE ? 1 + (3.5 * Math.abs(size)) / largest : 0.3 + (2.4 * Math.abs(size)) / largest).toFixed(
          1,
        )
      : "";
    if (line.style.strokeWidth !== width) line.style.strokeWidth = width;
  });
  placeLabels(labels.sort((a, b) => b.first - a.first));
}

// Each label where it overlaps none before it; one without such a place is left out.
function placeLabels(labels) {
  const taken = [];
  for (const { wire, text } of labels) {
    const place = drawn.paths.get(wire),
      width = textWidth(text.textContent, "bold") + 4;
    const start = drawn.direction === "right" ? 0 : width / 2;
    const spot = place.labels.find(({ x, y }) =>
      taken.every((o) => Math.abs(o.y - y) >= 12 || x - start >= o.right || x - start + width <= o.left),
    );
    if (!spot) {
      text.textContent = "";
      continue;
    }
    taken.push({ left: spot.x - start, right: spot.x - start + width, y: spot.y });
    place.label = spot;
    text.setAttribute("x", spot.x);
    text.setAttribute("y", spot.y + 4);
  }
}

// What the width of a line tells: the weight it carries in a closed network, its contribution once that is there.
function strength(wire, passed) {
  const choice = at("lines").value;
  if (choice === "plain") return NaN;
  if (choice === "weights") {
    const w = weightOf(wire);
    return w === null ? NaN : v[w];
  }
  if (choice === "gradients") {
    const w = weightOf(wire);
    return w === null ? NaN : grad[w];
  }
  if (!passed.has(wire)) return NaN;
  return wire.edges.reduce((sum, { k, i }) => sum + grad[k] * d[k][i], 0);
}

// The local derivative on a wire; through a closed unit, that of its exit. null where several stand for one.
function factorOn(wire) {
  const unit = wire.head;
  if (unit.node !== null) return d[wire.edges[0].k][wire.edges[0].i];
  if (unit.main === null || new Set(wire.edges.map((edge) => edge.parent)).size > 1) return null;
  const part = wire.edges.reduce((sum, { k, i }) => sum + grad[k] * d[k][i], 0) / grad[unit.main];
  return Number.isFinite(part) ? part : null;
}

function described(unit, done, gradient) {
  if (unit.main === null) return unit.name + ", closed, " + unit.exits.length + " outputs. Press to open.";
  const node = nodes[unit.main],
    said = [unit.name];
  if (unit.group !== null) said[0] += ", " + groupTitle(unit.group) + ", closed";
  else if (isOperation(unit.node)) said.push(node.op + " of " + operandNames(unit.node));
  else said.push(node.role === "parameter" ? "leaf, moved by descent" : "leaf, held");
  said.push("data " + (done ? shown(v[unit.main]) : "not computed yet"));
  said.push("grad " + (gradient === null ? "not computed yet" : shownDerivative(gradient)));
  return said.join(", ") + (unit.group !== null ? ". Press to open." : "");
}

const operandNames = (k) =>
  nodes[k].parents.map((parent, i) => (parent === null ? shown(nodes[k].constants[i]) : name(parent))).join(", ");

// All wires on a way from a node to the root.
function wiresAbove(k) {
  const above = new Set([k]),
    found = new Set();
  for (const node of tape) if (nodes[node].parents.some((parent) => above.has(parent))) above.add(node);
  for (const wire of wires) if (wire.edges.some(({ parent }) => above.has(parent))) found.add(wire);
  return found;
}

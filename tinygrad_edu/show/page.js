"use strict";
const trace = JSON.parse(document.getElementById("trace").textContent);
const nodes = trace.nodes, root = nodes.length - 1, at = (id) => document.getElementById(id);
const tape = nodes.map((node, k) => k).filter((k) => nodes[k].parents.length);
const MOST_PATHS = 24, MOST_STEPS = 20000;

// The steps: each operation forward, then the root's own gradient, then each edge backward.
const steps = [{ kind: "start" }];
for (const k of tape) steps.push({ kind: "forward", k });
steps.push({ kind: "root", k: root });
for (const k of [...tape].reverse())
  nodes[k].parents.forEach((parent, i) => { if (parent !== null) steps.push({ kind: "backward", k, i, parent }); });

let v = nodes.map((node) => node.data), d = [], grad = [], contribution = [], now = 0, lit = null;

// Everything from the leaves: the arithmetic is the table's, forward[] and partials[]; the loop is the chain rule.
function compute() {
  for (const k of tape) v[k] = forward[k](v);
  d = partials.map((row) => row.map((partial) => (partial ? partial(v) : null)));
  grad = nodes.map(() => 0);
  grad[root] = 1;
  contribution = steps.map((step) => {
    if (step.kind !== "backward") return null;
    const before = grad[step.parent], term = d[step.k][step.i] * grad[step.k];
    grad[step.parent] = before + term;
    return { term, before, after: before + term };
  });
}

function shown(number) {
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number < 0 ? "−∞" : "∞";
  const digits = trace.digits, rounded = Number(number.toPrecision(digits)), size = Math.abs(rounded);
  let text;
  if (size === 0) text = "0";
  else if (size >= 10 ** digits && size < 10 ** (digits + 2)) text = number.toFixed(0);
  else if (size >= 1e-3 && size < 10 ** digits) text = String(rounded);
  else {
    const [mantissa, exponent] = rounded.toExponential(digits - 1).split("e");
    text = Number(mantissa) + "e" + Number(exponent);
  }
  return text.replaceAll("-", "−");
}

const name = (k) => nodes[k].name;
const from = (k) => "∂" + name(root) + "/∂" + name(k);

function sentence() {
  const step = steps[now];
  if (step.kind === "start") return "The leaves are given. Next: the forward pass, one operation at a time.";
  if (step.kind === "forward") return name(step.k) + " = " + nodes[step.k].formula + " = " + shown(v[step.k]);
  if (step.kind === "root") return from(root) + " = 1: the backward pass starts here.";
  const { term, before, after } = contribution[now];
  const sum = before === 0 ? "" : " (" + shown(before) + " before, " + shown(after) + " now)";
  return from(step.parent) + " += " + from(step.k) + " × ∂" + name(step.k) + "/∂" + name(step.parent) + " = " +
    shown(grad[step.k]) + " × " + shown(d[step.k][step.i]) + " = " + shown(term) + sum;
}

// The picture: the texts that graphviz wrote are found once, and filled at every step.
const picture = document.querySelector("#picture svg"), wide = picture.viewBox.baseVal.width, high = picture.viewBox.baseVal.height;
const boxes = nodes.map((node, k) => {
  const group = at("n" + k), texts = [...group.querySelectorAll("text")].filter((t) => /^(data|grad) /.test(t.textContent));
  for (const text of texts) { // a text that changes stays in the middle of its cell
    const around = text.getBBox();
    text.setAttribute("x", around.x + around.width / 2);
    text.setAttribute("text-anchor", "middle");
  }
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "img");
  for (const event of ["mouseenter", "focus", "click"]) group.addEventListener(event, () => light(k));
  group.addEventListener("mouseleave", () => light(null));
  return { group, data: texts.find((t) => t.textContent.startsWith("data ")), grad: texts.find((t) => t.textContent.startsWith("grad ")) };
});
const lines = new Map();
nodes.forEach((node, k) => node.parents.forEach((parent, i) => {
  if (parent === null) return;
  const group = at("en" + k + "_" + i);
  lines.set(k + "_" + i, { group, text: [...group.querySelectorAll("text")].find((t) => t.textContent.startsWith("×")) });
}));

function paint() {
  const reached = nodes.map((node) => !node.parents.length), gradients = nodes.map(() => null), passed = new Set();
  for (const [s, step] of steps.slice(0, now + 1).entries()) {
    if (step.kind === "forward") reached[step.k] = true;
    if (step.kind === "root") gradients[root] = 1;
    if (step.kind === "backward") { gradients[step.parent] = contribution[s].after; passed.add(step.k + "_" + step.i); }
  }
  boxes.forEach((box, k) => {
    box.data.textContent = "data " + (reached[k] ? shown(v[k]) : "");
    box.grad.textContent = "grad " + (gradients[k] === null ? "not computed" : shown(gradients[k]));
    box.group.setAttribute("aria-label", name(k) + ", " + box.data.textContent + ", " + box.grad.textContent);
    box.group.classList.toggle("now", steps[now].kind !== "start" && (steps[now].parent ?? steps[now].k) === k);
  });
  const along = lit === null ? new Set() : edgesAbove(lit);
  lines.forEach((line, key) => {
    const [k, i] = key.split("_").map(Number);
    line.text.textContent = "×" + shown(d[k][i]);
    line.text.classList.toggle("hidden", !reached[k]);
    line.group.classList.toggle("now", steps[now].kind === "backward" && key === steps[now].k + "_" + steps[now].i);
    line.group.classList.toggle("lit", along.has(key));
  });
  at("sentence").textContent = sentence();
  at("step").value = now;
  at("step").setAttribute("aria-valuetext", sentence());
  at("count").textContent = now + " / " + (steps.length - 1);
  at("first").disabled = at("back").disabled = now === 0;
  at("next").disabled = at("last").disabled = now === steps.length - 1;
  for (const leaf of leaves) leaf.show();
  at("descend").disabled = !nodes.some((node, k) => node.parameter) || ![...v, ...grad].every(Number.isFinite);
  showPaths();
}

function edgesAbove(k) {
  const above = new Set([k]), found = new Set();
  for (const node of tape) nodes[node].parents.forEach((parent, i) => {
    if (parent !== null && above.has(parent)) { above.add(node); found.add(node + "_" + i); }
  });
  return found;
}

// The paths from the root to a node, never more than a few: their number grows exponentially.
function pathsTo(k) {
  const above = new Set([k]);
  for (const node of tape) if (nodes[node].parents.some((parent) => parent !== null && above.has(parent))) above.add(node);
  const found = [], stack = above.has(root) ? [[root]] : [];
  let walked = 0;
  while (stack.length && found.length < MOST_PATHS && walked++ < MOST_STEPS) {
    const path = stack.pop(), last = path[path.length - 1];
    if (last === k) { found.push(path); continue; }
    const more = [];
    nodes[last].parents.forEach((parent, i) => { if (parent !== null && above.has(parent)) more.push([...path, i, parent]); });
    stack.push(...more.reverse());
  }
  return { found, all: stack.length === 0 };
}

function line(text, kind) {
  const p = document.createElement("p");
  p.className = kind;
  p.textContent = text;
  return p;
}

function showPaths() {
  if (lit === null) return;
  const { found, all } = pathsTo(lit), out = [];
  let sum = 0;
  for (const path of found) {
    const factors = [], places = [name(path[0])];
    for (let j = 0; j + 2 < path.length; j += 2) { factors.push(d[path[j]][path[j + 1]]); places.push(name(path[j + 2])); }
    const product = factors.reduce((a, b) => a * b, 1);
    sum += product;
    out.push(line(places.join(" → ") + ": " + (factors.length ? factors.map(shown).join(" × ") + " = " : "") + shown(product), "path"));
  }
  if (all) out.push(line(from(lit) + " = " + shown(sum) + (found.length > 1 ? ", the sum over " + found.length + " paths" : ""), "grad"));
  else out.push(line(from(lit) + " = " + shown(grad[lit]) + ", the sum over these and more paths", "grad"));
  at("paths").replaceChildren(...out);
}

function zoom(scale) {
  picture.setAttribute("width", wide * scale);
  picture.setAttribute("height", high * scale);
}

function light(k) {
  if (k === null && document.activeElement && document.activeElement.classList.contains("node")) return;
  lit = k;
  paint();
}

function go(step) {
  now = Math.max(0, Math.min(steps.length - 1, step));
  paint();
}

const leaves = nodes.flatMap((node, k) => {
  if (node.parents.length) return [];
  const row = document.createElement("div"), label = document.createElement("label");
  const slider = document.createElement("input"), box = document.createElement("input"), out = document.createElement("output");
  row.className = "leaf";
  label.textContent = node.name;
  label.htmlFor = "slider" + k;
  const reach = Math.max(1, 2 * Math.abs(node.data));
  Object.assign(slider, { type: "range", id: "slider" + k, min: node.data - reach, max: node.data + reach, step: "any" });
  Object.assign(box, { type: "number", id: "number" + k, step: "any" });
  box.setAttribute("aria-label", node.name);
  const change = (text) => {
    const number = Number(text);
    if (text === "" || !Number.isFinite(number)) return;
    v[k] = number;
    compute();
    paint();
  };
  slider.addEventListener("input", () => change(slider.value));
  box.addEventListener("change", () => change(box.value));
  row.append(label, slider, box, out);
  at("leaves").append(row);
  const show = () => {
    if (document.activeElement !== slider) slider.value = v[k];
    if (document.activeElement !== box) box.value = Number(v[k].toPrecision(6));
    out.textContent = "grad " + (now === steps.length - 1 ? shown(grad[k]) : "…");
  };
  return [{ k, show }];
});

at("step").max = steps.length - 1;
at("zoom").addEventListener("input", () => zoom(Number(at("zoom").value)));
at("zoom").value = Math.min(1.33, Math.max(0.75, (at("picture").clientWidth - 20) / wide));
zoom(Number(at("zoom").value));
at("first").addEventListener("click", () => go(0));
at("back").addEventListener("click", () => go(now - 1));
at("next").addEventListener("click", () => go(now + 1));
at("last").addEventListener("click", () => go(steps.length - 1));
at("step").addEventListener("input", () => go(Number(at("step").value)));
at("reset").addEventListener("click", () => { v = nodes.map((node) => node.data); compute(); paint(); });
at("descend").addEventListener("click", () => {
  const rate = Number(at("rate").value);
  if (!Number.isFinite(rate)) return;
  nodes.forEach((node, k) => { if (node.parameter) v[k] -= rate * grad[k]; });
  compute();
  go(steps.length - 1);
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input")) return;
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: steps.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
compute();
paint();

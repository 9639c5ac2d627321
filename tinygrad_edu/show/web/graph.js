// The graph: what it computes, its gradient, and the steps in which the chain rule gets there.

const trace = JSON.parse(document.getElementById("trace").textContent);
const nodes = trace.nodes,
  root = nodes.length - 1;
const isOperation = (k) => nodes[k].parents.length > 0;
const tape = nodes.map((_, k) => k).filter(isOperation);
const leaves = nodes.map((_, k) => k).filter((k) => !isOperation(k));
const name = (k) => nodes[k].name;

let v = Float64Array.from(nodes, (node) => Number(node.data)); // the data of each node
let d = [],
  grad = new Float64Array(nodes.length); // the local derivatives, and ∂root/∂node

// The forward pass: forward[k] is the table's formula for node k.
function runForward(data) {
  for (const k of tape) data[k] = forward[k](data);
}

// The backward pass; without given local derivatives these are computed and not kept, which is all that training needs.
function runBackward(data, gradients, localOf = (k) => partials[k](data)) {
  gradients.fill(0);
  gradients[root] = Number.isFinite(data[root]) ? 1 : NaN;
  for (let t = tape.length - 1; t >= 0; t--) {
    const k = tape[t],
      above = gradients[k],
      parents = nodes[k].parents,
      local = localOf(k);
    for (let i = 0; i < parents.length; i++) if (parents[i] !== null) gradients[parents[i]] += above * local[i];
  }
}

// Everything from the leaves. A partial that is not finite where the result is (√ at 0) is no derivative.
function compute() {
  runForward(v);
  const orNone = (partial, k) => (Number.isFinite(partial) || !Number.isFinite(v[k]) ? partial : NaN);
  d = partials.map((rule, k) => (rule ? rule(v).map((partial) => orNone(partial, k)) : []));
  runBackward(v, grad, (k) => d[k]);
}

// Units: what the picture draws. A unit is one node, or a neuron or layer that is closed and stands for its nodes.

const placeOf = (k) => nodes[k].place;
const places = [...new Set(nodes.filter((node) => node.place).map((node) => node.place.join(".")))];
const layers = [...new Set(places.map((place) => place.split(".")[0]))];
const closed = new Set(); // "2" for a layer, "2.1" for a neuron
const DETAILED = 60; // nodes of a network that are drawn one by one at first

function closeAll(level) {
  closed.clear();
  if (level === "neurons" || level === "layers") for (const place of places) closed.add(place);
  if (level === "layers") for (const layer of layers) closed.add(layer);
}

function groupOf(k) {
  const place = placeOf(k);
  if (!place) return null;
  const layer = String(place[0]),
    neuron = place.join(".");
  return closed.has(layer) ? layer : closed.has(neuron) ? neuron : null;
}

function groupTitle(key) {
  const [layer, neuron] = key.split(".");
  return neuron ? "neuron " + neuron + " of layer " + layer : "layer " + layer;
}

let units = [],
  unitOf = [],
  wires = [];

// A wire leads from an operand's unit to the unit that uses it: one an operand of a node, one for all that a closed
// unit takes from another.
function arrange() {
  const made = new Map();
  unitOf = nodes.map((_, k) => {
    const group = groupOf(k),
      id = group === null ? "n" + k : "g" + group.replace(".", "_");
    if (!made.has(id)) made.set(id, { id, group, members: [], inputs: [], outputs: [] });
    made.get(id).members.push(k);
    return made.get(id);
  });
  units = [...made.values()];
  wires = [];
  for (const unit of units) {
    unit.node = unit.group === null ? unit.members[0] : null;
    unit.operations = unit.members.filter(isOperation);
    unit.exits = unit.members.filter(
      (k) => k === root || nodes.some((node, j) => unitOf[j] !== unit && node.parents.includes(k)),
    );
    unit.main = unit.node ?? (unit.exits.length === 1 ? unit.exits[0] : null); // the node whose numbers it shows
    unit.name = unit.main === null ? groupTitle(unit.group) : name(unit.main);
  }
  for (const unit of units) {
    const gathered = new Map();
    for (const k of unit.operations)
      nodes[k].parents.forEach((parent, i) => {
        if (parent === null || unitOf[parent] === unit) return;
        const key = unit.group === null ? k + "_" + i : unitOf[parent].id;
        if (!gathered.has(key)) {
          const wire = { id: "e" + unit.id + "_" + gathered.size, tail: unitOf[parent], head: unit, edges: [] };
          gathered.set(key, wire);
          wires.push(wire);
          unit.inputs.push(wire);
          unitOf[parent].outputs.push(wire);
        }
        gathered.get(key).edges.push({ k, i, parent });
      });
  }
  if (!inOrder()) {
    closed.clear();
    arrange();
    return;
  } // a network that feeds itself has no order of closed units
  makeSteps();
}

let order = []; // units, operands before results
function inOrder() {
  const waiting = new Map(units.map((unit) => [unit, unit.inputs.length]));
  const last = (unit) => Math.max(...unit.members);
  const ready = units.filter((unit) => !unit.inputs.length);
  order = [];
  while (ready.length) {
    ready.sort((a, b) => last(b) - last(a));
    const unit = ready.pop();
    order.push(unit);
    for (const wire of unit.outputs) {
      waiting.set(wire.head, waiting.get(wire.head) - 1);
      if (waiting.get(wire.head) === 0) ready.push(wire.head);
    }
  }
  return order.length === units.length;
}

// The parameter on a wire of a closed neuron: the weight that its sum multiplies this operand by.
function weightOf(wire) {
  if (wire.edges.length !== 1) return null;
  const { k, i } = wire.edges[0],
    node = nodes[k];
  if (node.op !== "dot") return null;
  const half = node.parents.length / 2,
    other = node.parents[i < half ? i + half : i - half];
  return other !== null && nodes[other].role === "parameter" ? other : null;
}

// The steps: each unit forward, then the root's own gradient, then each wire backward.

let steps, now; // now: the place of the one that is shown

function makeSteps() {
  const working = order.filter((unit) => unit.operations.length);
  steps = [
    { kind: "start" },
    ...working.map((unit) => ({ kind: "forward", unit })),
    { kind: "root", unit: unitOf[root] },
  ];
  for (const unit of [...working].reverse())
    for (const wire of unit.inputs) steps.push({ kind: "backward", unit, wire });
  runSteps();
}

// What each backward step adds, and to what: the gradient of an operand grows with each step that ends there.
function runSteps() {
  const sum = new Float64Array(nodes.length);
  for (const step of steps) {
    if (step.kind !== "backward") continue;
    const added = new Map();
    for (const { k, i, parent } of step.wire.edges) added.set(parent, (added.get(parent) ?? 0) + grad[k] * d[k][i]);
    step.terms = [...added].map(([parent, term]) => {
      const before = sum[parent];
      sum[parent] += term;
      return { parent, term, before, after: sum[parent] };
    });
  }
}

const backwardBegins = () => steps.findIndex((step) => step.kind === "root");

// What is known after the steps up to one: which units have data, and each unit's gradient.
function known(last = now) {
  const reached = new Set(units.filter((unit) => !unit.operations.length)),
    gradients = new Map(),
    passed = new Set();
  for (const step of steps.slice(0, last + 1)) {
    if (step.kind === "forward") reached.add(step.unit);
    if (step.kind === "root") gradients.set(root, grad[root]);
    if (step.kind === "backward") {
      passed.add(step.wire);
      for (const { parent, after } of step.terms) gradients.set(parent, after);
    }
  }
  return { reached, gradients, passed };
}

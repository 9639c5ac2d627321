// The note: what the present step does, in a formula, beside the box that it speaks of.

// A formula that breaks its lines before its signs: a piece of MathML for each part.
function equation(...parts) {
  const pieces = [];
  for (const part of parts) {
    if (!pieces.length || (part.localName === "mo" && SIGNS.includes(part.textContent))) pieces.push([]);
    pieces[pieces.length - 1].push(part);
  }
  return html(
    "span",
    { className: "equation" },
    ...pieces.flatMap((piece, j) => [...(j ? [html("wbr")] : []), math("math", row(...piece))]),
  );
}
const equal = () => mo("=");

// The lines of a step: texts and formulas.
function explained(step) {
  if (step.kind === "start") {
    const lines = [
      "The leaves are given. The forward pass computes one operation at a time, the backward pass then goes back from " +
        name(root) +
        ".",
    ];
    if (trace.leftover)
      lines.push(
        "The leaves still hold gradients of an earlier backward(). Here they start at 0, as after zero_grad().",
      );
    return lines;
  }
  const unit = step.unit;
  if (step.kind === "forward") {
    if (unit.node === null) {
      if (unit.main === null) return [unit.name + ": its " + unit.exits.length + " outputs are computed."];
      return [
        equation(mathName(unit.main), equal(), mn(v[unit.main])),
        unit.members.filter((k) => nodes[k].role === "parameter").length + " parameters act inside.",
      ];
    }
    const node = nodes[unit.node];
    return [
      equation(mathName(unit.node), equal(), inNames(node.formula)),
      equation(equal(), inNumbers(node.formula), equal(), mn(v[unit.node])),
    ];
  }
  if (step.kind === "root") {
    if (!Number.isFinite(v[root]))
      return [
        equation(mathName(root), equal(), mn(v[root])),
        "What is not finite has no gradient: backward() refuses it.",
      ];
    return [equation(derivative(root, root), equal(), mn("1")), "Here the backward pass starts."];
  }
  if (step.terms.length > 1)
    return [
      unit.name +
        " hands its gradient back to " +
        step.terms.length +
        " outputs of " +
        step.wire.tail.name +
        ": each gets the sum over all ways through it.",
    ];
  const [{ parent, term, before, after }] = step.terms,
    upper = unit.main;
  const lines = [];
  if (upper === null)
    lines.push(
      equation(derivative(root, parent), mo("+="), mn(term)),
      "The sum over all outputs of " + unit.name + ".",
    );
  else {
    const edge = step.wire.edges[0],
      local = unit.node !== null ? d[edge.k][edge.i] : term / grad[upper];
    lines.push(
      equation(derivative(root, parent), mo("+="), derivative(root, upper), mo("×"), derivative(upper, parent)),
    );
    const rule = unit.node !== null ? nodes[unit.node].partials[edge.i] : null;
    if (Number.isNaN(local)) return [...lines, unit.name + " has no derivative here."];
    if (rule !== null && typeof rule !== "number")
      lines.push(
        equation(
          derivative(upper, parent),
          equal(),
          inNames(rule),
          ...(typeof rule === "string" ? [] : [equal(), inNumbers(rule)]),
          equal(),
          mn(local),
        ),
      );
    lines.push(equation(equal(), mn(grad[upper]), mo("×"), factor(local), equal(), mn(term)));
  }
  if (before !== 0)
    lines.push(equation(mn(before), mo("+"), factor(term), equal(), mn(after)), "Another way joins: gradients add up.");
  return lines;
}

function writeNote() {
  const step = steps[now];
  const lines = asking && asking.step === step ? [asking.element] : explained(step).map((line) => html("p", {}, line));
  at("sentence").replaceChildren(...lines);
  at("step").setAttribute("aria-valuetext", "step " + now + ": " + lines.map(plain).join(" ").slice(0, 120));
  at("step").value = now;
  at("count").textContent = now + " / " + (steps.length - 1);
  at("first").disabled = at("back").disabled = now === 0;
  at("next").disabled = at("last").disabled = now === steps.length - 1;
}

// Beside the boxes of the step, where it hides the fewest others.
function placeNote() {
  const note = at("note"),
    step = steps[now];
  const about = step.kind === "start" ? [] : step.wire ? [step.wire.tail, step.unit] : [step.unit];
  const width = note.offsetWidth,
    height = note.offsetHeight,
    gap = 14;
  if (!width || !stage.width) return;
  const box = about.length ? onStage(about) : { left: 8, right: 8, top: HEAD, bottom: HEAD },
    middle = { x: (box.left + box.right) / 2 - width / 2, y: (box.top + box.bottom) / 2 - height / 2 };
  const inside = (x, low, high) => Math.max(low, Math.min(high, x));
  const around = [middle.x, box.left, box.right - width, box.right + gap, box.left - gap - width];
  const spots = about.length
    ? []
    : [0.1, 0.3, 0.5, 0.7, 0.9].flatMap((a) =>
        [0, 0.2, 0.4, 0.6, 0.8, 1].map((b) => ({
          x: a * stage.width - width / 2,
          y: HEAD + b * (stage.height - HEAD - height),
        })),
      );
  spots.push(
    ...[0, 40, 90, 150].flatMap((off) =>
      around.flatMap((x) => [
        { x, y: box.bottom + gap + off },
        { x, y: box.top - gap - height - off },
      ]),
    ),
  );
  spots.push(
    { x: box.right + gap, y: middle.y },
    { x: box.left - gap - width, y: middle.y },
    { x: 8, y: stage.height - height - 8 },
    { x: stage.width - width - 8, y: stage.height - height - 8 },
    { x: 8, y: HEAD },
    { x: stage.width - width - 8, y: HEAD },
  );
  for (const spot of spots) {
    spot.x = inside(spot.x, 8, stage.width - width - 8);
    spot.y = inside(spot.y, 8, stage.height - height - 8);
  }
  const covered = (s, b) =>
    Math.max(0, Math.min(s.x + width, b.right) - Math.max(s.x, b.left)) *
    Math.max(0, Math.min(s.y + height, b.bottom) - Math.max(s.y, b.top));
  const cost = (s) =>
    order.reduce(
      (sum, unit) => {
        const weight = about.includes(unit) ? 200 : unit === unitOf[root] ? 200 : 1;
        return sum + weight * covered(s, seen.get(unit));
      },
      (about.length ? 16 : 0.1) * Math.hypot(s.x - middle.x, s.y - middle.y),
    );
  const seen = new Map(order.map((unit) => [unit, onStage([unit])])),
    costs = spots.map(cost);
  const spot = spots[costs.indexOf(Math.min(...costs))];
  note.style.translate = Math.round(spot.x) + "px " + Math.round(spot.y) + "px";
}

function go(step) {
  now = Math.max(0, Math.min(steps.length - 1, step));
  ask();
  paint();
  const { wire, unit } = steps[now];
  if (unit) keepInView(wire ? [wire.tail, unit] : [unit]);
  remember();
}

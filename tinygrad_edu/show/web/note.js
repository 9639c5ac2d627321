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
      "The leaves are given. Forward: one operation at a time. Then backward, from " + name(root) + ".",
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

// What the note should not hide, and how much a pixel of it weighs: the step's boxes and the result, what is written
// on the wires, what floats on the stage, then all other boxes.
function obstacles(about) {
  const found = order.map((unit) => ({
    ...onStage([unit]),
    weight: about.includes(unit) || unit === unitOf[root] ? 400 : 20,
  }));
  if (wires.length < DENSE)
    for (const wire of wires) {
      if (!drawn.wire.get(wire).text.textContent) continue;
      const { x, y } = drawn.paths.get(wire).label,
        half = drawn.direction === "right" ? 0 : 24;
      const [left, top] = [camera.x + (x - half) * camera.scale, camera.y + (y - 9) * camera.scale];
      const weight = steps[now].wire === wire ? 100 : 4;
      found.push({ left, right: left + 48 * camera.scale, top, bottom: top + 18 * camera.scale, weight });
    }
  for (const id of ["legend", "zoom", "map"]) {
    if (at(id).hasAttribute("hidden")) continue;
    const outer = at("stage").getBoundingClientRect(),
      { left, right, top, bottom } = at(id).getBoundingClientRect();
    const [x, y] = [outer.left + at("stage").clientLeft, outer.top + at("stage").clientTop];
    found.push({ left: left - x, right: right - x, top: top - y, bottom: bottom - y, weight: 30 });
  }
  return found;
}

// Beside the boxes of the step, where it hides the least; narrower where that hides less.
function placeNote() {
  const note = at("note"),
    step = steps[now];
  const about = step.kind === "start" ? [] : step.wire ? [step.wire.tail, step.unit] : [step.unit];
  const near = about.length ? onStage(about) : { left: 8, right: 8, top: HEAD, bottom: HEAD },
    hidden = obstacles(about);
  let best;
  for (const [narrower, wanted] of [440, 250, 200, 165, 140].entries()) {
    if (best && (best.hides === 0 || wanted > stage.width || (asking && wanted < 250))) break;
    note.style.maxWidth = Math.min(wanted, stage.width - 16) + "px";
    const most = wanted + at("sentence").scrollWidth - at("sentence").clientWidth; // a fraction does not break
    note.style.maxWidth = Math.min(most, stage.width - 16) + "px";
    const width = note.offsetWidth,
      height = note.offsetHeight;
    for (const [x, y] of spots(near, width, height)) {
      const hides = hidden.reduce((sum, b) => {
        const across = Math.min(x + width, b.right + 6) - Math.max(x, b.left - 6),
          along = Math.min(y + height, b.bottom + 6) - Math.max(y, b.top - 6);
        return across > 0 && along > 0 ? sum + b.weight * across * along : sum;
      }, 0);
      const away = Math.hypot(
        Math.max(0, near.left - x - width, x - near.right),
        Math.max(0, near.top - y - height, y - near.bottom),
      );
      const centre = Math.hypot(
        x + width / 2 - (near.left + near.right) / 2,
        y + height / 2 - (near.top + near.bottom) / 2,
      );
      const cost = hides + 12 * away + 2 * centre + 600 * narrower;
      if (!best || cost < best.cost) best = { cost, hides, x, y, most };
    }
  }
  note.style.maxWidth = Math.min(best.most, stage.width - 16) + "px";
  note.style.translate = Math.round(best.x) + "px " + Math.round(best.y) + "px";
}

// Where a note can stand: around what it speaks of, and all over the stage.
function spots(near, width, height) {
  const gap = 14,
    middle = { x: (near.left + near.right - width) / 2, y: (near.top + near.bottom - height) / 2 };
  const found = [middle.x, near.left, near.right - width].flatMap((x) => [
    [x, near.bottom + gap],
    [x, near.top - gap - height],
  ]);
  for (const y of [middle.y, near.top, near.bottom - height])
    found.push([near.right + gap, y], [near.left - gap - width, y]);
  const [high, wide] = [stage.height - height - 16, stage.width - width - 16];
  for (let a = 0; a <= 16; a++) for (let b = 0; b <= 20; b++) found.push([8 + (a / 16) * wide, 8 + (b / 20) * high]);
  const inside = (x, high) => Math.max(8, Math.min(high, x));
  return found.map(([x, y]) => [inside(x, stage.width - width - 8), inside(y, stage.height - height - 8)]);
}

function go(step) {
  now = Math.max(0, Math.min(steps.length - 1, step));
  ask();
  const { wire, unit } = steps[now];
  if (unit) keepInView(wire ? [wire.tail, unit] : [unit]);
  remember();
}

// Training in the page: gradient descent on the parameters, the loss and its curve, and a history to go back in.

const MOST_KEPT = 500; // states of the history; then every second one is dropped
const moving = new Set(leaves.filter((k) => nodes[k].role === "parameter"));
let history, taken, said;
let playing = false;

// With a data set the loss is the mean over its examples, else that of the graph as it stands.
const examples = trace.data ? trace.data.examples : null;
let example;

function setExample(data, j) {
  trace.data.leaves.forEach((k, i) => {
    if (k !== null) data[k] = examples[j][i];
  });
}

const scratch = {
  v: new Float64Array(nodes.length),
  grad: new Float64Array(nodes.length),
  mean: new Float64Array(nodes.length),
};

// The loss; its derivatives for the parameters are put into `gradient`, where there is one.
function loss(gradient) {
  const { v: data, grad: ofOne } = scratch,
    count = examples ? examples.length : 1;
  let sum = 0;
  data.set(v);
  gradient?.fill(0);
  for (let j = 0; j < count; j++) {
    if (examples) setExample(data, j);
    runForward(data);
    sum += data[root];
    if (!gradient) continue;
    runBackward(data, ofOne);
    for (const k of moving) gradient[k] += ofOne[k];
  }
  if (gradient) for (const k of moving) gradient[k] /= count;
  return sum / count;
}

function whyNot(rate, before, gradient) {
  if (!moving.size) return "No number is ticked: there is none that descent may move.";
  if (!Number.isFinite(rate)) return "The learning rate is no number: there is no step to take.";
  if (!Number.isFinite(before) || ![...moving].every((k) => Number.isFinite(gradient[k])))
    return "A number is not finite: there is no step to take. Reset, or choose other numbers.";
  return "";
}

// One step: each parameter moves against its gradient. Says whether it could be taken.
function stepDown() {
  const rate = Number(at("rate").value || NaN), // what is empty or unreadable is not 0
    gradient = scratch.mean,
    before = loss(gradient);
  said = whyNot(rate, before, gradient);
  if (said) return false;
  for (const k of moving) v[k] -= rate * gradient[k];
  taken++;
  const after = loss();
  if (after > before)
    said =
      "The loss grew, from " +
      shown(before) +
      " to " +
      shown(after) +
      ": the learning rate " +
      shown(rate) +
      " is too large, the step went past the minimum.";
  keep(after);
  return true;
}

function keep(after) {
  while (history.length && history[history.length - 1].step >= taken) history.pop(); // taken up from an earlier step
  history.push({ step: taken, loss: after, data: Float64Array.from(moving, (k) => v[k]) });
  if (history.length > MOST_KEPT) history = history.filter((_, j) => j % 2 === 0); // the first and the last stay
}

function restart() {
  taken = 0;
  history = [];
  said = "";
  keep(loss());
}

function train(count) {
  now = steps.length - 1;
  for (let j = 0; j < count && stepDown(); j++);
  recompute();
}

// After any change of numbers: everything that is shown follows, the paths included.
function recompute() {
  if (examples) setExample(v, example);
  if (!playing || every(6)) {
    compute();
    runSteps();
  }
  paint();
  remember();
}

function play(on) {
  playing = on;
  at("picture").classList.toggle("playing", on);
  at("play-training").setAttribute("aria-pressed", String(on));
  at("play-training").lastElementChild.textContent = on ? "Pause" : "Train";
  if (!on) {
    recompute();
    return;
  }
  now = steps.length - 1;
  asking = null;
  strain = 1;
  frames = 0;
  recompute();
  placeNote();
  let last = performance.now(),
    due = 0;
  const frame = (time) => {
    if (!playing) return;
    due = Math.min(due + ((time - last) / 1000) * 2 ** Number(at("speed").value), 2000);
    strain = Math.max(1, Math.min(6, strain * (time - last > SLOW ? 1.2 : 0.97)));
    last = time;
    const end = performance.now() + MOST_WORK / strain; // the rest of the frame is for drawing
    let fine = true;
    for (; fine && due >= 1 && performance.now() < end; due--) fine = stepDown();
    due = Math.min(due, 2);
    recompute();
    frames++;
    if (fine) requestAnimationFrame(frame);
    else play(false);
  };
  requestAnimationFrame(frame);
}
// Milliseconds: of arithmetic in a frame, and between frames where the machine is busy.
const MOST_WORK = 12,
  SLOW = 29;
let frames, // drawn while training
  strain; // how many times less is done in a frame, so that frames keep coming
const every = (count) => frames % Math.round(count * strain) === 0;

function goTo(entry) {
  [...moving].forEach((k, j) => (v[k] = entry.data[j]));
  taken = entry.step;
  recompute();
}

function showTraining() {
  at("loss").textContent = shown(playing ? history[history.length - 1].loss : loss());
  at("taken").textContent = taken === 1 ? "after 1 step" : "after " + taken + " steps";
  at("warning").textContent = said;
  const last = history.length - 1;
  at("scrub").max = last;
  at("scrub").disabled = last < 1;
  at("scrub").value = history.findLastIndex((e) => e.step <= taken);
  at("scrub").setAttribute("aria-valuetext", "step " + taken);
  drawCurve();
}

function drawCurve() {
  const wide = 320,
    high = 110,
    left = 4,
    right = 6,
    losses = history.map((e) => e.loss).filter(Number.isFinite);
  const largest = Math.max(...losses),
    least = Math.min(...losses),
    log = least > 0 && largest / least > 30;
  const scaled = (x) => (log ? Math.log(x) : x),
    low = log ? scaled(least) : Math.min(0, least),
    high_ = scaled(largest);
  const lastStep = Math.max(1, history[history.length - 1].step);
  const x = (step) => left + (step / lastStep) * (wide - left - right),
    y = (l) => 18 + (1 - (scaled(l) - low) / (high_ - low || 1)) * (high - 40);
  const points = history
    .filter((e) => Number.isFinite(e.loss))
    .map((e) => x(e.step).toFixed(1) + "," + y(e.loss).toFixed(1));
  const current = history.find((e) => e.step === taken);
  const parts = [svg("line", { x1: left, x2: wide - right, y1: high - 20, y2: high - 20, class: "axis" })];
  if (points.length > 1) parts.push(svg("polyline", { points: points.join(" "), class: "curve" }));
  if (current && Number.isFinite(current.loss))
    parts.push(svg("circle", { cx: x(taken), cy: y(current.loss), r: 4.5, class: "dot" }));
  parts.push(
    svg("text", { x: left, y: 12 }, losses.length ? shown(largest) + (log ? " (log scale)" : "") : ""),
    svg(
      "text",
      { x: wide - right, y: high - 4, "text-anchor": "end" },
      lastStep + (lastStep === 1 ? " step" : " steps"),
    ),
  );
  at("curve").replaceChildren(...parts);
}

// Ask, then show: before a step of the backward pass its numbers are asked for, and a wrong answer is told from a right
// one by the mistake that it betrays.

const NEAR = 0.005; // how far, relatively, a number may be off: it was rounded on the way
const POINTS = 12; // random points at which a formula is compared
let asking = null,
  score = { answers: [] };

// The questions of a step: the local derivative, the contribution, and the sum where another way came before.
function questionsOf(step) {
  if (step.kind !== "backward" || step.unit.node === null || step.terms.length !== 1) return [];
  const { k, i } = step.wire.edges[0],
    [{ parent, before }] = step.terms,
    rule = nodes[k].partials[i];
  if (!Number.isFinite(d[k][i]) || !Number.isFinite(grad[k])) return [];
  const earlier = steps
    .slice(0, steps.indexOf(step) + 1)
    .flatMap((s) => (s.kind === "backward" ? s.wire.edges : []))
    .filter((edge) => edge.parent === parent);
  const gradientAt = (data) => {
    const gradients = new Float64Array(nodes.length);
    runBackward(data, gradients);
    return gradients;
  };
  const local = (data) => partials[k](data)[i],
    contribution = (data) => gradientAt(data)[k] * local(data);
  const questions = [];
  if (typeof rule !== "number")
    questions.push({
      kind: "local",
      value: local,
      asked: [derivative(k, parent)],
      k,
      i,
      hint:
        "It is the derivative of " +
        nodes[k].op +
        " for this operand. Name it with the names in the graph, or as a number.",
    });
  questions.push({
    kind: "contribution",
    value: contribution,
    asked: [derivative(root, k), mo("×"), derivative(k, parent)],
    k,
    i,
    hint: "Two factors: what comes from above, " + shown(grad[k]) + ", and the local derivative.",
  });
  if (before !== 0)
    questions.push({
      kind: "sum",
      value: (data) => {
        const g = gradientAt(data);
        return earlier.reduce((sum, e) => sum + g[e.k] * partials[e.k](data)[e.i], 0);
      },
      asked: [derivative(root, parent), mo("so far")],
      k,
      i,
      hint: "There was " + shown(before) + " already, from another way. Gradients add up.",
    });
  return questions;
}

// What a wrong answer of each kind would be, by the names that the misconceptions are written in.
function scopeOf(question) {
  const { k, i, kind } = question,
    node = nodes[k],
    parent = node.parents[i],
    right = question.value(v);
  const other = node.parents.length === 2 && node.parents[1 - i] !== null ? d[k][1 - i] : undefined;
  const scope = {
    right,
    swapped: other,
    count: node.parents.length,
    data: v[parent],
    out: v[k],
    upstream: kind === "local" ? 1 : grad[k],
  };
  if (kind === "contribution") scope.local = d[k][i];
  if (kind === "sum") return { right, last: grad[k] * d[k][i] };
  return scope;
}

function misconceptionIn(question, number) {
  const scope = scopeOf(question),
    names = new Map(
      Object.keys(scope)
        .filter((key) => scope[key] !== undefined)
        .map((key) => [key, key]),
    );
  return trace.misconceptions.find(({ wrong, operations }) => {
    if (operations.length && !operations.includes(nodes[question.k].op)) return false;
    if (question.kind === "local" && wrong === "upstream") return false; // there is nothing above
    let expected;
    try {
      expected = evaluated(read(wrong, names), scope);
    } catch {
      return false;
    }
    return near(number, expected) && !near(expected, scope.right);
  });
}

const near = (a, b) => Math.abs(a - b) <= NEAR * Math.abs(b) || shown(a) === shown(b);

// Points near the present one, the nodes computed from random leaves, so that any equal formula is equal there.
function randomPoints() {
  let seed = 42;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 1073741824 - 1;
  };
  return Array.from({ length: POINTS }, () => {
    const data = Float64Array.from(v);
    for (const k of leaves) data[k] = data[k] * (1 + 0.3 * random()) + 0.1 * random();
    runForward(data);
    return data;
  });
}

// Whether an answer is right. A number may be rounded; a formula in names has to be equal wherever it is tried.
function isRight(question, tree) {
  const number = evaluated(tree, v),
    right = question.value(v);
  if (!hasNames(tree)) return near(number, right);
  let compared = 0,
    equal = true;
  for (const data of [v, ...randomPoints()]) {
    const a = evaluated(tree, data),
      b = question.value(data);
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    compared++;
    if (Math.abs(a - b) > 1e-6 * Math.max(Math.abs(b), 1e-9)) equal = false;
  }
  if (equal && compared > 2) return true;
  return question.kind !== "local" && hasRounded(tree) && near(number, right); // numbers were put in for some names
}
const hasRounded = (tree) =>
  typeof tree === "number"
    ? String(tree).replace(/^0\.0*|\./g, "").length > 2
    : Array.isArray(tree) && tree.slice(1).some(hasRounded);

// The verdict on what was typed: right, and what to say.
function judged(question, text) {
  let tree;
  try {
    tree = read(text);
  } catch (error) {
    if (error instanceof Unreadable) return { right: false, readable: false, words: error.message };
    throw error;
  }
  if (isRight(question, tree)) return { right: true, readable: true, words: "Right." };
  const mistake = misconceptionIn(question, evaluated(tree, v));
  return { right: false, readable: true, mistake, words: mistake ? mistake.hint : "Not that. " + question.hint };
}

function ask() {
  asking = null;
  const questions = at("ask").checked ? questionsOf(steps[now]) : [];
  if (questions.length) put(steps[now], questions, 0);
  else paint();
}

function put(step, questions, j) {
  if (j >= questions.length) {
    asking = null;
    paint();
    at("next").focus({ preventScroll: true });
    return;
  }
  const question = questions[j],
    wanted = {
      local: "How much is the local derivative",
      contribution: "What does this way add",
      sum: "What is the sum",
    }[question.kind];
  const form = html("form", { className: "question", autocomplete: "off" });
  const input = html("input", { type: "text", id: "answer", spellcheck: false, placeholder: "number or formula" });
  input.setAttribute("aria-label", "Your answer");
  const verdict = html("p", { className: "verdict" }),
    hint = html("button", { type: "button" }, "Hint"),
    give = html("button", { type: "button" }, "Show");
  verdict.setAttribute("role", "status");
  let tries = 0,
    helped = false;
  const done = (right, text) => {
    score.answers.push({
      step: now,
      question: question.kind + ": " + question.asked.map(plain).join(" "),
      answer: text,
      right,
      tries,
      helped,
    });
    keepScore();
    put(step, questions, j + 1);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    const { right, readable, mistake, words } = judged(question, input.value);
    if (readable) tries++;
    if (right) {
      done(true, input.value);
      return;
    }
    verdict.textContent = mistake && tries > 1 ? "Not that: " + mistake.lesson + "." : words;
    input.select();
    placeNote();
  });
  hint.addEventListener("click", () => {
    helped = true;
    verdict.textContent = question.hint;
    placeNote();
  });
  give.addEventListener("click", () => done(false, input.value));
  form.append(
    html("p", {}, wanted + "? ", equation(...question.asked, equal(), mo("?"))),
    html(
      "div",
      { className: "answer" },
      input,
      html("button", { type: "submit", className: "main" }, "Check"),
      hint,
      give,
    ),
    verdict,
  );
  asking = { step, element: form, question };
  paint();
  input.focus({ preventScroll: true });
}

// The score stays in the browser, where that allows it.
const scoreKey = "tinygrad-edu " + document.title;
function keepScore() {
  try {
    localStorage.setItem(scoreKey, JSON.stringify(score));
  } catch {
    /* a sandboxed frame keeps nothing */
  }
  showScore();
}
function loadScore() {
  try {
    score = JSON.parse(localStorage.getItem(scoreKey)) ?? score;
  } catch {
    /* as above */
  }
  if (!Array.isArray(score.answers)) score = { answers: [] };
  showScore();
}
function showScore() {
  const { answers } = score,
    right = answers.filter((a) => a.right),
    first = right.filter((a) => a.tries === 1 && !a.helped);
  at("score").hidden = !answers.length;
  at("points").textContent = right.length + " of " + answers.length + " right, " + first.length + " at the first try";
}
function scoreAsCsv() {
  const cell = (value) =>
    '"' +
    String(value)
      .replace(/^[=+\-@\t\r]/, "'$&")
      .replaceAll('"', '""') +
    '"'; // no spreadsheet runs it
  return (
    [
      "step,question,answer,right,tries,hint",
      ...score.answers.map((a) => [a.step, a.question, a.answer, a.right, a.tries, a.helped].map(cell).join(",")),
    ].join("\r\n") + "\r\n"
  );
}

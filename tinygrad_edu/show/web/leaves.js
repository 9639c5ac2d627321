// The panel of leaves: each number can be changed, and held or moved by descent.

const MOST_ROWS = 60;
let showLeaves = () => {};

function makeLeaves() {
  const listed = leaves.slice(0, MOST_ROWS);
  const rows = listed.map((k) => {
    const label = html("label", { htmlFor: "slider" + k, title: name(k) }, shortName(name(k)));
    const reach = Math.max(1, 2 * Math.abs(v[k]));
    const slider = html("input", {
      type: "range",
      id: "slider" + k,
      min: v[k] - reach,
      max: v[k] + reach,
      step: "any",
    });
    const box = html("input", { type: "number", id: "number" + k, step: "any" });
    const moves = html("input", { type: "checkbox", id: "moves" + k, checked: moving.has(k) });
    box.setAttribute("aria-label", name(k) + ", number");
    moves.setAttribute("aria-label", name(k) + " is moved by descent");
    const out = html("span", { className: "grad" });
    const change = (text) => {
      const number = Number(text);
      if (text === "" || !Number.isFinite(number)) return;
      v[k] = number;
      const j = trace.data ? trace.data.leaves.indexOf(k) : -1;
      if (j >= 0) examples[example] = examples[example].map((x, i) => (i === j ? number : x));
      restart();
      recompute();
    };
    slider.addEventListener("input", () => change(slider.value));
    box.addEventListener("change", () => change(box.value));
    moves.addEventListener("change", () => {
      if (moves.checked) moving.add(k);
      else moving.delete(k);
      restart();
      paint();
    });
    at("leaves").append(html("div", { className: "leaf" }, moves, label, slider, box, out));
    return () => {
      if (document.activeElement !== slider) slider.value = v[k];
      if (document.activeElement !== box) box.value = Number(v[k].toPrecision(6));
      out.textContent = now === steps.length - 1 && !asking ? shownDerivative(grad[k]) : "";
    };
  });
  if (leaves.length > MOST_ROWS)
    at("leaves").append(html("p", { className: "hint" }, "… and " + (leaves.length - MOST_ROWS) + " more"));
  const held = leaves.filter((k) => nodes[k].role === "held").map(name);
  at("held").textContent = held.length
    ? "A tick lets descent move a number. " +
      listedNames(held) +
      (held.length === 1 ? " is" : " are") +
      " held: " +
      trace.held +
      "."
    : "A tick lets descent move a number.";
  showLeaves = () => {
    for (const show of rows) show();
  };
}

const listedNames = (names) => (names.length > 6 ? [...names.slice(0, 5), "…"] : names).join(", ");

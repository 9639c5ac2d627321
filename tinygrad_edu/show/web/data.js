// A data set: the example that the graph shows, and for two inputs the map of what the network answers.

const GRID = 40; // cells of the map on each side

function bounds() {
  const xs = trace.data.inputs.map((_, i) => examples.map((e) => e[i]));
  return xs.map((list) => {
    const low = Math.min(...list),
      high = Math.max(...list),
      room = 0.12 * (high - low || 1);
    return [low - room, high + room];
  });
}
let reachOfInputs; // of each the least and largest, with some room

function makeData() {
  if (!examples) return;
  at("data").hidden = false;
  at("example").max = examples.length;
  at("examples").textContent = "of " + examples.length;
  const choose = (j) => {
    example = (j + examples.length) % examples.length;
    at("example").value = example + 1;
    recompute();
  };
  at("example").addEventListener("change", () =>
    choose(Math.max(1, Math.min(examples.length, Number(at("example").value) || 1)) - 1),
  );
  at("example-back").addEventListener("click", () => choose(example - 1));
  at("example-next").addEventListener("click", () => choose(example + 1));
  if (trace.data.inputs.length !== 2 || trace.data.outputs.length !== 1) {
    at("heat").hidden = at("heat-hint").hidden = true;
    return;
  }
  reachOfInputs = bounds();
  at("heat").addEventListener("click", (event) => {
    const box = at("heat").getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const apart = (e) => {
      const p = onMap(e, box.width, box.height);
      return Math.hypot(p[0] - x, p[1] - y);
    };
    choose(examples.reduce((best, e, j) => (apart(e) < apart(examples[best]) ? j : best), 0));
  });
}

function onMap(e, width, height) {
  const [[x0, x1], [y0, y1]] = reachOfInputs;
  return [((e[0] - x0) / (x1 - x0)) * width, (1 - (e[1] - y0) / (y1 - y0)) * height];
}

const mapData = new Float64Array(nodes.length);
function drawHeat() {
  if (!reachOfInputs) return;
  const canvas = at("heat"),
    context = canvas.getContext("2d"),
    size = canvas.width,
    style = getComputedStyle(document.documentElement);
  const colour = (name) =>
    style
      .getPropertyValue(name)
      .trim()
      .match(/[0-9a-f]{2}/gi)
      .map((c) => parseInt(c, 16));
  const high = colour("--data-strong"),
    low = colour("--grad-strong"),
    between = colour("--background");
  const [[x0, x1], [y0, y1]] = reachOfInputs,
    [i, j] = trace.data.inputs,
    [out] = trace.data.outputs,
    { low: bottom, high: top } = trace.data;
  mapData.set(v);
  const image = new ImageData(GRID, GRID);
  for (let r = 0; r < GRID; r++)
    for (let c = 0; c < GRID; c++) {
      mapData[i] = x0 + ((c + 0.5) / GRID) * (x1 - x0);
      mapData[j] = y1 - ((r + 0.5) / GRID) * (y1 - y0);
      for (const k of trace.data.network) mapData[k] = forward[k](mapData);
      const share = Math.max(-1, Math.min(1, (2 * (mapData[out] - bottom)) / (top - bottom) - 1)),
        far = Math.abs(share) * 0.75;
      const end = share > 0 ? high : low;
      for (let b = 0; b < 3; b++) image.data[4 * (r * GRID + c) + b] = between[b] + (end[b] - between[b]) * far;
      image.data[4 * (r * GRID + c) + 3] = 255;
    }
  const small =
    drawHeat.small ?? (drawHeat.small = Object.assign(document.createElement("canvas"), { width: GRID, height: GRID }));
  small.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, size, size);
  const rgb = (c) => "rgb(" + c.join(",") + ")",
    target = trace.data.inputs.length;
  examples.forEach((e, n) => {
    const [x, y] = onMap(e, size, size),
      upper = e[target] > (bottom + top) / 2,
      r = n === example ? 7 : 4;
    context.beginPath(); // a disc, and a square for the other side: told apart without colour
    if (upper) context.arc(x, y, r, 0, 7);
    else context.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);
    context.fillStyle = rgb(upper ? high : low);
    context.fill();
    context.lineWidth = n === example ? 3 : 1;
    context.strokeStyle = n === example ? style.getPropertyValue("--text") : rgb(between);
    context.stroke();
  });
  canvas.setAttribute(
    "aria-label",
    "What the network answers for each pair of inputs, with the examples. Example " +
      (example + 1) +
      " of " +
      examples.length +
      " is marked.",
  );
}

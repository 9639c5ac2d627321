// The page: what is shown after each change, and what each control does.

const initial = Float64Array.from(v);

// While a training plays, the loss is drawn at each frame, the map at every second, and all else at every sixth: lines
// and letters cost a browser more than the arithmetic. On a busy machine more seldom.
function paint() {
  showTraining();
  if (!playing || every(2)) drawHeat();
  if (playing && !every(6)) return;
  paintPicture();
  writeNote();
  showLeaves();
  showPaths();
  if (!playing) placeNote();
}

function start() {
  makeLeaves();
  makeData();
  at("boxes").closest("label").hidden = !places.length;
  const framed = document.documentElement.classList.contains("framed");
  at("tools").open = window.innerWidth > 640 && (framed || window.innerHeight > 480);
  document.documentElement.classList.toggle("few", nodes.length <= 10);
  document.documentElement.classList.toggle("with-data", Boolean(examples));
  const area = at("stage");
  stage = { width: area.clientWidth || 800, height: area.clientHeight || 480 };
  compute();
  for (const level of ["nodes", "neurons", "layers"]) {
    // as open as can be read
    if (level === "nodes" && nodes.length > DETAILED && places.length) continue;
    closeAll((at("boxes").value = level));
    arrange();
    if (!places.length || bestView().scale >= LEAST / TEXT) break;
  }
  at("lines").value = closed.size ? "weights" : "contributions";
  restore();
  if (examples) setExample(v, example);
  compute();
  runSteps();
  at("step").max = steps.length - 1;
  restart();
  loadScore();
  watchCamera();
  watchPrinting();
  redraw();
  const { wire, unit } = steps[now];
  if (unit) keepInView(wire ? [wire.tail, unit] : [unit]);
}

const actions = {
  first: () => go(0),
  back: () => go(now - 1),
  next: () => go(now + 1),
  last: () => go(steps.length - 1),
  fit: () => fit(),
  closer: () => zoomAt(stage.width / 2, stage.height / 2, 1.25),
  further: () => zoomAt(stage.width / 2, stage.height / 2, 0.8),
  descend: () => {
    train(1);
  },
  "descend-ten": () => {
    train(10);
  },
  "play-training": () => play(!playing),
  reset: () => {
    play(false);
    v.set(initial);
    restart();
    recompute();
  },
  "save-svg": saveSvg,
  "save-png": savePng,
  "save-score": () => download("score.csv", new Blob([scoreAsCsv()], { type: "text/csv" })),
  "forget-score": () => {
    score = { answers: [] };
    keepScore();
  },
};
for (const [id, action] of Object.entries(actions)) at(id).addEventListener("click", action);
at("step").addEventListener("input", () => go(Number(at("step").value)));
at("scrub").addEventListener("input", () => {
  const entry = history[Number(at("scrub").value)];
  play(false);
  goTo(entry);
});
at("detail").addEventListener("change", redraw);
at("lines").addEventListener("change", paint);
at("boxes").addEventListener("change", () => {
  closeAll(at("boxes").value);
  rearrange();
});
at("theme").addEventListener("change", () => {
  document.documentElement.dataset.theme = at("theme").value;
  paint();
});
at("ask").addEventListener("change", ask);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
window.addEventListener("hashchange", () => {
  v.set(initial);
  restore();
  restart();
  recompute();
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: steps.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});

// In a frame the page says how high it is; a notebook makes the frame as high.
if (window.parent !== window) {
  document.documentElement.classList.add("framed");
  new ResizeObserver(() =>
    window.parent.postMessage({ tinygradEdu: Math.ceil(document.body.scrollHeight) }, "*"),
  ).observe(document.body);
}
start();

// The camera: how much of the picture is seen. All of it at first; the box that a step is about always.

const LEAST = 12; // pixels: no text is smaller
const TEXT = 14; // the size of text in the picture at scale 1
const camera = {}; // x and y in pixels of the stage, scale; fitted: nobody has moved it
let stage; // its width and height

const HEAD = 44; // pixels at the top of the stage, for the legend and the buttons
const fittingWidth = (width) => (stage.width - 24) / width,
  fittingHeight = (height) => (stage.height - HEAD - 12) / height;
const fitting = (picture) => Math.min(fittingWidth(picture.width), fittingHeight(picture.height), 1.6);

// Of the two directions the one that gives larger letters.
function viewIn(detail) {
  const [right, down] = ["right", "down"].map((direction) => {
    const size = (unit) => sizeOf(unit, detail);
    const laidOut = layout(order, wires, direction, size, gapsOf(detail));
    return { detail, direction, laidOut, scale: fitting(laidOut) };
  });
  return down.scale > right.scale ? down : right;
}

// The richest detail in which the whole picture can be read. Where it cannot in any, numbers if it is to be moved in one
// direction only, else names.
function bestView() {
  const wanted = at("detail").value;
  if (wanted !== "auto") return viewIn(Number(wanted));
  const names = viewIn(NAMES);
  if (names.scale < LEAST / TEXT) {
    const numbers = viewIn(NUMBERS),
      { width, height } = numbers.laidOut;
    return Math.max(fittingWidth(width), fittingHeight(height)) < LEAST / TEXT ? names : numbers;
  }
  for (const detail of wires.length < DENSE ? [FACTORS, NUMBERS] : [NUMBERS]) {
    const view = viewIn(detail);
    if (view.scale >= LEAST / TEXT) return view;
  }
  return names;
}

function redraw() {
  drawPicture(bestView());
  fit();
  paint();
}

function fit() {
  camera.scale = Math.max(fitting(drawn), LEAST / TEXT);
  camera.x = (stage.width - drawn.width * camera.scale) / 2;
  camera.y = HEAD + (stage.height - HEAD - 12 - drawn.height * camera.scale) / 2;
  camera.fitted = true;
  if (stage.width < 640) camera.x = stage.width - drawn.width * camera.scale - 8; // all room on one side, for the note
  if (drawn.width * camera.scale > stage.width) camera.x = 12;
  if (drawn.height * camera.scale > stage.height - HEAD) camera.y = HEAD;
  apply();
}

function apply() {
  // A picture never leaves the stage altogether.
  const room = 60;
  camera.x = Math.min(stage.width - room, Math.max(room - drawn.width * camera.scale, camera.x));
  camera.y = Math.min(stage.height - room, Math.max(room - drawn.height * camera.scale, camera.y));
  at("world").setAttribute(
    "transform",
    "translate(" + camera.x.toFixed(1) + "," + camera.y.toFixed(1) + ") scale(" + camera.scale.toFixed(4) + ")",
  );
  drawMap();
  placeNote();
}

function zoomAt(x, y, times) {
  const scale = Math.min(4, Math.max(LEAST / TEXT, camera.scale * times)),
    change = scale / camera.scale;
  camera.x = x - (x - camera.x) * change;
  camera.y = y - (y - camera.y) * change;
  camera.scale = scale;
  camera.fitted = false;
  apply();
}

// Where boxes are on the stage, in pixels.
function onStage(boxes) {
  const edges = boxes.map((unit) => drawn.boxes.get(unit));
  const side = (value, low, high) => ({
    low: Math.min(...edges.map(low)) * camera.scale + value,
    high: Math.max(...edges.map(high)) * camera.scale + value,
  });
  const x = side(
    camera.x,
    (b) => b.x - b.width / 2,
    (b) => b.x + b.width / 2,
  );
  const y = side(
    camera.y,
    (b) => b.y - b.height / 2,
    (b) => b.y + b.height / 2,
  );
  return { left: x.low, right: x.high, top: y.low, bottom: y.high };
}

// Moves no further than it takes to see these boxes, the first of them in any case.
function keepInView(boxes) {
  const margin = 16;
  for (const list of [boxes, boxes.slice(0, 1)]) {
    const seen = onStage(list);
    if (seen.left < margin) camera.x += margin - seen.left;
    else if (seen.right > stage.width - margin) camera.x -= seen.right - stage.width + margin;
    if (seen.top < margin) camera.y += margin - seen.top;
    else if (seen.bottom > stage.height - margin) camera.y -= seen.bottom - stage.height + margin;
  }
  apply();
}

// The small map, where the picture is larger than the stage.
function drawMap() {
  const larger = drawn.width * camera.scale > stage.width + 1 || drawn.height * camera.scale > stage.height + 1;
  at("map").toggleAttribute("hidden", !larger);
  at("stage").style.touchAction = larger ? "none" : "pan-y"; // a finger moves the page where all of the picture is seen
  if (!larger) return;
  const scale = Math.min(150 / drawn.width, 90 / drawn.height),
    map = at("map");
  map.setAttribute("width", Math.ceil(drawn.width * scale));
  map.setAttribute("height", Math.ceil(drawn.height * scale));
  const rects = order.map((unit) => {
    const b = drawn.boxes.get(unit);
    return svg("rect", {
      x: (b.x - b.width / 2) * scale,
      y: (b.y - b.height / 2) * scale,
      width: Math.max(2, b.width * scale),
      height: Math.max(2, b.height * scale),
      class: drawn.unit.get(unit).group.getAttribute("class"),
    });
  });
  const seen = {
    x: (-camera.x / camera.scale) * scale,
    y: (-camera.y / camera.scale) * scale,
    width: (stage.width / camera.scale) * scale,
    height: (stage.height / camera.scale) * scale,
  };
  map.replaceChildren(...rects, svg("rect", { ...seen, class: "seen" }));
}

function watchCamera() {
  const area = at("stage"),
    fingers = new Map();
  let dragged = false,
    before; // where the camera was when the first finger came
  const local = (event) => {
    const box = area.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  area.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoomAt(...local(event), Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
    },
    { passive: false },
  );
  area.addEventListener("dblclick", (event) => {
    if (event.target.closest(".box, #note, button")) return;
    if (camera.fitted) zoomAt(...local(event), 1.8);
    else fit();
  });
  area.addEventListener("pointerdown", (event) => {
    if (event.target.closest("#note, button, #map")) return;
    if (!fingers.size) before = { ...camera };
    fingers.set(event.pointerId, local(event));
    dragged = false;
  });
  area.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const there = fingers.get(event.pointerId),
      here = local(event);
    if (!dragged && Math.hypot(here[0] - there[0], here[1] - there[1]) < 4) return;
    if (!dragged) {
      dragged = true;
      area.setPointerCapture(event.pointerId);
    }
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
      zoomAt((here[0] + other[0]) / 2, (here[1] + other[1]) / 2, apart(here) / apart(there));
    }
    camera.x += (here[0] - there[0]) / fingers.size;
    camera.y += (here[1] - there[1]) / fingers.size;
    camera.fitted = false;
    fingers.set(event.pointerId, here);
    apply();
  });
  area.addEventListener("pointerup", (event) => fingers.delete(event.pointerId));
  area.addEventListener("pointercancel", (event) => {
    const moved = fingers.delete(event.pointerId);
    if (!moved || area.style.touchAction === "none") return;
    Object.assign(camera, before); // it moves the page
    apply();
  });
  at("map").addEventListener("click", (event) => {
    const box = at("map").getBoundingClientRect();
    camera.x = stage.width / 2 - ((event.clientX - box.left) / box.width) * drawn.width * camera.scale;
    camera.y = stage.height / 2 - ((event.clientY - box.top) / box.height) * drawn.height * camera.scale;
    camera.fitted = false;
    apply();
  });
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = area;
    if (!width || !height || (width === stage.width && height === stage.height)) return; // not shown yet
    stage = { width, height };
    redraw();
  }).observe(area);
}

// On paper the whole picture, however much of it the stage shows, no wider than it is and than the page.
function watchPrinting() {
  const picture = at("picture"),
    edge = 8;
  window.addEventListener("beforeprint", () => {
    const width = drawn.width * camera.scale + 2 * edge,
      height = drawn.height * camera.scale + 2 * edge;
    picture.setAttribute("viewBox", [camera.x - edge, camera.y - edge, width, height].join(" "));
    picture.style.maxWidth = width + "px";
  });
  window.addEventListener("afterprint", () => {
    picture.removeAttribute("viewBox");
    picture.style.maxWidth = "";
  });
}

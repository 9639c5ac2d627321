// What leaves the page: its state in the address, the picture as a file.

function remember() {
  if (playing) return;
  const state = new URLSearchParams();
  if (now) state.set("step", now);
  if (examples && example) state.set("example", example + 1);
  if (pinned !== null) state.set("node", pinned);
  if (nodes.length <= 150)
    for (const k of leaves)
      if (v[k] !== initial[k] && !(examples && trace.data.leaves.includes(k))) state.set("v" + k, String(v[k]));
  try {
    window.history.replaceState(null, "", "#" + state);
  } catch {
    /* a frame without an address of its own */
  }
}

function restore() {
  const state = new URLSearchParams(location.hash.slice(1));
  const number = (key, least, most) => {
    const n = Number(state.get(key));
    return Number.isInteger(n) ? Math.max(least, Math.min(most, n)) : least;
  };
  for (const k of leaves)
    if (state.has("v" + k) && Number.isFinite(Number(state.get("v" + k)))) v[k] = Number(state.get("v" + k));
  if (examples) {
    example = number("example", 1, examples.length) - 1;
    at("example").value = example + 1;
  }
  if (state.has("node")) lit = pinned = number("node", 0, root);
  now = number("step", 0, steps.length - 1);
}

function download(file, content) {
  const link = html("a", { href: URL.createObjectURL(content), download: file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The picture as a file of its own: whole, with the colours of the page as it is.
function pictureAsSvg() {
  const copy = at("picture").cloneNode(true),
    style = getComputedStyle(document.documentElement),
    rules = [];
  for (const sheet of document.styleSheets)
    for (const rule of sheet.cssRules)
      if (/^(\.box|\.wire|\.factor|#picture)/.test(rule.selectorText ?? ""))
        rules.push(
          rule.cssText
            .replaceAll("#picture", "svg")
            .replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim()),
        );
  const room = 12,
    width = drawn.width + 2 * room,
    height = drawn.height + 2 * room;
  for (const [key, value] of Object.entries({ xmlns: SVG, width, height, viewBox: "0 0 " + width + " " + height }))
    copy.setAttribute(key, value);
  copy.querySelector("#world").setAttribute("transform", "translate(" + room + "," + room + ")");
  copy.prepend(
    svg("style", {}, rules.join("\n")),
    svg("rect", { width, height, fill: style.getPropertyValue("--background").trim() }),
  );
  for (const box of copy.querySelectorAll(".box"))
    for (const attribute of ["tabindex", "role", "aria-label", "aria-pressed", "aria-expanded"])
      box.removeAttribute(attribute);
  return new XMLSerializer().serializeToString(copy);
}

function saveSvg() {
  download("graph.svg", new Blob([pictureAsSvg()], { type: "image/svg+xml" }));
}

function savePng() {
  const image = new Image(),
    sharp = 2;
  image.onload = () => {
    const canvas = html("canvas", { width: image.width * sharp, height: image.height * sharp });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => download("graph.png", blob), "image/png");
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(pictureAsSvg());
}

// The chain rule of one node: every path from the root to it, and their sum.

const MOST_PATHS = 12,
  MOST_WALKED = 20000;

function light(unit) {
  lit = unit === null ? pinned : unit.main;
  paintPicture();
  showPaths();
}

function pin(k) {
  pinned = pinned === k ? null : k;
  lit = pinned ?? k;
  paintPicture();
  showPaths();
  remember();
}

// The number of paths grows exponentially: it is counted, and only some are walked.
function pathsTo(k) {
  const ways = new Float64Array(nodes.length);
  ways[k] = 1;
  for (const node of tape)
    if (node !== k) for (const parent of nodes[node].parents) if (parent !== null) ways[node] += ways[parent];
  const found = [],
    stack = [[root]];
  let walked = 0;
  while (stack.length && found.length < 400 && walked++ < MOST_WALKED) {
    const path = stack.pop(),
      last = path[path.length - 1];
    if (last === k) {
      found.push(path);
      continue;
    }
    const more = [];
    nodes[last].parents.forEach((parent, i) => {
      if (parent !== null && ways[parent]) more.push([...path, i, parent]);
    });
    stack.push(...more.reverse());
  }
  const products = found.map((path) => {
    const factors = [];
    for (let j = 0; j + 2 < path.length; j += 2)
      factors.push({ lower: path[j + 2], d: d[path[j]][path[j + 1]] });
    return { factors, product: factors.reduce((product, { d }) => product * d, 1) };
  });
  return { paths: products.sort((a, b) => Math.abs(b.product) - Math.abs(a.product)), count: ways[root] };
}

function showPaths() {
  const out = at("paths");
  if (asking) {
    out.replaceChildren(html("p", { className: "hint" }, "Covered while a question is open."));
    return;
  }
  if (lit === null) {
    out.replaceChildren(
      html(
        "p",
        { className: "hint" },
        "Point at a box, tap it, or move to it with Tab, to see its paths. Enter or a tap keeps it.",
      ),
    );
    return;
  }
  const { paths, count } = pathsTo(lit),
    all = count === paths.length;
  const title = html("h3", {}, equation(derivative(root, lit)));
  if (pinned === lit) title.append(" ", html("span", { className: "badge" }, "kept"));
  const list = html("ol", { className: "ways" });
  for (const [j, { factors, product }] of paths.slice(0, MOST_PATHS).entries()) {
    const places = [name(root), ...factors.map(({ lower }) => name(lower))].join(" → ");
    const path = html("li", {}, html("div", { className: "places" }, places));
    if (count > 1 && all && j === 0 && Math.abs(product) > Math.abs(paths[1].product))
      path.append(html("span", { className: "badge" }, "largest"));
    if (factors.length)
      path.append(
        equation(...factors.flatMap(({ d }, f) => (f ? [mo("×"), factor(d)] : [factor(d)])), equal(), mn(product)),
      );
    list.append(path);
  }
  const found = [title, list];
  const more = count - Math.min(paths.length, MOST_PATHS);
  if (more > 0) {
    const others = "… and " + (more > 1e6 ? shown(more) : more) + " more";
    found.push(html("p", { className: "hint" }, others + (all ? "" : ", among which may be larger ones")));
  }
  found.push(
    html(
      "p",
      { className: "sum" },
      equation(derivative(root, lit), equal(), mn(grad[lit])),
      count > 1 ? " the sum over " + (count > 1e6 ? shown(count) : count) + " paths" : "",
    ),
  );
  const place = placeOf(lit);
  if (place && groupOf(lit) === null) {
    const close = html("button", { type: "button" }, "Close " + groupTitle(place.join(".")));
    close.addEventListener("click", () => {
      closed.add(place.join("."));
      rearrange();
    });
    found.push(close);
  }
  out.replaceChildren(...found);
}

// Where boxes stand: in ranks, each box one rank before the first that uses it, with few crossings and straight lines.

// Along a wire, as shares of its length and width: on the curve, four lines of text.
const SPOTS = [
  [0.4, 0.36],
  [0.6, 0.64],
  [0.22, 0.1],
  [0.78, 0.9],
];

// Places the boxes and routes the wires. `size(unit)` gives { width, height }; across is the direction of the ranks:
// "right" puts the operands left of their result, "down" above it.
function layout(order, wires, direction, size, gaps) {
  const across = direction === "right";
  const box = new Map(order.map((unit) => [unit, { unit, ...size(unit) }]));
  const thick = (item) => (across ? item.width : item.height),
    tall = (item) => (across ? item.height : item.width);

  // Ranks are counted from the result: an operand stands just before the first that uses it.
  for (const unit of [...order].reverse())
    box.get(unit).rank = Math.max(0, ...unit.outputs.map((wire) => box.get(wire.head).rank + 1));
  const ranks = Array.from({ length: Math.max(...order.map((unit) => box.get(unit).rank)) + 1 }, () => []);

  // From the result backwards, so that the operands of a box stand together and in their order.
  const placed = new Set(),
    stack = [order[order.length - 1]];
  while (stack.length) {
    const unit = stack.pop();
    if (placed.has(unit)) continue;
    placed.add(unit);
    ranks[box.get(unit).rank].push(box.get(unit));
    stack.push(...unit.inputs.map((wire) => wire.tail).reverse());
  }

  // A wire over several ranks gets a place in each, which all wires from the same box share.
  const routes = new Map();
  for (const item of box.values()) Object.assign(item, { up: [], down: [], bends: [] });
  for (const wire of wires) {
    const tail = box.get(wire.tail),
      head = box.get(wire.head),
      chain = [tail];
    for (let rank = tail.rank - 1; rank > head.rank; rank--) {
      const bend = tail.bends[rank] ?? { rank, width: 10, height: 10, bend: true, up: [], down: [] };
      if (!tail.bends[rank]) ranks[rank].push((tail.bends[rank] = bend));
      chain.push(bend);
    }
    chain.push(head);
    chain.slice(1).forEach((item, j) => {
      if (item.bend && item.up.length) return; // another wire has led here
      chain[j].down.push(item);
      item.up.push(chain[j]);
    });
    routes.set(wire, chain);
  }
  ranks.forEach((rank) => rank.forEach((item, j) => (item.at = j)));

  // Each item moves to the middle of its neighbours; the order with the fewest crossings is kept.
  const middle = (list) => list.reduce((sum, item) => sum + item.at, 0) / list.length;
  const crossings = () => {
    let count = 0;
    for (const rank of ranks) {
      const ends = rank.flatMap((item) => item.down.map((other) => other.at).sort((a, b) => a - b));
      count += inversions(ends);
    }
    return count;
  };
  let best = ranks.map((rank) => [...rank]),
    fewest = crossings();
  for (let sweep = 0; sweep < 16 && fewest; sweep++) {
    const upward = sweep % 2 === 1,
      list = upward ? [...ranks].reverse() : ranks;
    for (const rank of list) {
      const near = (item) => (upward ? item.up : item.down),
        wanted = new Map();
      for (const item of rank) wanted.set(item, near(item).length ? middle(near(item)) : item.at);
      rank.sort((a, b) => wanted.get(a) - wanted.get(b));
      rank.forEach((item, j) => (item.at = j));
    }
    const count = crossings();
    if (count < fewest) {
      fewest = count;
      best = ranks.map((rank) => [...rank]);
    }
  }
  best.forEach((rank, r) => {
    ranks[r] = rank;
    rank.forEach((item, j) => (item.at = j));
  });

  // Coordinates across a rank: as near to the neighbours as the boxes beside it let each be.
  const items = ranks.flat();
  for (const item of items) item.y = 0;
  for (let sweep = 0; sweep < 24; sweep++) {
    const list = sweep % 2 ? [...ranks].reverse() : ranks;
    for (const rank of list) {
      const wanted = rank.map((item) => {
        const near = sweep > 15 ? [...item.up, ...item.down] : sweep % 2 ? item.up : item.down;
        return near.length ? near.reduce((sum, other) => sum + other.y, 0) / near.length : item.y;
      });
      spread(rank, wanted, tall, gaps.beside);
    }
  }

  // Coordinates along the ranks, from the leaves to the result. Where several lines cross on their way down to neurons,
  // their labels take two lines of text.
  const crossing = (rank) => rank.flatMap((item) => item.down).filter((item) => item.unit?.group);
  const between = (rank) => (across || crossing(rank).length < 3 ? gaps.between : Math.max(gaps.between, 52));
  let along = 0;
  for (const rank of [...ranks].reverse()) {
    const width = Math.max(...rank.map(thick));
    for (const item of rank) {
      item.x = along + width / 2;
      item.from = along;
      item.to = along + width;
    }
    along += width + between(rank);
  }
  const low = Math.min(...items.map((item) => item.y - tall(item) / 2)),
    high = Math.max(...items.map((item) => item.y + tall(item) / 2));
  for (const item of items) item.y -= low;
  const turned = (x, y) => (across ? { x, y } : { x: y, y: x });

  // Wires leave and enter a box side by side, in the order in which they come.
  const port = new Map();
  for (const item of box.values()) {
    for (const [side, list] of [
      ["in", item.unit.inputs],
      ["out", item.unit.outputs],
    ]) {
      const other = (wire) => {
        const chain = routes.get(wire);
        return side === "in" ? chain[chain.length - 2].y : chain[1].y;
      };
      const sorted = [...list].sort((a, b) => other(a) - other(b)),
        room = tall(item) * 0.62;
      sorted.forEach((wire, j) =>
        port.set(
          side + wire.id,
          item.y + (sorted.length > 1 ? (j / (sorted.length - 1) - 0.5) * room * Math.min(1, sorted.length / 4) : 0),
        ),
      );
    }
  }
  const paths = new Map();
  for (const wire of wires) {
    const chain = routes.get(wire),
      points = [];
    chain.forEach((item, j) => {
      const first = j === 0,
        last = j === chain.length - 1;
      const y = first ? port.get("out" + wire.id) : last ? port.get("in" + wire.id) : item.y;
      if (!first) points.push([last ? item.x - thick(item) / 2 : item.from, y]);
      if (!last) points.push([first ? item.x + thick(item) / 2 : item.to, y]);
    });
    let path = "";
    for (let j = 0; j < points.length; j++) {
      const [x, y] = points[j],
        p = turned(x, y);
      if (j === 0) path += "M" + Math.round(p.x) + "," + Math.round(p.y);
      else if (j % 2 === 0) path += "L" + Math.round(p.x) + "," + Math.round(p.y);
      else {
        const half = (points[j - 1][0] + x) / 2,
          a = turned(half, points[j - 1][1]),
          b = turned(half, y);
        path += "C" + [a.x, a.y, b.x, b.y, p.x, p.y].map(Math.round).join(",");
      }
    }
    const [x0, y0] = points[0],
      [x1, y1] = points[1];
    // Where a label can stand, the best place first: the others are for wires that lie close together.
    const spots = across
      ? [[x0 + 5, y0]]
      : [0, -20, 20].flatMap((aside) =>
          (x1 - x0 > 50 ? SPOTS : SPOTS.slice(0, 2))
            .map(([a, b]) => [x0 + (x1 - x0) * a, y0 + (y1 - y0) * b + aside])
            .filter(([, y]) => !aside || (y > 20 && y < high - low - 20)),
        );
    const labels = spots.map(([x, y]) => turned(x, y));
    paths.set(wire, { path, labels, label: labels[0] });
  }
  const boxes = new Map(
    [...box].map(([unit, item]) => [unit, { ...turned(item.x, item.y), width: item.width, height: item.height }]),
  );
  const width = along - between(ranks[0]),
    height = high - low;
  return { boxes, paths, width: across ? width : height, height: across ? height : width };
}

// How many pairs of places stand in the wrong order. Those met so far are counted in a tree of sums (Fenwick 1994).
function inversions(places) {
  const size = places.reduce((most, place) => Math.max(most, place + 1), 0),
    sums = new Array(size + 1).fill(0);
  let count = 0;
  places.forEach((place, met) => {
    count += met;
    for (let k = place + 1; k > 0; k -= k & -k) count -= sums[k];
    for (let k = place + 1; k <= size; k += k & -k) sums[k]++;
  });
  return count;
}

// The places nearest to the wanted ones (least squares) that keep the order and the gaps: neighbours that would
// overlap are joined into a block, which stands at the mean of what its members want.
function spread(rank, wanted, tall, gap) {
  const blocks = [];
  let offset = 0;
  rank.forEach((item, j) => {
    if (j) offset += (tall(rank[j - 1]) + tall(item)) / 2 + gap;
    const weight = item.bend ? 3 : 1;
    let block = { sum: (wanted[j] - offset) * weight, weight, members: [[item, offset]] };
    while (
      blocks.length &&
      blocks[blocks.length - 1].sum / blocks[blocks.length - 1].weight > block.sum / block.weight
    ) {
      const before = blocks.pop();
      block = {
        sum: before.sum + block.sum,
        weight: before.weight + block.weight,
        members: [...before.members, ...block.members],
      };
    }
    blocks.push(block);
  });
  for (const block of blocks) for (const [item, offset] of block.members) item.y = block.sum / block.weight + offset;
}

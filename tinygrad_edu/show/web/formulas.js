// Formulas: read from what a person types, evaluated, and written as MathML.
// A formula is a number, the place of a node in quotes ("12"), or [operation, operand, …].

const SUM = 0,
  PRODUCT = 1,
  POWER = 2,
  ATOM = 3; // how tightly a written formula holds together
const SIGNS = ["=", "+=", "×", "+"]; // before which a line may break
const MOST_TERMS = 5; // of a sum that is written out
const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

function math(tag, ...children) {
  const element = document.createElementNS("http://www.w3.org/1998/Math/MathML", tag);
  element.append(...children);
  return element;
}
function mo(text) {
  const sign = math("mo", text);
  if (SIGNS.includes(text))
    for (const [key, value] of [
      ["form", "infix"],
      ["lspace", "0.27em"],
      ["rspace", "0.27em"],
    ])
      sign.setAttribute(key, value);
  return sign;
}
const row = (...parts) => math("mrow", ...parts);
const mn = (number) => {
  const text = typeof number === "number" ? shownDerivative(number) : number,
    [mantissa, exponent] = text.split("e");
  if (!/^−?\d+$/.test(exponent ?? "")) return math("mn", text);
  return row(math("mn", mantissa), mo("·"), math("msup", math("mn", "10"), math("mn", exponent)));
};

const shortName = (text) => (text.length > 12 ? text.slice(0, 11) + "…" : text);

// A name, as short as in its box: digits at its end are an index.
function mathName(k) {
  const short = shortName(name(k)),
    [, stem, index] = /^(.*?)([₀-₉]*)$/su.exec(short);
  if (!stem || !index) return math("mi", short);
  return math("msub", math("mi", stem), math("mn", [...index].map((c) => DIGITS.indexOf(c)).join("")));
}
const derivative = (upper, lower) => math("mfrac", row(mo("∂"), mathName(upper)), row(mo("∂"), mathName(lower)));

// A number that stands in a product: in brackets where it has a sign.
const factor = (number) => (number < 0 ? row(mo("("), mn(number), mo(")")) : mn(number));

// A formula as MathML, each node in it as `leaf` writes it: by its name, or by its number.
function written(tree, leaf) {
  const bracketed = ([element, held], least) => (held >= least ? element : row(mo("("), element, mo(")")));
  const isNumber = (part) => typeof part === "number";
  function write(part) {
    if (isNumber(part)) return [mn(part), part < 0 ? SUM : ATOM];
    if (typeof part === "string") return leaf(Number(part));
    const [op, ...parts] = part;
    if (op === "+") return [sum(parts), SUM];
    if (op === "*" || (op === "**" && isNumber(parts[1]) && parts[1] < 0)) return product(op === "*" ? parts : [part]);
    if (op === "**") {
      const base = bracketed(write(parts[0]), ATOM);
      return [math("msup", base, write(parts[1])[0]), POWER];
    }
    if (op === "sqrt") return [math("msqrt", write(parts[0])[0]), ATOM];
    if (op === "abs") return [row(mo("|"), write(parts[0])[0], mo("|")), ATOM];
    const list = parts.flatMap((operand, j) => (j ? [mo(","), write(operand)[0]] : [write(operand)[0]]));
    return [row(math("mi", op === "sigmoid" ? "σ" : op), mo("("), ...list, mo(")")), ATOM];
  }
  function negated(part) {
    // the part without its sign, where it begins with one
    if (isNumber(part) && part < 0) return -part;
    if (part[0] !== "*" || !isNumber(part[1]) || part[1] >= 0) return null;
    return ["*", -part[1], ...part.slice(2)];
  }
  function sum(terms) {
    if (terms.length > MOST_TERMS)
      return row(
        write(terms[0])[0],
        mo("+"),
        write(terms[1])[0],
        mo("+"),
        mo("…"),
        mo("+"),
        bracketed(write(terms[terms.length - 1]), PRODUCT),
      );
    const sorted = [...terms].sort((a, b) => (negated(a) !== null) - (negated(b) !== null)); // 1 − y, not −y + 1
    return row(
      ...sorted.flatMap((term, j) => {
        const without = negated(term),
          body = bracketed(write(without ?? term), j || without !== null ? PRODUCT : SUM);
        return without !== null ? [mo("−"), body] : j ? [mo("+"), body] : [body];
      }),
    );
  }
  function product(factors) {
    const minus = factors.filter((part) => isNumber(part) && part < 0).length % 2 === 1,
      above = [],
      below = [];
    for (const part of factors) {
      if (part[0] === "**" && isNumber(part[2]) && part[2] < 0)
        below.push(part[2] === -1 ? part[1] : ["**", part[1], -part[2]]);
      else if (isNumber(part)) {
        if (Math.abs(part) !== 1) above.push(Math.abs(part));
      } else above.push(part);
    }
    if (!above.length) above.push(1);
    const side = (list) => (list.length === 1 && below.length ? write(list[0])[0] : beside(list));
    const body = below.length ? math("mfrac", side(above), side(below)) : beside(above);
    return [minus ? row(mo("−"), body) : body, minus ? SUM : below.length ? POWER : PRODUCT];
  }
  function beside(factors) {
    return row(
      ...factors.flatMap((part, j) => {
        const [element, held] = write(part),
          body = bracketed([element, held], PRODUCT + (factors.length > 1 && held === PRODUCT ? 1 : 0));
        return j ? [mo("·"), body] : [body];
      }),
    );
  }
  return write(tree)[0];
}
const inNames = (tree) => written(tree, (k) => [mathName(k), ATOM]);
const inNumbers = (tree) => written(tree, (k) => [mn(v[k]), v[k] < 0 ? SUM : ATOM]);

// MathML as plain text, for titles and for those who listen.
function plain(element) {
  if (element.nodeType === 3) return element.data;
  if (element.localName === "span") return [...element.childNodes].map(plain).join("");
  if (element.localName === "wbr") return " ";
  const parts = [...element.childNodes].map(plain),
    tag = element.localName;
  const whole = (j) =>
    /[ +−·×/]/.test(parts[j]) && !/^\([^()]*\)$|^−?[\d.]+$/.test(parts[j]) ? "(" + parts[j] + ")" : parts[j];
  if (tag === "msub") return parts[0] + [...parts[1]].map((c) => DIGITS[c] ?? c).join("");
  if (tag === "msup") return whole(0) + "^" + whole(1);
  if (tag === "mfrac") return parts[0].startsWith("∂") ? parts[0] + "/" + parts[1] : whole(0) + "/" + whole(1);
  if (tag === "msqrt") return "√(" + parts.join("") + ")";
  if (tag === "mo" && !element.previousSibling && SIGNS.includes(parts[0])) return parts[0] + " ";
  if (tag === "mo" && element.previousSibling && /^[=+−×·]=?$|^\+=$|^→$/.test(parts[0])) return " " + parts[0] + " ";
  return parts.join("");
}

// Reading. Names are those of the nodes, with or without index digits below the line: w5, w₅, w_5.

const spelled = (text) => text.replace(/[₀-₉]/g, (c) => DIGITS.indexOf(c)).replaceAll("_", "");
const nodeNamed = new Map(nodes.map((node, k) => [spelled(node.name), String(k)]));
const SPELLINGS = new Map([
  ["σ", "sigmoid"],
  ["ln", "log"],
  ["√", "sqrt"],
]);

class Unreadable extends Error {}

function read(text, names = nodeNamed) {
  const tokens = text.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|\*\*|[\p{L}_](?:(?![²³])[\p{L}\p{N}_])*|\S/giu) ?? [];
  let at = 0;
  const take = (...wanted) => (wanted.includes(tokens[at]) ? tokens[at++] : null);
  function sum() {
    let tree = product();
    for (let sign; (sign = take("+", "-", "−"));) tree = ["+", tree, sign === "+" ? product() : ["*", -1, product()]];
    return tree;
  }
  function product() {
    let tree = signed();
    for (;;) {
      if (take("*", "×", "·")) tree = ["*", tree, signed()];
      else if (take("/", ":")) tree = ["*", tree, ["**", signed(), -1]];
      else if (tokens[at] === "(" || /^[\p{L}√]/u.test(tokens[at] ?? ""))
        tree = ["*", tree, power()]; // y(1 − y)
      else return tree;
    }
  }
  function signed() {
    if (take("-", "−")) return ["*", -1, signed()];
    take("+");
    return power();
  }
  function power() {
    const base = atom();
    if (take("**", "^")) return ["**", base, signed()];
    const raised = /^[²³]$/.test(tokens[at] ?? "") ? (tokens[at++] === "²" ? 2 : 3) : 1;
    return raised === 1 ? base : ["**", base, raised];
  }
  function atom() {
    const token = tokens[at++];
    if (token === undefined) throw new Unreadable("Something is missing at the end.");
    if (token === "(") {
      const inner = sum();
      if (!take(")")) throw new Unreadable("A bracket is not closed.");
      return inner;
    }
    if (/^[\d.]/.test(token)) return Number(token);
    const word = SPELLINGS.get(token) ?? token,
      whole = spelled(word + (tokens[at] ?? "")); // a node may be called x²
    if (/^[²³]$/.test(tokens[at] ?? "") && names.has(whole)) return (at++, names.get(whole));
    if (names.has(spelled(word))) return names.get(spelled(word));
    if (Object.hasOwn(operation, word) && tokens[at] === "(") {
      at++;
      const operands = [sum()];
      while (take(",")) operands.push(sum());
      if (!take(")")) throw new Unreadable("A bracket is not closed.");
      return [word, ...operands];
    }
    throw new Unreadable("“" + token + "” is no name in this graph.");
  }
  const tree = sum();
  if (at < tokens.length) throw new Unreadable("“" + tokens[at] + "” is not expected here.");
  return tree;
}

// The number that a formula stands for; `operation` has the table's formulas.
function evaluated(tree, data) {
  if (typeof tree === "number") return tree;
  if (typeof tree === "string") return data[tree];
  const operands = tree.slice(1).map((part) => evaluated(part, data));
  if (tree[0] === "+") return operands.reduce((a, b) => a + b, 0);
  if (tree[0] === "*") return operands.reduce((a, b) => a * b, 1);
  return operation[tree[0] === "**" ? "pow" : tree[0]](...operands);
}

const hasNames = (tree) => typeof tree === "string" || (Array.isArray(tree) && tree.slice(1).some(hasNames));

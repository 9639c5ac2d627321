// The page: lessons as tabs, what their editors hold run at each change, and what comes of it shown.
import { Editor } from "./editor.js";
import { asNotebook, asScript, fromLink, intoLink, keep, kept, save } from "./keep.js";
import { Python } from "./python.js";

const at = (id) => document.getElementById(id);
const made = (tag, given = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), given);
  element.append(...inside);
  return element;
};
const lessons = JSON.parse(at("lessons").textContent);
const names = JSON.parse(at("names").textContent);
let python, current, chosen, printed, drawn, late, parts = [];

// Files of the page: in it, or beside it where it is served from a folder.

async function bytes(id) {
  const inside = at(`file-${id}`);
  const packed = inside ? decoded(inside.textContent) : await (await fetch(`${id}.gz`)).arrayBuffer();
  inside?.remove();
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function decoded(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

const text = async (id) => new TextDecoder().decode(await bytes(id));

async function load() {
  const [script, lock, stdlib, packages, module] = await Promise.all([
    text("worker"), text("lock"), bytes("stdlib"), bytes("packages"), bytes("wasm").then((wasm) => WebAssembly.compile(wasm)),
  ]);
  python = new Python(script, { lock, stdlib, packages, module }, { state: showState, output: print });
  run();
  at("licences").textContent = await text("licences");
}

function showState(state, detail = "") {
  clearTimeout(late);
  const quick = state === "running";
  const show = () => {
    at("state").textContent = { loading: "Python starts…", ready: "ready", running: "running…", broken: `Python does not start: ${detail}` }[state];
    at("stop").hidden = state !== "running";
    document.body.classList.toggle("late", state === "running");
    document.body.dataset.state = state;
  };
  if (quick) late = setTimeout(show, 300); // what is over sooner needs no word
  else show();
}

// A lesson

function open(k, texts) {
  current = k;
  parts = [];
  drawn = "";
  const panel = at("lesson");
  panel.parentNode.append(at("seen"));
  panel.setAttribute("aria-labelledby", `tab${k}`);
  panel.replaceChildren(made("h2", { textContent: lessons[k].title }));
  for (const tab of at("tabs").children) {
    tab.setAttribute("aria-selected", tab.id === `tab${k}`);
    tab.tabIndex = tab.id === `tab${k}` ? 0 : -1;
    if (tab.id === `tab${k}`) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  let around = panel;
  lessons[k].parts.forEach((part, n) => {
    if (part.task) panel.append((around = made("div", { className: "task" })));
    if (part.html) {
      around.append(...new DOMParser().parseFromString(part.html, "text/html").body.childNodes);
      return;
    }
    const host = made("div", { className: "editor" });
    const complaint = made("p", { className: "complaint" });
    complaint.setAttribute("role", "status");
    around.append(host, complaint);
    const number = parts.length;
    const start = texts?.[number] ?? kept(k, number) ?? part.code;
    const editor = new Editor(host, start, {
      label: part.task ? `Your answer: ${part.task}` : `Code ${number + 1}`,
      names,
      run: () => run(number),
      changed: () => {
        document.body.dataset.edits = ++edits;
        keep(k, number, editor.text, part.code);
        run(number);
      },
    });
    parts.push({ editor, complaint, original: part.code, task: part.task });
    if (part.task) {
      const verdict = made("div", { className: "verdict" });
      verdict.setAttribute("role", "status");
      const check = made("button", { type: "button", className: "main", textContent: "Check" });
      check.addEventListener("click", () => grade(part.graded, editor, verdict));
      around.append(check, verdict);
      around = panel;
    }
  });
  place();
  at("explanation").replaceChildren();
  run(Math.max(0, parts.findIndex((part) => !part.task)));
}

// Where there is room the picture stands beside the lesson, else below the code that it is of.
const narrow = matchMedia("(max-width: 999px)");
function place() {
  if (narrow.matches && parts.length) parts[0].complaint.after(at("seen"));
  else at("lesson").parentNode.append(at("seen"));
}
narrow.addEventListener("change", place);
addEventListener("resize", () => fit(at("picture").querySelector("svg"), at("picture").clientWidth - 18));

let upTo, edits = 0; // the page says which edit it shows: data-shown

async function run(number = upTo) {
  upTo = number;
  if (!python || !parts.length) return;
  const lesson = current, edit = edits;
  const before = parts.slice(0, number + 1).filter((part, k) => k === number || !part.task);
  const whole = before.map((part) => part.editor.text).join("\n");
  const theme = dark() ? "dark" : "light";
  const result = await python.ask({ kind: "run", text: whole, theme });
  if (!result || lesson !== current) return; // a newer one follows
  complain(before, result);
  if (!drawn && !result.picture) at("picture").replaceChildren(); // of the lesson before
  at("picture").classList.toggle("stale", Boolean(result.stopped || (result.error && !result.picture))); // of a text before
  if (result.stopped) {
    at("caption").textContent = result.reason ? `The interpreter ended and starts anew: ${result.reason}` : "Stopped. Your text is as it was; change it to run again.";
    return;
  }
  at("output").textContent = printed;
  at("caption").textContent = result.caption;
  if (!result.error || result.picture) drawPicture(result.picture);
  show(result.shown);
  if (!at("stepping").hidden) step();
  else if (chosen && at("picture").querySelector(`#${chosen}`)) explain(chosen);
  else at("explanation").replaceChildren();
  document.body.dataset.shown = edit;
  document.body.dataset.runs = Number(document.body.dataset.runs ?? 0) + 1;
}

function print(output) {
  printed = output === null ? "" : printed + output;
  if (document.body.dataset.state === "running") at("output").textContent = printed;
}

function complain(ran, { error }) {
  let first = 1;
  for (const { editor, complaint } of ran) {
    const here = error && error.line >= first && error.line < first + editor.lines;
    editor.mark(here ? error.line - first + 1 : 1, here ? error.text : "");
    complaint.textContent = here ? `Line ${error.line - first + 1}: ${error.text}` : error && !error.line ? error.text : "";
    first += editor.lines;
  }
}

// Graphviz lays out for Helvetica. Where the browser has a wider font in its place, letters are made as much smaller.
const wider = () => {
  const context = made("canvas").getContext("2d");
  context.font = "110px Helvetica, sans-serif";
  return Math.max(1, context.measureText("grad 0.6347").width / 587);
};
let scale;

function svg(source) {
  scale ||= wider();
  const fitted = !source.includes('class="graph"') ? source : source.replace(/font-size="([\d.]+)"/g, (_, size) => `font-size="${(size / scale).toFixed(2)}"`);
  return document.adoptNode(new DOMParser().parseFromString(fitted, "image/svg+xml").documentElement);
}

// A picture is made smaller to fit, but no smaller than can be read: then it scrolls, from its result on.
const LEAST = 0.75;

function fit(picture, room) {
  if (!picture) return;
  const natural = (parseFloat(picture.getAttribute("width")) * 4) / 3; // points
  picture.style.width = `${Math.min(natural, Math.max(room, LEAST * natural))}px`;
  picture.style.height = "auto";
}

function drawPicture(source) {
  const host = at("picture"), before = [host.scrollLeft, host.scrollTop];
  const picture = source && svg(source);
  fit(picture, host.clientWidth - 18); // before it is put there, so that it is laid out once
  host.replaceChildren(...(picture ? [picture] : []));
  const size = `${current} ${host.scrollWidth} ${host.scrollHeight}`;
  const [left, top] = size === drawn ? before : [host.scrollWidth, (host.scrollHeight - host.clientHeight) / 2];
  Object.assign(host, { scrollLeft: left, scrollTop: top });
  drawn = size;
  for (const box of at("picture").querySelectorAll(".node[id^=n]")) {
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    box.setAttribute("aria-label", [...box.querySelectorAll("text")].map((t) => t.textContent).join(" "));
    for (const link of box.querySelectorAll("a")) link.removeAttribute("href");
  }
}

for (const kind of ["pointerover", "click", "keydown"])
  at("picture").addEventListener(kind, (event) => {
    const box = event.target.closest(".node[id^=n]");
    if (!box || (event.key && event.key !== "Enter" && event.key !== " ")) return;
    if (kind === "pointerover" && box.id === chosen && at("explanation").childNodes.length) return;
    if (event.key) event.preventDefault();
    explain(box.id);
  });

async function explain(id) {
  chosen = id;
  for (const box of at("picture").querySelectorAll(".node")) box.classList.toggle("chosen", box.id === id);
  const result = await python.ask({ kind: "explain", id });
  if (!result || result.stopped || chosen !== id) return;
  const inside = new DOMParser().parseFromString(result.html, "text/html").body.childNodes;
  at("explanation").replaceChildren(...(result.error ? [result.error] : inside));
}

function show(shown) {
  at("shown").replaceChildren(
    ...shown.map(({ kind, content }) => {
      if (kind === "svg") return svg(content);
      if (kind === "page") return frame(content);
      if (kind === "html") return made("div", {}, ...new DOMParser().parseFromString(content, "text/html").body.childNodes);
      return made("pre", { textContent: content });
    }),
  );
}

// The stepping page, in a frame: a frame without an address has the policy of the page around it, which knows scripts
// by their address and not by the hash of each graph.

function frame(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  parsed.querySelector("meta[http-equiv]").remove();
  const script = parsed.querySelector("script:not([type])");
  const outside = parsed.createElement("script");
  outside.src = URL.createObjectURL(new Blob([script.textContent], { type: "text/javascript" }));
  script.replaceWith(outside);
  parsed.documentElement.dataset.theme = document.documentElement.dataset.theme;
  return made("iframe", { title: "The chain rule, step by step", srcdoc: `<!DOCTYPE html>${parsed.documentElement.outerHTML}` });
}

async function step() {
  const result = await python.ask({ kind: "step" });
  if (!result || result.stopped) return;
  at("caption").textContent = result.error ?? "";
  at("stepping").replaceChildren(...(result.html ? [frame(result.html)] : []));
}

function view(stepping) {
  at("stepping").hidden = !stepping;
  at("picture").hidden = at("explanation").hidden = at("hint").hidden = stepping;
  at("view-picture").setAttribute("aria-pressed", !stepping);
  at("view-step").setAttribute("aria-pressed", stepping);
  if (stepping) step();
  else at("stepping").replaceChildren();
}

// Tasks

async function grade(task, editor, verdict) {
  verdict.className = "verdict";
  verdict.textContent = "Checking…";
  const result = await python.ask({ kind: "grade", task, text: editor.text });
  if (!result || result.stopped) {
    verdict.textContent = result ? `Stopped. ${result.reason ?? ""}` : "";
    return;
  }
  verdict.classList.add(result.passed ? "right" : "wrong");
  verdict.replaceChildren(...result.words.map((words) => made("p", { textContent: words })), ...(result.picture ? [svg(result.picture)] : []));
  fit(verdict.querySelector("svg"), verdict.clientWidth - 24);
  verdict.tabIndex = result.picture ? 0 : -1; // by the keys it scrolls, where the picture is wider
  if (result.passed) at(`tab${current}`).classList.add("solved");
}

// Controls

const dark = () => {
  const theme = document.documentElement.dataset.theme;
  return theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
};
const prose = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent;

function exported() {
  const codes = parts.values();
  return lessons[current].parts.map((part) => (part.html ? { prose: prose(part.html) } : { code: codes.next().value.editor.text }));
}

const slug = () => lessons[current].title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
const actions = {
  stop: () => python.stop(),
  link: async () => {
    history.replaceState({}, "", await intoLink(current, parts.map((part) => part.editor.text))); // without following it
    await navigator.clipboard?.writeText(location.href).catch(() => {});
    at("state").textContent = "link copied";
  },
  "save-py": () => save(`${slug()}.py`, asScript(lessons[current].title, exported())),
  "save-ipynb": () => save(`${slug()}.ipynb`, asNotebook(lessons[current].title, exported())),
  original: () => parts.forEach((part) => (part.editor.text = part.original)),
  "view-picture": () => view(false),
  "view-step": () => view(true),
};
for (const [id, action] of Object.entries(actions)) at(id).addEventListener("click", action);
at("theme").addEventListener("change", () => {
  document.documentElement.dataset.theme = at("theme").value;
  run();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => run());
lessons.forEach((lesson, k) => {
  const tab = made("button", { id: `tab${k}`, type: "button", textContent: lesson.title });
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", "lesson");
  tab.addEventListener("click", () => open(k));
  at("tabs").append(tab);
});
at("tabs").addEventListener("keydown", (event) => {
  const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: lessons.length - 1 }[event.key];
  if (to === undefined || !lessons[to]) return;
  event.preventDefault();
  open(to);
  at(`tab${to}`).focus();
});
addEventListener("hashchange", follow);

async function follow() {
  const { lesson, texts } = await fromLink(location.hash);
  open(lessons[lesson] ? lesson : 0, texts);
}

follow().then(load);

// What is kept of the reader's text: in the browser, in a link, in a file.

const key = (lesson, part) => `tinygrad-edu-live ${document.title} ${lesson} ${part}`;

export function kept(lesson, part) {
  try {
    return localStorage.getItem(key(lesson, part));
  } catch {
    return null; // some browsers keep nothing for a page from a file
  }
}

export function keep(lesson, part, text, original) {
  try {
    if (text === original) localStorage.removeItem(key(lesson, part));
    else localStorage.setItem(key(lesson, part), text);
  } catch {
    // then it is not kept
  }
}

const through = async (bytes, stream) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

export async function intoLink(lesson, texts) {
  const packed = await through(new TextEncoder().encode(JSON.stringify(texts)), new CompressionStream("deflate-raw"));
  const code = btoa(String.fromCharCode(...packed)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  return `#lesson=${lesson + 1}&code=${code}`;
}

export async function fromLink(hash) {
  const said = new URLSearchParams(hash.slice(1));
  const lesson = Number(said.get("lesson") ?? 1) - 1;
  if (!said.get("code")) return { lesson, texts: null };
  try {
    const packed = Uint8Array.from(atob(said.get("code").replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const texts = JSON.parse(new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw"))));
    return { lesson, texts: Array.isArray(texts) && texts.every((text) => typeof text === "string") ? texts : null };
  } catch {
    return { lesson, texts: null }; // cut off on its way
  }
}

export function asScript(title, parts) {
  const comment = (text) => text.trim().split("\n").map((line) => `# ${line}`.trimEnd()).join("\n");
  return [`# ${title}`, ...parts.map(({ code, prose }) => code ?? comment(prose))].join("\n\n").trimEnd() + "\n";
}

export function asNotebook(title, parts) {
  const lines = (text) => text.trimEnd().split(/(?<=\n)/);
  const cells = [{ prose: `# ${title}` }, ...parts].map(({ code, prose }, k) =>
    code === undefined
      ? { cell_type: "markdown", id: `c${k}`, metadata: {}, source: lines(prose) }
      : { cell_type: "code", id: `c${k}`, metadata: {}, source: lines(code), execution_count: null, outputs: [] },
  );
  const metadata = { kernelspec: { name: "python3", display_name: "Python 3", language: "python" }, language_info: { name: "python" } };
  return JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, null, 1) + "\n";
}

export function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Python, in a worker: it is told what a page's editors hold, and answers with what that does.
import "./classic.js";
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { loadPyodide } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";

let answer, PythonError = Error;

// The interpreter asks for two files by their names: they are in the page. There is no other place to ask.
function given({ module, stdlib }) {
  self.fetch = async (asked) => {
    if (String(asked).endsWith("python_stdlib.zip")) return new Response(stdlib);
    if (String(asked).endsWith("pyodide.asm.wasm")) return new Response();
    throw new TypeError("this page asks nothing of any network");
  };
  WebAssembly.instantiateStreaming = async (_, imports) => ({
    module,
    instance: await WebAssembly.instantiate(module, imports),
  });
}

async function start(files) {
  given(files);
  const lockFileContents = JSON.stringify({ ...JSON.parse(files.lock), packages: {} });
  const [python, graphviz] = await Promise.all([
    loadPyodide({ indexURL: "page:/", stdin: () => null, stdLibURL: "page:/python_stdlib.zip", lockFileContents, createPyodideModule }),
    Graphviz.load(),
  ]);
  self.tinygradEduGraphviz = (source, format, engine) => graphviz.layout(source, format, engine);
  python.unpackArchive(files.packages, "zip", { extractDir: "/lib/python3.14/site-packages" });
  self.tellPage = (text) => self.postMessage({ output: text });
  PythonError = python.ffi.PythonError;
  answer = python.runPython(`
import js
from tinygrad_edu.live.session import Session
Session(js.tellPage).answer
`);
}

self.onmessage = async ({ data }) => {
  if (data.files) {
    try {
      await start(data.files);
      self.postMessage({ ready: true });
    } catch (error) {
      self.postMessage({ failed: String(error) });
    }
    return;
  }
  try {
    self.postMessage({ id: data.id, result: JSON.parse(answer(JSON.stringify(data.asked))) });
  } catch (error) {
    if (error instanceof PythonError) self.postMessage({ id: data.id, result: { stopped: true, reason: error.message } });
    else self.postMessage({ failed: String(error) }); // the interpreter itself has ended
  }
};

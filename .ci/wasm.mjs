// The suite in WebAssembly, on the Python of Pyodide: node .ci/wasm.mjs WHEELS PYTEST_ARGUMENT...
// From npm comes `pyodide`; the folder WHEELS holds what the tests need, as wheels without compiled code.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [wheels, ...args] = process.argv.slice(2);
const found = createRequire(path.resolve(wheels, "..", "any.js")).resolve("pyodide/package.json");
const { loadPyodide } = await import(pathToFileURL(path.join(path.dirname(found), "pyodide.mjs")).href);
const py = await loadPyodide({ env: { CI: "true", HOME: "/home/pyodide" } });

py.FS.mkdirTree("/project");
py.FS.mount(py.FS.filesystems.NODEFS, { root: process.cwd() }, "/project");
py.FS.mkdirTree("/wheels");
for (const file of fs.readdirSync(wheels)) py.FS.writeFile(`/wheels/${file}`, fs.readFileSync(path.join(wheels, file)));
py.globals.set("ARGUMENTS", py.toPy(args));
const status = await py.runPythonAsync(`
import glob, importlib, os, site, sys, zipfile
for wheel in glob.glob("/wheels/*.whl"):
    zipfile.ZipFile(wheel).extractall(site.getsitepackages()[0])
importlib.invalidate_caches()
sys.path.insert(0, "/project")
sys.dont_write_bytecode = True
os.chdir("/project")
import pytest
print("Python", sys.version)
int(pytest.main(list(ARGUMENTS)))
`);
process.exit(status);

"""What a live page takes from npm: fetched once into a cache, each package by its integrity hash, and bundled."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

WEB = Path(__file__).with_name("web")
MANIFEST = ("package.json", "package-lock.json")
BUNDLED = ("@codemirror", "@hpcc-js", "@lezer", "@marijn", "crelt", "pyodide", "style-mod", "w3c-keyname")
TIMEOUT = 600  # seconds; a slow line fetches 15 MB


def cache() -> Path:
    """The folder of exactly these versions, whether or not it is there: $XDG_CACHE_HOME, or else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "tinygrad_edu", f"live-{sha256((WEB / MANIFEST[1]).read_bytes()).hexdigest()[:12]}")


def modules() -> Path:
    """The fetched packages; npm fetches them where they are not there yet.

    Raises RuntimeError where that takes npm and there is none, and where npm fails.
    """
    target = cache()
    if not target.is_dir():
        npm = program("npm")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            for name in MANIFEST:
                shutil.copy(WEB / name, folder)
            run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
            if not target.is_dir():  # another may have been quicker
                shutil.copytree(folder, f"{folder}-whole")
                os.rename(f"{folder}-whole", target)
    return target / "node_modules"


@functools.cache
def bundle(entry: str) -> str:
    """A script of the page and all that it imports, as one."""
    found = modules()
    command = [program("node"), str(found / "esbuild" / "bin" / "esbuild"), entry, "--bundle", "--minify"]
    command += ["--format=iife", "--target=es2022", "--charset=utf8", "--legal-comments=none", "--log-level=error"]
    command += ['--define:import.meta.url="page:/"']  # a script of a file has no address
    command += ["--external:node:*", "--external:fs", "--external:ws"]  # asked for in Node only
    return run(command, cwd=str(WEB), paths=str(found))


def licences() -> str:
    """The name, version and licence of each package that a page holds a part of, with the licence's text."""
    texts = []
    for manifest in sorted(modules().glob("**/package.json")):
        name = manifest.parent.relative_to(modules()).as_posix()
        if name.split("/")[0] not in BUNDLED or name.count("/") != name.startswith("@"):
            continue
        about = json.loads(manifest.read_bytes())
        files = sorted(manifest.parent.glob("LICEN[CS]E*"))
        text = files[0].read_bytes().decode() if files else "https://www.npmjs.com/package/" + name
        texts.append(f"{name} {about['version']}: {about['license']}\n\n{text.strip()}\n")
    return "\n\n".join(texts)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(
            f"no {name} to make a live page with: install Node.js, which brings npm, from https://nodejs.org "
            "(on Debian and Ubuntu: apt install nodejs npm)"
        )
    return found


def run(command: list[str], cwd: str, paths: str = "") -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "NODE_PATH": paths},
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{Path(command[0]).name} took more than {TIMEOUT} seconds: try again") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(f"{Path(command[0]).name} failed: {' '.join(lines[:3])}")
    return done.stdout.decode()

"""Replay beside its peers: `pip install -e ".[bench]"`, then run this file; hand-written C needs gcc too.

All peers have the same core, in turn, each in a process of its own, the collector on, and the data as arguments of
each call. Before anything is timed, two calls of each must agree in value and gradient. Read the ratios. With
`--processor` it is the processor's time that counts, not the clock's: for a machine that others use too.
"""

import argparse
import ctypes
import gc
import importlib
import json
import math
import multiprocessing
import os
import statistics
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

NAMES = ("T1", "T2", "T3", "T5", "T7", "wide", "convolution", "recurrent", "attention")
TOLERANCE = 1e-9
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
SLOW = 0.1  # seconds a call, from which on there are fewer rounds


def one_core():
    """Pin this process, and so all that libraries start in it, to one core. Call it before they are imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_ENABLE_X64"] = "true"
    os.environ["JAX_PLATFORMS"] = "cpu"
    # In a fresh process glibc would give memory back after each array of NumPy, which costs it a factor of four in T2.
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        glibc.mallopt(M_TRIM_THRESHOLD, 1 << 30)
        glibc.mallopt(M_MMAP_THRESHOLD, 1 << 30)


class Contender:
    """A peer in a process of its own, so that no library or garbage of another slows it or stops it."""

    def __init__(self, peer):
        self.name = peer.name
        start = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
        self.pipe, theirs = start.Pipe()
        self.process = start.Process(target=serve, args=(peer.make, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.missing, self.facts = "", {}
        answer = self.answer()
        if isinstance(answer, str):
            self.missing = answer
        else:
            self.facts = answer

    def answer(self):
        """What the process sends next; a string is the reason why it cannot."""
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            return f"its process ended with exit code {self.process.exitcode}"

    def seconds(self, repeat):
        self.pipe.send(repeat)
        answer = self.answer()
        if isinstance(answer, str):
            raise SystemExit(f"{self.name}: {answer}")
        return answer

    def close(self):
        if not self.missing:
            self.pipe.send(0)
        self.process.join()


def serve(make, pipe):
    """In a contender's process: build, call twice, then time as often as asked."""
    gc.freeze()  # what other workloads have loaded before is no garbage of this one
    try:
        run = make()
        run.reset()
        given = [numbers(run.read(run.call())) for _ in range(2)]
    except Exception as error:  # whatever a library finds wrong with itself or with this machine
        pipe.send(f"{type(error).__name__}: {error}".splitlines()[0])
        return
    expected = [numbers(run.expected)] * 2 if run.expected else None
    pipe.send({"given": given, "expected": expected, "share": run.share, "compiled": run.compiled, "note": run.note})
    gc.collect()
    gc.freeze()  # a scalar engine's garbage collections shall walk its own graph, not the modules it imported
    while repeat := pipe.recv():
        pipe.send(seconds(run, repeat))


def numbers(result):
    """Value and gradient in one list."""
    value, gradient = result
    return [float(value), *map(float, gradient)]


def seconds(run, repeat):
    """Seconds a call, from the same start, in a loop that meets its own garbage."""
    from workloads.peer import CLOCK

    call = run.call
    if repeat > 1:
        call()  # the others have had the caches
    run.reset()
    gc.collect()
    start = CLOCK()
    for _ in range(repeat):
        call()
    return (CLOCK() - start) / repeat


def disagreement(given, wanted):
    """How far values are from the values wanted, and gradients from the gradients, relative to the largest entry."""
    worst = 0.0
    for found, right in zip(given, wanted, strict=True):
        if not all(map(math.isfinite, found)):
            return math.inf
        off = [abs(x - y) for x, y in zip(found, right, strict=True)]
        worst = max(worst, off[0] / abs(right[0]), max(off[1:]) / max(map(abs, right[1:])))
    return worst


def checked(workload):
    """The peers of a workload, after two calls of each agreed with the first that is written by hand."""
    contenders = [Contender(peer) for peer in workload.peers()]
    present = [contender for contender in contenders if not contender.missing]
    reference = min(present, key=lambda contender: not contender.name.startswith("hand-written"))
    for contender in present:
        facts = contender.facts
        off = disagreement(facts["given"], facts["expected"] or reference.facts["given"])
        if off > TOLERANCE:
            raise SystemExit(f"{workload.title}: {contender.name} is off by {off:.1e}, relative, from {reference.name}")
    return present, [contender for contender in contenders if contender.missing]


def repeats(contender, least):
    """How many calls last at least `least` seconds, and the seconds of one."""
    repeat, once = 1, contender.seconds(1)
    while once * repeat < least:
        repeat = math.ceil(1.2 * least / once) if once * repeat > least / 4 else 4 * repeat
        once = contender.seconds(repeat)
    return repeat, once


def medians(contenders, quick):
    """The median seconds of each contender, measured in turn."""
    rounds, slow_rounds, least = (3, 1, 0.005) if quick else (15, 5, 0.02)
    plan = []
    for contender in contenders:
        repeat, once = repeats(contender, least)
        plan.append((contender, repeat, slow_rounds if once > SLOW else rounds))
    times = {contender.name: [] for contender in contenders}
    for k in range(rounds):
        for contender, repeat, turns in plan:
            if k < turns:
                times[contender.name].append(contender.seconds(repeat) / contender.facts["share"])
    return {name: statistics.median(found) for name, found in times.items()}


def shown(duration):
    """Seconds with a unit."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if duration >= size:
            return f"{duration / size:.3g} {unit}" if duration / size < 1000 else f"{duration / size:,.0f} {unit}"
    return f"{duration / 1e-9:.3g} ns"


def measured(workload, quick, console):
    """Check and time one workload, print its table, return its figures."""
    present, missing = checked(workload)
    found = medians(present, quick)
    reference = next(name for name in (workload.reference, "hand-written C", *found) if name in found)
    figures, notes = [], []
    console.print(f"[bold]{workload.title}[/bold] (ratio to {reference})", highlight=False)
    table = Table("peer", "median", "ratio", box=None)
    table.columns[1].justify = table.columns[2].justify = "right"
    for contender in present:
        name, facts = contender.name, contender.facts
        ratio = found[name] / found[reference]
        table.add_row(name, shown(found[name]), f"{ratio:,.3g}" if ratio < 1000 else f"{ratio:,.0f}")
        if facts["compiled"] is not None:
            notes.append(f"{name}: from the graph to the first result, libraries loaded, {shown(facts['compiled'])}")
        if facts["note"]:
            notes.append(f"{name}: {facts['note']}")
        row = {"workload": workload.title, "peer": name, "seconds": found[name], "ratio": ratio}
        figures.append({**row, "compile_seconds": facts["compiled"], "note": facts["note"]})
    for contender in missing:
        table.add_row(contender.name, "–", "–")
        notes.append(f"{contender.name}: not here ({contender.missing})")
        figures.append({"workload": workload.title, "peer": contender.name, "missing": contender.missing})
    for contender in present + missing:
        contender.close()
    console.print(table)
    for note in notes:
        console.print(f"  {escape(note)}", highlight=False)
    console.print()
    return figures


def closing(workloads, figures):
    """Each target with the ratio measured, and whether it holds: None where a peer is missing."""
    by_peer = {(figure["workload"], figure["peer"]): figure for figure in figures if "seconds" in figure}
    found = []
    for workload in workloads:
        for target in workload.targets:
            slow, fast = (by_peer.get((workload.title, name)) for name in (target.slow, target.fast))
            if target.spare is not None:
                ready = [peer and peer["compile_seconds"] for peer in (slow, fast)]
                ratio = (ready[0] - target.spare) / ready[1] if all(ready) else None
            elif target.fast:
                ratio = slow["seconds"] / fast["seconds"] if slow and fast else None
            else:
                ratio = slow["compile_seconds"] if slow else None
            found.append((workload.title, target.text, ratio, None if ratio is None else target.holds(ratio)))
    return found


def markdown(workloads, figures):
    """The recovered arrays beside what is written by hand, as the table of docs/replay.md."""
    found = {(figure["workload"], figure["peer"]): figure for figure in figures if "seconds" in figure}
    columns = ["NumPy: recovered", "by hand", "ratio", "JAX: recovered", "jax.jit by hand", "ratio", "native"]
    names = [
        "tinygrad_edu numpy",
        "hand-written NumPy",
        "tinygrad_edu jax",
        "jax.jit on tensors",
        "tinygrad_edu native",
    ]
    lines = [f"| | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for workload in workloads:
        rows = [found.get((workload.title, name)) for name in names]
        if all(rows):
            cells = [shown(row["seconds"]) for row in rows]
            for k in (2, 3):
                cells[k] += f" ({rows[k]['compile_seconds']:.1f} s)"
            for k in (4, 2):
                cells.insert(k, f"{rows[k - 2]['seconds'] / rows[k - 1]['seconds']:.2f}")
            lines.append(f"| {workload.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="T1,T3", default=",".join(NAMES), help="these workloads")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--processor", action="store_true", help="count the processor's time, on a busy machine")
    parser.add_argument("--markdown", metavar="FILE", help="write the recovered arrays' ratios as a table")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to see that it runs")
    options = parser.parse_args()
    chosen = options.only.lower().split(",")
    if unknown := sorted({*chosen} - {*map(str.lower, NAMES)}):
        parser.error(f"--only expected some of {', '.join(NAMES)}, got {', '.join(unknown)}")
    one_core()
    os.environ["CLOCK"] = "process_time" if options.processor else "perf_counter"
    assert gc.isenabled()

    console = Console(width=110)
    workloads, figures = [], []
    for name in chosen:
        for workload in importlib.import_module(f"workloads.{name}").WORKLOADS:  # after pinning
            workloads.append(workload)
            figures += measured(workload, options.quick, console)
    targets = closing(workloads, figures)
    console.print("[bold]Closing list[/bold]")
    table = Table("workload", "target", "ratio", "", box=None)
    table.columns[2].justify = "right"
    words = {True: "holds", False: "misses", None: "not measured"}
    for title, text, ratio, holds in targets:
        table.add_row(title, text, "–" if ratio is None else f"{ratio:,.3g}", words[holds])
    console.print(table)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            print(markdown(workloads, figures), file=file)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            keys = ("workload", "target", "ratio", "holds")
            closing_list = [dict(zip(keys, target, strict=True)) for target in targets]
            json.dump({"figures": figures, "closing_list": closing_list}, file, indent=1)


if __name__ == "__main__":
    main()

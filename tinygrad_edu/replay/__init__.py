"""Replay: a graph recorded once from scalars, run again and again as a compiled program."""

from tinygrad_edu.replay.compiler import compile
from tinygrad_edu.replay.program import Program

__all__ = ["Program", "compile"]

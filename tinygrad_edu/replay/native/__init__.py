"""The native backend: programs as instructions for kernels of machine code."""

"""Mutants: slips made on purpose, one at a time, that the tests of a room must notice."""

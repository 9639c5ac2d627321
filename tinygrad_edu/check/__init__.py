"""Checks of gradients, for the project's own tests and for operations, losses and layers of your own."""

from tinygrad_edu.check.diagnosis import Comparison
from tinygrad_edu.check.differences import Report, assert_gradients, check_gradients

__all__ = ["Comparison", "Report", "assert_gradients", "check_gradients"]

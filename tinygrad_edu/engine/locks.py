"""A lock that no forked process finds taken for ever."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any


def lock_over_forks() -> AbstractContextManager[Any]:
    """A lock that whoever forks the process takes before and gives back after, in the parent and in the child.

    Else a thread that has it at that moment would leave it taken in the child, where it does not live on.

    >>> with lock_over_forks():
    ...     print("nobody else is here")
    nobody else is here
    """
    lock = RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock

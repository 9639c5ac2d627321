"""Whether a process can go on that was forked while a thread had a lock."""

import os
import signal
import threading

import pytest


def needs_fork(test):
    warnings = "ignore:.*multi-threaded.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning"
    test = pytest.mark.filterwarnings(*warnings)(test)
    return pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")(test)


def status_of_child(lock, is_right):
    """The exit status of a child forked while a thread has the lock: 0 where `is_right()` holds there, else 1."""
    taken, forked = threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            forked.wait(0.3)  # set too late where the fork waits for the lock, as it must

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends a child that hangs
        try:
            os._exit(0 if is_right() else 1)
        finally:
            os._exit(2)
    forked.set()
    thread.join()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

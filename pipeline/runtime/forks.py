"""A process that was forked from one in which TensorFlow has computed: TensorFlow's threads are not in it."""

import os
import sys

from pipeline.runtime.errors import InputError

_WITHOUT_THREADS: set[int] = set()


def _note() -> None:
    """Note, in a child, whether TensorFlow has begun in its parent, by its own note of that."""
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    if getattr(context, "_initialized", False):
        _WITHOUT_THREADS.add(os.getpid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note)


def check_threads() -> None:
    """Refuse to compute where TensorFlow would wait for ever.

    Raises:
        InputError: this process, or one that it was forked from, was forked from one in which TensorFlow has computed.
    """
    if _WITHOUT_THREADS:
        takes = "one that was started afresh, such as by multiprocessing.get_context('spawn')"
        raise InputError.at("process", takes=takes, got="a fork of one in which TensorFlow has computed")

"""TensorFlow's threads, GPU and determinism, set before its first operation, so by no stage."""

import gc
import os
import sys
from typing import TYPE_CHECKING

import psutil

from pipeline.runtime.devices import settle_gpus
from pipeline.runtime.lent import is_guest
from pipeline.runtime.numerics import be_deterministic, settle_keras

if TYPE_CHECKING:
    from pipeline.settings.process import RuntimeConfig


def start_tensorflow(config: "RuntimeConfig") -> None:
    """Import TensorFlow, quietly, with the threads and the determinism of the settings, and settle GPUs and Keras.

    Threads can be set once per process; jobs of a sweep that share one keep those of the first, and a program that
    calls a stage keeps its own.
    """
    settle_keras()
    if is_guest():
        return
    import tensorflow as tf

    # each job of a sweep has a CNN of its own, which TensorFlow takes for one that is traced again and again
    tf.get_logger().setLevel("ERROR")
    threads = cpu_threads(config)
    try:
        # also where they are not given: the environment may say otherwise
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        if config.threads is not None and tf.config.threading.get_intra_op_parallelism_threads() != config.threads:
            raise
    settle_gpus()
    if config.deterministic:
        be_deterministic()


def cpu_threads(config: "RuntimeConfig") -> int:
    """Return the threads that TensorFlow computes an operation with: unless set, as many as this process may use."""
    if config.threads is not None:
        return config.threads
    try:
        return len(psutil.Process().cpu_affinity())
    except AttributeError:
        # not every system keeps processes to some of its cores
        return os.cpu_count() or 1


def release_tensorflow() -> None:
    """Free the models of the jobs before, of which many of a sweep may follow each other in one process."""
    if "tensorflow" in sys.modules:
        import keras

        keras.utils.clear_session(free_memory=False)
        gc.collect()
        if gc.get_freeze_count() == 0:
            # the hundred thousands of objects of the modules stay; to look at them again takes a third of a second
            gc.freeze()

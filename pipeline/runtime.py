"""TensorFlow's settings for this process. They must be made before its first operation, so no stage makes them."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from pipeline.config import RuntimeConfig


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Let TensorFlow be imported without its greetings.

    What it writes before its log level is read does not pass through Python: the descriptor itself is put aside.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def start_tensorflow(config: RuntimeConfig) -> None:
    """Import TensorFlow, quietly, with the number of threads and the determinism of the settings.

    Threads can be set once per process; jobs of a sweep that share one keep those of the first.
    """
    with quiet_import():
        import tensorflow as tf

    if config.threads is not None:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(config.threads)
            tf.config.threading.set_inter_op_parallelism_threads(config.threads)
        except RuntimeError:
            if tf.config.threading.get_intra_op_parallelism_threads() != config.threads:
                raise
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()


def cpu_threads(config: RuntimeConfig) -> int:
    """How many threads TensorFlow computes an operation with: unless they are set, those that this process may use."""
    if config.threads is not None:
        return config.threads
    try:
        return len(psutil.Process().cpu_affinity())
    except AttributeError:
        # not every system keeps processes to some of its cores
        return os.cpu_count() or 1


def gpus() -> list[str]:
    """The names of the GPUs that TensorFlow computes with."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    details = (tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU"))
    names = [found.get("device_name", "GPU") for found in details]
    return names if devices else []


def release_tensorflow() -> None:
    """Free the models of a finished job: many jobs of a sweep may follow in the same process."""
    if "tensorflow" in sys.modules:
        import keras

        keras.utils.clear_session(free_memory=True)

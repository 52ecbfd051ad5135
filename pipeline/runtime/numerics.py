"""The state of a process that decides a result beside the settings, and how it is settled.

- Keras' backend, float type, image format, epsilon, and its limits of epochs and steps, from `keras.json`, the
  environment or a program that calls a stage: set here, as a CNN of another float type is another CNN.
- whether TensorFlow compiles what it computes, and takes the same order each time: set here.
- TF32 on GPUs: off. It keeps 10 of the 23 bits of a product's factors, so a GPU would give other OIPs than a CPU, and
  not only other roundings.
- oneDNN: used on every x86-64 CPU, so that they differ less; TF_ENABLE_ONEDNN_OPTS=0 switches it off.
- TensorFlow's threads: set by `runtime`, whatever the environment says.
- switches in the environment that choose how TensorFlow, oneDNN, XLA and cuDNN compute: part of a result's key, see
  `provenance.numeric_switches`, as somebody sets them to see what they change.
- the processor, GPUs and number of threads: part of the record, not of the key. They change the last bits, and results
  are to be shared among machines and workers; `rerun` names the difference.
- locale, time zone, hash seed: no result depends on them.
"""

import contextlib
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from pipeline.runtime.errors import InputError, one_line
from pipeline.runtime.forks import check_threads
from pipeline.runtime.lent import change, change_variable, enter, is_guest
from pipeline.runtime.matplotlib import import_matplotlib
from pipeline.runtime.progress import say_waiting

BACKEND, FLOAT, IMAGES, EPSILON = "tensorflow", "float32", "channels_last", 1e-7
# The switch, and what it is where nobody has set it.
ONEDNN = ("TF_ENABLE_ONEDNN_OPTS", "1")


def prefer_onednn() -> None:
    """Let TensorFlow use oneDNN on every x86-64 CPU, unless the environment says otherwise.

    It reads this when it is imported.

    By itself it does so only on some of them. Without oneDNN, what becomes of an image depends on the images beside it:
    `core/forward.py` says why.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        name, value = ONEDNN
        change_variable(name, os.environ.get(name, value))


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Let TensorFlow and Keras be imported, the latter with TensorFlow as its backend, without their greetings.

    What is written before TensorFlow's log level is read does not pass through Python: the descriptor is put aside.
    """
    change_variable("TF_CPP_MIN_LOG_LEVEL", os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"))
    change_variable("KERAS_BACKEND", BACKEND)
    prefer_onednn()
    if is_imported():
        # there are no more greetings
        yield
        return
    with contextlib.suppress(AttributeError, ValueError):
        # it may be closed, or None
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        # nobody hears them
        yield
        return
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def is_imported() -> bool:
    """Tell whether TensorFlow and Keras are there already."""
    return {"tensorflow", "keras"} <= sys.modules.keys()


def settle_keras() -> None:
    """Import TensorFlow and Keras and let them compute as this program expects, whatever their configuration says.

    Raises:
        InputError: Keras, or matplotlib, which it imports, cannot be imported; or Keras has another backend already.
    """
    if not is_imported() and not is_guest():
        say_waiting("loading TensorFlow")
    with quiet_import():
        import_matplotlib()
        try:
            import keras  # noqa: F401
            import tensorflow as tf  # noqa: F401
        except (AssertionError, AttributeError, TypeError, ValueError) as error:
            # both read the file, TensorFlow for an older Keras in it, and check what it says by assertions
            got = f"one that it refuses ({one_line(error)})"
            raise InputError.at("keras.json", takes="a file that Keras takes, or none", got=got) from error
    settle_imported()
    check_keras()


def settle_imported() -> None:
    """Do so with those that are imported already, if any; with another backend nothing is done."""
    if not is_imported():
        return
    import tensorflow as tf
    from keras import config

    if config.backend() != BACKEND:
        return
    change(config.floatx, config.set_floatx, FLOAT)
    # of this thread alone, so that it need not be put back: a call in somebody else's process has one of its own
    config.set_dtype_policy(FLOAT)
    change(config.image_data_format, config.set_image_data_format, IMAGES)
    change(config.epsilon, config.set_epsilon, EPSILON)
    # KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH would end a training, or what is asked of a CNN, early
    change(config.max_epochs, config.set_max_epochs, None)
    change(config.max_steps_per_epoch, config.set_max_steps_per_epoch, None)
    floats = tf.config.experimental
    change(floats.tensor_float_32_execution_enabled, floats.enable_tensor_float_32_execution, False)
    change(tf.config.functions_run_eagerly, tf.config.run_functions_eagerly, False)
    change(lambda: bool(tf.config.optimizer.get_jit()), tf.config.optimizer.set_jit, False)
    if is_guest():
        be_deterministic()
        # the caller may take warnings for errors
        enter(_without_warnings())


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Leave out what Keras makes NumPy say of its variables."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        yield


def is_deterministic() -> bool:
    """Tell whether TensorFlow computes in the same order each time, and refuses what it cannot."""
    from tensorflow.python.framework import config

    return bool(config.is_op_determinism_enabled())


def be_deterministic() -> None:
    """Let TensorFlow compute in the same order each time."""
    # the public function cannot be taken back
    from tensorflow.python.framework import config

    def write(is_on: bool) -> None:
        (config.enable_op_determinism if is_on else config.disable_op_determinism)()

    change(config.is_op_determinism_enabled, write, True)


def check_keras() -> None:
    """Refuse to compute with a Keras that was set to something else, by its configuration or by who calls a stage.

    Raises:
        InputError: it would give other results, or none.
    """
    check_threads()
    from keras import config

    settled = {
        "keras.config.backend": (config.backend(), BACKEND),
        "keras.config.floatx": (config.floatx(), FLOAT),
        "keras.config.dtype_policy": (config.dtype_policy().name, FLOAT),
        "keras.config.image_data_format": (config.image_data_format(), IMAGES),
        "keras.config.epsilon": (config.epsilon(), EPSILON),
        "keras.config.max_epochs": (config.max_epochs(), None),
        "keras.config.max_steps_per_epoch": (config.max_steps_per_epoch(), None),
    }
    for name, (got, wanted) in settled.items():
        if got != wanted:
            raise InputError.at(name, takes=str(wanted), got=str(got))

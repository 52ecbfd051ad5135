"""A program that is not the pipeline's, with all kinds of things switched on, which calls every public function.

It writes a line of JSON for every call: whether its result has the same bits as where nothing is on, what of the
process is not as it was before, and what went wrong.
"""

import contextlib
import hashlib
import json
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile

import pipeline

SMALL = tuple(f"model.convolutions.Conv2D_{number}.filters={maps}" for number, maps in ((1, 4), (2, 5), (3, 6)))
WORDS = (
    *SMALL, *("model.map=1", "data.limit=60"),
    *("train.epochs=1", "oip.map_indices=[0,3]", "oip.steps=4", "oip.restarts=0"),
    *("dream.size=30", "dream.levels=[1]", "dream.turns=1", "dream.steps=2", "dream.map_indices=[3]"),
    *("activations.layers=[Conv2D_1]", "atlas.starts=1", "atlas.wavelengths=[]", "atlas.elsewhere=false"),
    *("atlas.dream.size=0", "compare.map_indices=[0]"),
)  # fmt: skip
MODEL = Path("mine.keras")


def digest(value: Any) -> str:
    """Of all numbers and texts in a result."""
    total = hashlib.sha256()

    def add(part: Any) -> None:
        if hasattr(part, "get_weights"):
            add([weight.numpy() for weight in part.weights])
        elif isinstance(part, np.ndarray) and part.dtype != object:
            total.update(f"{part.dtype} {part.shape}".encode())
            total.update(part.tobytes())
        elif is_dataclass(part):
            # how fast a training was is of no two runs the same
            names = [field.name for field in fields(part) if field.name != "images_per_second"]
            add({name: getattr(part, name) for name in names})
        elif isinstance(part, dict):
            add([entry for name in sorted(part, key=str) for entry in (str(name), part[name])])
        elif isinstance(part, list | tuple):
            for entry in part:
                add(entry)
        elif isinstance(part, str | int | float | None):
            total.update(repr(part).encode())
        else:
            # such as a layer of Keras
            total.update(type(part).__name__.encode())

    add(value)
    return total.hexdigest()


class Calls:
    """Every public function, by its name, with the results of the ones before it."""

    def __init__(self) -> None:
        self.results: dict[str, Any] = {}
        config, data, model = (lambda name=name: self.results[name] for name in ("compose", "load_dataset", "train"))

        def real(training: str = "training_images") -> dict[str, Any]:
            images, labels = data().test_images, data().test_labels
            return {"reference_images": images, "reference_labels": labels, training: data().train_images}

        def settings(*names: str) -> list[Any]:
            return [getattr(config(), name) for name in names]

        def atlas() -> str:
            about = pipeline.About(name="mine", dataset="digits", split="test", photo="flower")
            found = [self.results[name] for name in ("sweep_oips", "map_statistics", "survey")]
            return pipeline.render_atlas(about, *found, data().test_images, data().test_labels, data().class_names)

        of_file = ("model=file", f"model.path={MODEL}", "data.limit=60")
        self.calls: dict[str, Callable[[], Any]] = {
            "compose": lambda: pipeline.compose(*WORDS),
            "load_dataset": lambda: pipeline.load_dataset(config().data, size=28),
            "load_photo": lambda: pipeline.load_photo("flower", size=30, fit=config().dream.fit),
            "load_mask": lambda: pipeline.load_mask(
                "mask.png", shape=(30, 30), fit=config().dream.fit, photo_size=(30, 30)
            ),
            "train": lambda: pipeline.train(*settings("train", "model"), data(), seed=0),
            "extract_activations": lambda: pipeline.extract_activations(config().activations, model().model, data()),
            "map_statistics": lambda: pipeline.map_statistics(
                model().model, "Conv2D_3", data().test_images, data().test_labels, classes=10
            ),
            "sweep_oips": lambda: pipeline.sweep_oips(*settings("oip", "noise"), model().model, seed=0, **real()),
            "dream": lambda: pipeline.dream(
                config().dream, model().model, self.results["load_photo"], seed=0
            ),
            "dream_sheet": lambda: pipeline.dream_sheet(
                config().dream, model().model, self.results["load_photo"], seed=0
            ),
            "survey": lambda: pipeline.survey(
                *settings("atlas", "oip", "noise", "dream"), model().model, oips=self.results["sweep_oips"], seed=0
            ),
            "compare_cnns": lambda: pipeline.compare_cnns(
                *settings("compare", "oip", "noise"), model().model, model().model, data().test_images,
                data().test_labels, seed=0
            ),
            "render_atlas": atlas,
            "make_graph": lambda: len(pipeline.make_graph(model().model).nodes),
            "shown_preprocessing": lambda: pipeline.shown_preprocessing(model().model),
            "load_model": lambda: pipeline.load_model(MODEL),
            "load_dataset_for": lambda: pipeline.load_dataset_for(pipeline.compose(*of_file)),
        }  # fmt: skip


def state() -> dict[str, Any]:
    """What of a process a call must leave as it was."""
    import keras
    import matplotlib as mpl
    import mlflow
    import tensorflow as tf
    from hydra.core.config_store import ConfigStore
    from hydra.core.global_hydra import GlobalHydra
    from keras.src.backend.common import global_state
    from matplotlib import pyplot as plt
    from tensorflow.python.eager import context
    from tensorflow.python.framework import config as framework
    from tensorflow.python.framework import op_callbacks

    mask = os.umask(0)
    os.umask(mask)
    loggers = [
        logging.root,
        *(one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)),
    ]
    draws = np.random.get_state()
    return {
        "Python's random numbers": random.getstate(),
        "NumPy's random numbers": [draws[0], draws[1].tolist(), *draws[2:]],
        "TensorFlow's random numbers": (context.global_seed(), repr(getattr(context.context(), "_rng", None))),
        "names that Keras gives": dict(global_state.get_global_attribute("object_name_uids", {})),
        "Keras": [getattr(keras.config, name)() for name in (
            "floatx", "image_data_format", "epsilon", "max_epochs", "max_steps_per_epoch",
            "is_traceback_filtering_enabled", "is_interactive_logging_enabled",
        )],
        "precision": keras.config.dtype_policy().name,
        "training": (keras.Model.fit, keras.Model.predict, keras.Model.evaluate),
        "eager functions": tf.config.functions_run_eagerly(),
        "jit": tf.config.optimizer.get_jit(),
        "TF32": tf.config.experimental.tensor_float_32_execution_enabled(),
        "determinism": framework.is_op_determinism_enabled(),
        "checks": len(op_callbacks.context.context().op_callbacks),
        "threads": (tf.config.threading.get_intra_op_parallelism_threads(), threading.active_count()),
        "strategy": id(tf.distribute.get_strategy()) if tf.distribute.has_strategy() else None,
        "MLflow": (
            mlflow.get_tracking_uri(), mlflow.get_registry_uri(), getattr(mlflow.active_run(), "info", None) and (
                mlflow.active_run().info.run_id, len(mlflow.search_runs(output_format="list")))),
        "matplotlib": (mpl.get_backend(), dict(map(str, entry) for entry in mpl.rcParams.items()), plt.get_fignums()),
        "loggers": [(one.name, one.level, one.propagate, one.disabled, list(one.handlers)) for one in loggers
                    if one.level or one.handlers or one.disabled],
        "logging": (logging.raiseExceptions, logging.root.manager.disable),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "folder": os.getcwd(),  # noqa: PTH109
        "environment": dict(os.environ),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "umask": mask,
        "locale": locale.setlocale(locale.LC_ALL),
        "NumPy": (np.geterr(), np.get_printoptions()),
        "Pillow": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES),
        "processes": multiprocessing.get_start_method(allow_none=True),
        "Hydra": (GlobalHydra().is_initialized(), ConfigStore.instance().repo.get("schema.yaml")),
        "files": sorted(map(str, Path().rglob("*.*"))),
    }  # fmt: skip


def say(condition: str, function: str, **what: Any) -> None:
    print(json.dumps({"condition": condition, "function": function, **what}), file=sys.__stdout__, flush=True)


@contextlib.contextmanager
def attributes(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    before = [getattr(thing, name) for thing, name, _ in changes]
    for thing, name, value in changes:
        setattr(thing, name, value)
    try:
        yield
    finally:
        for (thing, name, _), value in zip(changes, before, strict=True):
            setattr(thing, name, value)


@contextlib.contextmanager
def other_numbers() -> Iterator[None]:
    import keras
    import tensorflow as tf

    wanted = {
        "floatx": "float64", "image_data_format": "channels_first", "epsilon": 0.1, "max_epochs": 3,
        "max_steps_per_epoch": 2, "dtype_policy": "mixed_float16",
    }  # fmt: skip
    before = {name: getattr(keras.config, name)() for name in wanted}
    keras.utils.set_random_seed(99)
    for name, value in wanted.items():
        getattr(keras.config, f"set_{name}")(value)
    tf.config.optimizer.set_jit("autoclustering")
    try:
        with attributes((Image, "MAX_IMAGE_PIXELS", 10), (ImageFile, "LOAD_TRUNCATED_IMAGES", True)):
            yield
    finally:
        tf.config.optimizer.set_jit(False)
        for name, value in before.items():
            getattr(keras.config, f"set_{name}")(value)


@contextlib.contextmanager
def scopes() -> Iterator[None]:
    import keras
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    tf.debugging.enable_check_numerics()
    try:
        with (
            tf.distribute.MirroredStrategy(["CPU:0"]).scope(), tf.device("CPU:0"), tf.GradientTape(),
            tf.name_scope("mine"), keras.name_scope("mine"), keras.StatelessScope(),
        ):  # fmt: skip
            yield
    finally:
        tf.debugging.disable_check_numerics()
        tf.config.run_functions_eagerly(False)


@contextlib.contextmanager
def strictness() -> Iterator[None]:
    """Warnings and rounding are errors; nobody is told anything; all is recorded, in a run in a run."""
    import mlflow

    with (
        mlflow.start_run(),
        mlflow.start_run(nested=True),
        attributes((sys, "stdout", None), (sys, "stderr", None)),
        warnings.catch_warnings(),
        np.errstate(all="raise"),
    ):
        warnings.simplefilter("error")
        yield


CONDITIONS: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "nothing": contextlib.nullcontext,
    "other numbers": other_numbers,
    "scopes": scopes,
    "strictness and a record": strictness,
}


def every_function(calls: Calls, bits: dict[str, str]) -> None:
    import keras

    for condition, begin in CONDITIONS.items():
        for name, call in calls.calls.items():
            with begin():
                before, error, found = state(), None, None
                try:
                    found = call()
                except Exception as raised:
                    error = repr(raised)
                after = state()
            bits.setdefault(name, digest(found))
            if condition == "nothing":
                calls.results[name] = found
                if name == "train":
                    found.model.save(MODEL)
                    keras.utils.clear_session()
            changed = {
                key: [str(before[key])[:200], str(after[key])[:200]] for key in before if before[key] != after[key]
            }
            say(condition, name, changed=changed, same=digest(found) == bits[name], error=error)


def several_threads(calls: Calls, bits: dict[str, str]) -> None:
    import keras

    keras.config.set_floatx("float64")
    before = state()
    with ThreadPoolExecutor(3) as executor:
        for name in ("compose", "load_photo", "train"):
            found = [executor.submit(calls.calls[name]) for _ in range(2)]
            same = [digest(one.result()) == bits[name] for one in found]
            say("threads", name, same=all(same))
    after = state()
    say("threads", "all", changed=[name for name in before if before[name] != after[name] and name != "threads"])
    keras.config.set_floatx("float32")


def stopped(calls: Calls) -> None:
    """Ctrl-C while it computes, and an error of the caller's own function."""
    config, data = calls.results["compose"], calls.results["load_dataset"]
    long = replace(config.train, epochs=2000)
    told = []

    def train(progress: Callable[..., None]) -> None:
        try:
            pipeline.train(long, config.model, data, seed=0, progress=progress)
        except (KeyboardInterrupt, ZeroDivisionError) as error:
            told.append(type(error).__name__)

    def interrupt(*_: Any, **__: Any) -> None:
        told.append(threading.current_thread() is threading.main_thread())
        os.kill(os.getpid(), signal.SIGINT)

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    train(interrupt)
    train(fail)
    say("stopped", "train", told=told, threads=[one.name for one in threading.enumerate() if "pipeline" in one.name])


def forked(calls: Calls) -> None:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        for name in ("compose", "load_photo", "train", "load_dataset_for"):
            try:
                calls.calls[name]()
                say("forked", name, error=None)
            except Exception as error:
                say("forked", name, error=str(error))
        os._exit(0)
    say("forked", "end", code=os.waitpid(child, 0)[1])


def main() -> None:
    Image.new("L", (30, 30), 255).save("mask.png")
    import mlflow
    import mlflow.keras

    mlflow.set_experiment("mine")
    # it would log nothing of the caller's own without TensorBoard, but reads the batches of a training all the same
    mlflow.autolog()
    mlflow.tensorflow.autolog()
    calls, bits = Calls(), {}
    assert calls.calls.keys() == set(pipeline.__all__) - {"About"}
    every_function(calls, bits)
    several_threads(calls, bits)
    stopped(calls)
    forked(calls)


if __name__ == "__main__":
    main()

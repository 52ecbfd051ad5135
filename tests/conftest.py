"""What several test files use: settings as the command line composes them, tiny real CNNs, their layers as arrays."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The suite is one of CPUs, whatever the machine has: a GPU rounds in other places, and many commands here are forks of
# a process that has TensorFlow already, in which CUDA does not work. `benchmarks/devices.py` is for GPUs.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import functools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from reference import Convolution, Layer, Pool
from templates import empty_record, recorded_here, smoke, smoke_here, trained, trained_here  # noqa: F401

import pipeline
from pipeline.runtime.numerics import prefer_onednn
from pipeline.settings.config import Config
from pipeline.settings.shared import ContrastConfig
from pipeline.stages.oip.settings import OipConfig

# many tests import TensorFlow by themselves
prefer_onednn()

REPOSITORY = Path(__file__).resolve().parent.parent
CONF = REPOSITORY / "conf"

# 12 x 12 -> 10 x 10 x 4 -> 5 x 5 x 4 -> 3 x 3 x 6 -> 5 -> 3
TINY_SIZE, TINY_MAPS = 12, {"Conv2D_1": 4, "Conv2D_2": 6}


# Where there is room for all that the tests leave behind, they lie in memory: MLflow's SQLite file waits for the disk
# several times in each of a hundred calls, which no test asks for.
IN_MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30

# What starts commands, servers and browsers.
STARTERS = ("commands", "servers", "slurm", "browser", "page", "at_once", "templates")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin each test at one state of Keras' random numbers: an unlucky CNN is met always or never."""
    if (keras := sys.modules.get("keras")) is not None:
        keras.utils.set_random_seed(17)


def pytest_configure(config: pytest.Config) -> None:
    if os.access(IN_MEMORY, os.W_OK):
        free = min(shutil.disk_usage(IN_MEMORY).free, psutil.virtual_memory().available // 2)
        if free >= ROOM:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))
    config.addinivalue_line("markers", "slow: computes for seconds; not part of make check")
    config.addinivalue_line("markers", "process: of a module that starts commands or servers; not part of make check")
    # of Keras' variables, which keras and NumPy have to settle between them
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation doesn't accept a copy")


def has_sets(value: object) -> bool:
    return isinstance(value, set | frozenset) or (isinstance(value, tuple | list) and any(map(has_sets, value)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # the order of a set is another in each process: the workers would not agree on the names of the tests
        if any(map(has_sets, item.callspec.params.values() if hasattr(item, "callspec") else ())):
            raise pytest.UsageError(f"{item.nodeid}: a parameter is a set; take a tuple")
        if any(getattr(value, "__module__", None) in STARTERS for value in vars(item.module).values()):
            item.add_marker("process")


@pytest.fixture(scope="session")
def compose() -> Callable[..., Config]:
    """compose(*overrides): the typed settings that the command line would make of these words."""
    return pipeline.compose


@pytest.fixture(scope="session")
def deterministic() -> None:
    """What the command line sets too: without it a GPU need not give the same bits twice."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


@pytest.fixture(scope="session")
def new_cnn(deterministic):
    """new_cnn(seed=0, activation="relu", classes=3): an untrained CNN of one's own, with biases that are not 0."""
    from pipeline.core import cnn, layers

    def built(*, seed: int = 0, activation: str = "relu", classes: int = 3):
        first, second = (
            layers.Convolution(name=name, filters=maps, size=(3, 3), activation=activation)
            for name, maps in TINY_MAPS.items()
        )
        behind = [
            *(first, layers.Pool(name="Max_Pool_1", size=(2, 2), stride=(2, 2)), second),
            layers.Flatten(name="Flatten"),
            layers.Dense(name="Dense_1", units=5, activation=activation),
            layers.Dense(name="Output", units=classes, activation="softmax"),
        ]
        model = cnn.build_cnn(
            layers.Network((layers.Input(name="Input", shape=(TINY_SIZE, TINY_SIZE, 1)), *behind)),
            regularizer=None,
            seed=seed,
        )
        generator = np.random.default_rng(seed)
        for layer in model.layers:
            if layer.weights:
                layer.bias.assign(generator.uniform(-0.1, 0.1, layer.bias.shape))
        return model

    return built


@pytest.fixture(scope="session")
def tiny_cnn(new_cnn):
    """The same, made once: not to be changed."""
    return functools.cache(new_cnn)


@pytest.fixture(scope="session")
def layers_up_to():
    """layers_up_to(model, layer, pre_activation=False): a CNN's convolutions and pools as plain arrays."""

    def arrays(model, last: str, *, pre_activation: bool = False) -> list[Layer]:
        layers: list[Layer] = []
        for layer in model.layers:
            if layer.__class__.__name__ == "Conv2D":
                kernel, bias = (weight.astype(np.float64) for weight in layer.get_weights())
                linear = pre_activation and layer.name == last
                layers.append(Convolution(kernel, bias, "linear" if linear else layer.activation.__name__))
            elif layer.__class__.__name__ == "MaxPooling2D":
                layers.append(Pool(layer.pool_size[0]))
            if layer.name == last:
                return layers
        raise AssertionError(f"{last} is no convolution or pool of the model")

    return arrays


@pytest.fixture(scope="session")
def start_images() -> np.ndarray:
    """(6, 12, 12, 1) float32, standardized, made without any of the code under test."""
    images = np.random.default_rng(7).normal(size=(6, TINY_SIZE, TINY_SIZE, 1))
    images -= images.mean(axis=(1, 2, 3), keepdims=True)
    return (images / images.std(axis=(1, 2, 3), keepdims=True)).astype(np.float32)


@pytest.fixture
def oip_config(compose: Callable[..., Any]) -> Callable[..., OipConfig]:
    """oip_config(**changes): the default settings, but for a layer of four steps."""
    default = replace(compose().oip, layer="Conv", steps=4, contrast=ContrastConfig(centre=0.5, factor=1.0))
    return lambda **changes: replace(default, **changes)

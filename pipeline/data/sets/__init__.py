"""The data sets: each is a file of this folder, found by its name, with a `SOURCE` that says all about it."""

import importlib
from typing import cast

from pipeline.data.source import DatasetSource

# What `data.name` takes, in the order in which a refusal lists it. A new data set is a file here and its name there.
NAMES = ("digits", "mnist", "fashion_mnist", "cifar10", "npz", "folder")


def data_set_names() -> tuple[str, ...]:
    """Return the names of all data sets, without importing any of them."""
    return NAMES


def source_of(name: str) -> DatasetSource:
    """Return what the data set of this name, one of `data_set_names`, says of itself."""
    return cast(DatasetSource, importlib.import_module(f"{__name__}.{name}").SOURCE)

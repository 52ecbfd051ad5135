"""The data sets that Keras knows where to find."""

import importlib
import re

from pipeline.data.source import Arrays
from pipeline.runtime.errors import InputError, without_numbers
from pipeline.runtime.numerics import settle_keras


def load_keras_dataset(name: str) -> Arrays:
    """Return `keras.datasets.NAME` from Keras' cache in the home directory, else by Keras' own download.

    Raises:
        InputError: it is not in the cache and cannot be downloaded.
    """
    settle_keras()
    module = importlib.import_module(f"keras.datasets.{name}")
    try:
        (x_train, y_train), (x_test, y_test) = module.load_data()
    except Exception as error:
        # Keras: "URL fetch failure on ADDRESS: STATUS -- REASON", with None for a status where nothing answers
        said = re.sub(r"^URL fetch failure on (\S+): (?:None -- )?", r"\1: ", str(error))
        words = " ".join(without_numbers(said).split()) or type(error).__name__
        takes = "an .npz file or a folder of IDX files, as the data is not in Keras' cache and cannot be downloaded"
        raise InputError.at("data.path", takes=takes, got=f"null ({words})") from error
    return Arrays(x_train, y_train, x_test, y_test)

"""Data sets that are arrays."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.preprocessing import Preprocessing
from pipeline.data.dataset import Dataset
from pipeline.data.files import read_arrays
from pipeline.data.finished import finished
from pipeline.data.images import ChosenPixels, is_large
from pipeline.data.layouts import as_labels, as_pictures
from pipeline.data.names import chosen_names, clean, in_given_order
from pipeline.data.numbers import BYTE, Numbers, numbers_of
from pipeline.data.preprocessing import resize, standardize
from pipeline.data.refusal import refused
from pipeline.data.resizing import prepared
from pipeline.data.source import Arrays, DatasetSource
from pipeline.data.splitting import chosen_for_testing
from pipeline.runtime.errors import InputError
from pipeline.settings.data import DataConfig

Labels = list[np.ndarray]


def load_array_set(
    config: DataConfig,
    source: DatasetSource,
    size: tuple[int, int],
    channels: int,
    preprocessing: Preprocessing,
) -> Dataset:
    """Load a data set of arrays, see `load_dataset`.

    Grey square images, standardized, of the data sets that are known are kept as they are and resized as floats, and
    have a digest of their own kind: results of earlier versions stand on these.
    """
    path = Path(config.path) if config.path else None
    if path is not None:
        raw = read_arrays(path, is_open=not source.class_names)
    else:
        assert source.own_arrays is not None
        raw = source.own_arrays()
    pictures = [as_pictures(raw.x_train, "train", path, channels)]
    if raw.x_test is not None:
        pictures.append(as_pictures(raw.x_test, "test", path, channels))
    labels, own_names = _labels(raw, [len(part) for part in pictures], source, path)
    if labels is not None:
        labels, own_names = in_given_order(labels, own_names, config.class_names)
    names = _names(config, source, raw, labels, own_names, path)
    numbers = numbers_of(pictures, source.white, path)
    numbers.check_fits_float32()
    digests = tuple(hashlib.sha256(_bytes(array)).hexdigest() for array in raw[:4] if array is not None)
    known = source.digests is None or digests == source.digests
    name = (config.name if known else f"{config.name} (other content)") if source.class_names else _name(path)
    if _is_as_ever(raw, source, size, channels, preprocessing):
        numbers.check_standardizes()
        assert labels is not None
        x_train, x_test = (part[: config.limit, ..., 0] for part in pictures)
        return Dataset(
            name=name,
            digest=hashlib.sha256(":".join([*digests, str(config.limit), str(size[0])]).encode()).hexdigest(),
            train_images=standardize(resize(x_train, size[0])),
            train_labels=labels[0][: config.limit],
            test_images=standardize(resize(x_test, size[0])),
            test_labels=labels[1][: config.limit],
            class_names=names,
        )
    layouts = [(array.dtype.str, array.shape) for array in raw[:4] if array is not None]
    parts: list[np.ndarray | ChosenPixels] = list(pictures)
    if len(pictures) == 1:
        parts, labels = _split(pictures[0], labels, config, path)
    colours = {part.shape[-1] for part in parts}
    if len(colours) > 1:
        shapes = " and ".join(str(array.shape) for array in (raw.x_train, raw.x_test) if array is not None)
        raise refused(path, "training and test images of the same channels", f"with {shapes}")
    _check_channels(colours.pop(), channels, path)
    if any(part.shape[1:3] != size for part in parts):
        numbers.check_resizes()
    limited = [part if config.limit is None else part[: config.limit] for part in parts]
    pixels = [prepared(_as_bytes(part, numbers), size, channels, config.fit, numbers.bounds) for part in limited]
    return finished(
        pixels,
        None if labels is None else [part[: config.limit] for part in labels],
        name=name,
        content=[digests, layouts, config.limit, config.fit, config.test_share, config.seed],
        class_names=names,
        preprocessing=preprocessing,
        numbers=dataclasses.replace(numbers, pixels=int(np.prod(pixels[0].shape[1:]))),
    )


def _labels(
    raw: Arrays, counts: Sequence[int], source: DatasetSource, path: Path | None
) -> tuple[Labels | None, tuple[str, ...]]:
    """Return labels and their names as `as_labels`, of as many parts as there are; None without labels."""
    given = [y for y in (raw.y_train, raw.y_test)[: len(counts)] if y is not None]
    if not given:
        return None, ()
    # one part stands for both
    both, both_counts = [*given, *given][:2], [*counts, *counts][:2]
    labels, names = as_labels(both, both_counts, source.class_names, path)
    return labels[: len(given)], names


def _names(
    config: DataConfig,
    source: DatasetSource,
    raw: Arrays,
    labels: Labels | None,
    own_names: tuple[str, ...],
    path: Path | None,
) -> tuple[str, ...]:
    """Return the names of the classes: those of the settings, of texts, of the file, or of the data set."""
    if labels is None:
        if config.class_names is not None:
            takes = "null for data without labels"
            raise InputError.at("data.class_names", takes=takes, got=", ".join(config.class_names))
        return ()
    least = max(int(part.max()) for part in labels) + 1
    own = source.class_names or own_names
    if not own and raw.class_names is not None and config.class_names is None:
        if raw.class_names.dtype.kind not in "SU" or raw.class_names.size < least:
            takes = f"class_names of texts, one for each of the {least} classes"
            raise refused(path, takes, f"with {raw.class_names.size} of {raw.class_names.dtype}")
        own = tuple(_texts(raw.class_names))
    return chosen_names(config.class_names, own, least, is_open=not own)


def _texts(names: np.ndarray) -> list[str]:
    flat = names.reshape(-1)
    return list(map(str, np.char.decode(flat, "utf-8", "replace") if flat.dtype.kind == "S" else flat))


def _is_as_ever(
    raw: Arrays, source: DatasetSource, size: tuple[int, int], channels: int, preprocessing: Preprocessing
) -> bool:
    """Tell whether the data, and what is to be made of them, are those that there were from the beginning."""
    images, labels = (raw.x_train, raw.x_test), (raw.y_train, raw.y_test)
    return (
        bool(source.class_names)
        and size[0] == size[1]
        and channels == 1
        and preprocessing.standardizes
        and all(x is not None and x.ndim == 3 and x.shape[1] == x.shape[2] and x.dtype.kind in "uif" for x in images)
        and all(y is not None and y.ndim == 1 and y.dtype.kind in "ui" for y in labels)
    )


def _split(
    pictures: np.ndarray, labels: Labels | None, config: DataConfig, path: Path | None
) -> tuple[list[np.ndarray | ChosenPixels], Labels | None]:
    """Return the training and the test images of data in one part, in their order, and their labels."""
    if len(pictures) < 2:
        raise refused(path, "two images at least, one of them to test with", "with 1")
    of_all = np.zeros(len(pictures), np.int64) if labels is None else labels[0]
    for_testing = chosen_for_testing(of_all, config.test_share, config.seed)
    rows = [np.flatnonzero(~for_testing)[: config.limit], np.flatnonzero(for_testing)[: config.limit]]
    chosen = [ChosenPixels(pictures, part) for part in rows]
    is_much = is_large([part.shape for part in chosen])
    return [part if is_much else part[:] for part in chosen], None if labels is None else [
        of_all[part] for part in rows
    ]


def _check_channels(found: int, channels: int, path: Path | None) -> None:
    if found != channels and (found not in (1, 3) or channels not in (1, 3)):
        raise refused(path, f"pictures of {channels} channels, as the CNN takes them", f"with {found}")


def _as_bytes(pictures: np.ndarray | ChosenPixels, numbers: Numbers) -> np.ndarray | ChosenPixels:
    """Return whole numbers of 0 to 255 as bytes; others as they are, those of 0 and 1 as floats."""
    kind = np.dtype(np.float32 if pictures.dtype.kind == "f" or numbers.white != BYTE else np.uint8)
    return pictures if pictures.dtype == kind else pictures[:].astype(kind)


def _bytes(array: np.ndarray) -> Any:
    """Return the bytes of an array in the order of its axes, without a copy where that is their order."""
    return array.view(np.uint8).data if array.flags.c_contiguous and array.dtype.kind in "buif" else array.tobytes()


def _name(path: Path | None) -> str:
    return clean(path.stem) if path is not None else ""

"""The numbers that a CNN out of a file gets for black and white: as it shows, as settings say, or as it knows best."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.preprocessing import BYTES, NONE, STANDARDIZE, SYMMETRIC, UNIT, Preprocessing, preprocessing_of
from pipeline.data.dataset import Dataset
from pipeline.data.datasets import load_dataset
from pipeline.data.preprocessing import preprocessing_from
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.config import Config

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


KEY = "data.preprocessing"
TRIED = (STANDARDIZE, UNIT, BYTES, SYMMETRIC)
# Test images to try them on, and by how much the best has to be better than the next, and than the largest class. How
# sure the answers are is no evidence: larger numbers make them surer, be they right or not.
IMAGES, CLEARLY = 256, 0.2
# How much better the answers have to fit another order of classes for that to be said.
FAR = 0.3


def load_dataset_for(config: Config, *, cache: Path | None = None, progress: Progress = no_progress) -> Dataset:
    """Load the data set of the settings as their CNN takes it: in its size, its channels and its range.

    The range of a CNN out of a file is the one that its layers show; or what `data.preprocessing` says; or the one in
    which it knows the test images best. A line on standard output says which one was found.

    Args:
        config: such as `compose("model=file", "model.path=my.keras", "data=folder", "data.path=photos/")`.
        cache, progress: see `load_dataset`.
    Raises:
        InputError: a file that cannot be read; the CNN shows that it takes another range than the settings say; or
            nobody says which.
    """
    height, width, channels = config.model.input_shape

    def load(preprocessing: Preprocessing | None) -> Dataset:
        size = (height, width)
        return load_dataset(
            config.data, size=size, channels=channels, preprocessing=preprocessing, cache=cache, progress=progress
        )

    return dataset_for(config, load)


def dataset_for(config: Config, load: Callable[[Preprocessing | None], Dataset]) -> Dataset:
    """Return the data set with the numbers that the CNN takes.

    Args:
        load: returns the data set with a preprocessing, None for that of the settings.
    Raises:
        InputError: the CNN shows that it takes others than the settings say; or nobody says which.
    """
    file = config.model.file()
    if file is None:
        return load(None)
    from pipeline.core.model_files.choosing import cnn_of
    from pipeline.core.model_range import shown_preprocessing

    seen = shown_preprocessing(file.model, config.model.input)
    given = preprocessing_from(config.data.preprocessing)
    if given is not None:
        dataset = load(None)
        if seen is not None and not seen.preprocessing.agrees(dataset.preprocessing):
            takes = f"{seen.preprocessing.words()}, for {config.model.path}, as {seen.why}"
            raise InputError.at(KEY, takes=takes, got=dataset.preprocessing.words())
        return dataset
    if seen is None:
        return load(_tried(cnn_of(file, config.model.chosen), config, load))
    _say(f"{KEY}={seen.preprocessing.kind}, as {config.model.path} shows: {seen.why}")
    return load(seen.preprocessing)


def _tried(model: "Cnn", config: Config, load: Callable[[Preprocessing | None], Dataset]) -> Preprocessing:
    """Return what a CNN names clearly the most test images rightly with.

    Raises:
        InputError: there are no labels, or none of them is clearly the best.
    """
    from pipeline.core import answers
    from pipeline.core.model_range import accuracies

    words = f"one of {', '.join((*TRIED, NONE))} or {{mean: [..], std: [..]}} for {config.model.path}"
    levels = load(preprocessing_of(UNIT))
    if not levels.has_labels:
        takes = f"{words}, which does not show what it takes, and no labels tell"
        raise InputError.at(KEY, takes=takes, got="null")
    if answers.classes_of(model) != levels.classes:
        takes = f"{words}, which does not show what it takes, nor tells these {levels.classes} classes apart"
        raise InputError.at(KEY, takes=takes, got="null")
    images, labels = _some_test_images(levels)
    found = accuracies(model, images, labels, TRIED)
    best, second = sorted(found, key=lambda word: found[word], reverse=True)[:2]
    shares = ", ".join(f"{word} {share:.0%}" for word, share in found.items())
    chance = np.bincount(labels).max() / len(labels)
    if found[best] < max(found[second], chance) + CLEARLY:
        takes = f"{words}, of which none is clearly right: it names {shares} of {len(labels)} test images rightly"
        raise InputError.at(KEY, takes=takes, got="null")
    _say(f"{KEY}={best}: {config.model.path} names {shares} of {len(labels)} test images rightly")
    return preprocessing_of(best)


def say_other_order(config: Config, dataset: Dataset) -> None:
    """Say so if the answers of a CNN out of a file fit the classes in another order far better."""
    file = config.model.file()
    if file is None or not dataset.has_labels:
        return
    from pipeline.core import answers
    from pipeline.core.model_files.choosing import cnn_of
    from pipeline.core.remembered import remembered
    from pipeline.core.score import features_of

    cnn = cnn_of(file, config.model.chosen)
    if answers.classes_of(cnn) != dataset.classes:
        _say(
            f"{config.model.path} does not tell the {dataset.classes} classes of the data apart: "
            "nothing is said of what it takes images for"
        )
        return
    images, labels = _some_test_images(dataset)
    # the jobs of a sweep share the CNN and the images
    key, same = ("answers to test images", IMAGES), (cnn, dataset.test_images)
    values = remembered(key, same, lambda: features_of(cnn, cnn.output_name, images))
    said = answers.predicted(values, answers.kind_of(cnn))
    order = other_order(labels, said, dataset.classes)
    if order is None:
        return
    names = ",".join(dataset.class_names[label] for label in order)
    right, would = (float((found == labels).mean()) for found in (said, order[said]))
    _say(
        f"{config.model.path} names {right:.0%} of {len(labels)} test images rightly, and {would:.0%} if it counts its "
        f"classes in another order: 'data.class_names=[{names}]'"
    )


def _some_test_images(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `IMAGES` test images, from all over, and their labels."""
    chosen = np.unique(np.linspace(0, len(dataset.test_labels) - 1, IMAGES).astype(int))
    return dataset.test_images[chosen], dataset.test_labels[chosen]


def other_order(labels: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray | None:
    """Return the class that each number of a CNN seems to stand for; None if none fits far better than its own.

    Args:
        labels, said: (images,), the class of each image and the number that the CNN says.
        classes: how many there are.
    """
    counts = np.bincount(said * classes + labels, minlength=classes**2).reshape(classes, classes)
    order = counts.argmax(axis=1)
    # what it never says keeps its number, if that is left over
    silent = counts.sum(axis=1) == 0
    if len(set(order[~silent].tolist())) < np.count_nonzero(~silent):
        return None
    order[silent] = np.setdiff1d(np.arange(classes), order[~silent])
    is_far_better = (order[said] == labels).mean() > (said == labels).mean() + FAR
    return order if is_far_better else None


@functools.lru_cache(maxsize=8)
def _say(line: str) -> None:
    """Say it once, not for each job of a sweep."""
    print(line, flush=True)

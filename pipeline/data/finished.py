"""The last step of every data set: its pixels as the CNN takes them, and its digest."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from pipeline.core.preprocessing import Preprocessing
from pipeline.data.dataset import Dataset
from pipeline.data.images import LazyImages, Pixels, bounds_of, is_large
from pipeline.data.numbers import Numbers
from pipeline.data.preprocessing import Conversion, conversion_of


def finished(
    pixels: Sequence[Pixels],
    labels: Sequence[np.ndarray] | None,
    *,
    name: str,
    content: Any,
    class_names: tuple[str, ...],
    preprocessing: Preprocessing,
    numbers: Numbers,
) -> Dataset:
    """Return the data set of pictures that have the CNN's size and channels.

    Args:
        pixels: of the training and of the test images, (count, height, width, channels), bytes or float32.
        labels: of both; None where they are not known.
        name, class_names: of the data set.
        content: what JSON can hold, on which the numbers and labels depend.
        preprocessing: what is made of the numbers, see `conversion_of`.
        numbers: what they are.
    """
    shape = pixels[0].shape[1:]
    conversion = conversion_of(preprocessing, numbers, shape[-1], lambda: bounds_of(pixels[0]))
    train_images, test_images = _images(pixels, conversion)
    digested = [content, list(shape), dataclasses.astuple(conversion.preprocessing)]
    unknown = [np.full(len(part), -1, np.int64) for part in pixels]
    train_labels, test_labels = unknown if labels is None else labels
    return Dataset(
        name=name,
        digest=hashlib.sha256(json.dumps(digested).encode()).hexdigest(),
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        class_names=class_names,
        preprocessing=conversion.preprocessing,
    )


def _images(pixels: Sequence[Pixels], conversion: Conversion) -> list[np.ndarray]:
    """Return all images as arrays, or as what behaves like arrays where bytes are many."""
    is_lazy = is_large([part.shape for part in pixels])
    images = []
    for part in pixels:
        if is_lazy and part.dtype == np.uint8:
            images.append(cast(np.ndarray, LazyImages(part, conversion)))
        else:
            images.append(conversion.all(part if isinstance(part, np.ndarray) else part[:]))
    return images
